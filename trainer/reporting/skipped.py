"""Skipped: the pairs that a build left out, as its errors.jsonl has them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from converter.dataset.manifest import Manifest
from converter.errors import REBUILD, DataError, shown
from converter.limits import MAX_FILE_BYTES
from converter.schema import ERRORS, FIX_KEY
from converter.system.files import read_regular


class Skipped(NamedTuple):
    """One pair that was left out: its split, list and line or file, the code of the error, and what to do."""

    split: str
    where: str
    code: str
    what: str
    fix: str


def skipped_pairs(folder: Path, manifest: Manifest) -> list[Skipped]:
    """Returns the pairs that the build of these records left out.

    Raises:
      DataError: errors.jsonl is missing, or is not the file that was built.
    """
    if not manifest.errors_sha256:
        return []
    path = folder / ERRORS
    try:
        data = read_regular(path, MAX_FILE_BYTES)
        if hashlib.sha256(data).hexdigest() != manifest.errors_sha256:
            raise ValueError("its SHA-256 is not the manifest's")
        return [_skipped(json.loads(line)) for line in data.decode("utf-8").splitlines()]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        what = f"is not the file that was built ({shown(reason, 100)})"
        raise DataError(path, what, REBUILD, "E_ERRORS") from None


def _skipped(raw: dict[str, object]) -> Skipped:
    where = f"{raw['list']}:{raw['line']}: {raw['file']}" if raw["list"] else str(raw["file"])
    return Skipped(str(raw["split"]), where, str(raw["code"]), str(raw["what"]), str(raw[FIX_KEY]))
