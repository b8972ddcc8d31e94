"""Staging: an export is written and tried under a temporary name; under its own it is complete, or not there."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from converter.errors import UsageError
from converter.system.files import TEMPORARY, sync_folder, temporary_path, whole_file, write_error
from converter.system.outputs import MARK, check_output_file
from trainer.exporting.facts import FACTS

_BEFORE = f"{TEMPORARY}before-"  # the folder that is replaced, for a moment


@contextlib.contextmanager
def staged(final: Path, suffix: str) -> Iterator[Path]:
    """Yields a temporary path to write to, which is renamed to `final` when the block succeeds.

    An export that is there already is replaced then, and nothing else is.

    Args:
      final: the file or folder.
      suffix: of the format's file; empty for a folder.

    Raises:
      UsageError: something else is there, or the folder around it does not exist.
      MachineError: it cannot be written.
    """
    if suffix:
        check_output_file(final, (suffix,))
        with whole_file(final) as temporary:
            yield temporary
    else:
        _check_folder(final)
        with _whole_folder(final) as temporary:
            yield temporary


def _check_folder(final: Path) -> None:
    if not final.parent.is_dir():
        fix = "Create that folder, or choose another."
        raise UsageError(final, f"cannot be written: {final.parent} is not a folder", fix, "E_OUTPUT")
    if not os.path.lexists(final):
        return
    facts = final / "assets.extra" / FACTS
    if final.is_symlink() or not facts.is_file() or MARK.encode() not in facts.read_bytes():
        what = "exists, and segconv did not write it"
        raise UsageError(final, what, "Choose another name, or delete it first.", "E_OUTPUT")


@contextlib.contextmanager
def _whole_folder(final: Path) -> Iterator[Path]:
    temporary, before = temporary_path(final), final.with_name(_BEFORE + final.name)
    try:
        for path in (temporary, before):  # of an export that was killed
            shutil.rmtree(path, ignore_errors=True)
        yield temporary
        for path in temporary.rglob("*"):
            if path.is_file():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        if final.exists():
            final.replace(before)
        temporary.replace(final)
        sync_folder(final.parent)
    except OSError as error:
        raise write_error(final, error) from error
    finally:
        for path in (temporary, before):
            shutil.rmtree(path, ignore_errors=True)
