"""Outputs: the folder of predictions: what in it is done, and what it must not hold.

    OUT/predictions.json     the model and the options, which are the same for all that is in the folder
    OUT/index/a/b.png        one folder for each kind of picture, in it the paths of the photographs
    OUT/index/a/b.pgw        the world file of the photograph, where it has one, beside pictures of its size
    OUT/areas.csv            pixels of each class in each photograph
    OUT/errors.jsonl         photographs that were left out, if any
    OUT/.receipts.jsonl      what each photograph was when it was predicted, and the hashes of its pictures

Pictures are written whole and before their receipt, a sealed line: what a killed run left without one is predicted
again. A lost receipt only means that.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from converter.errors import DataError, MachineError, UsageError, shown
from converter.schema import ERRORS, FIX_KEY
from converter.sources.names import stem_of
from converter.system.console import log
from converter.system.files import (
    TEMPORARY,
    NotRegularError,
    Stamp,
    check_relative,
    open_append,
    read_regular,
    remove_temporary,
    whole_file,
    write_error,
    write_whole,
)
from converter.system.locks import LockedError, locked_folder
from trainer.prediction.inputs import Photograph
from trainer.prediction.options import SUFFIXES

FACTS, AREAS, RECEIPTS = "predictions.json", "areas.csv", ".receipts.jsonl"
KIND = "kind"  # of the facts: by it a folder of predictions is known
WORLD_SUFFIXES = {"index": ".pgw", "color": ".pgw", "confidence": ".pgw", "geotiff": ".tfw"}
_MOST_BYTES = 2**30  # of the receipts: some two million photographs
_FIX = "Choose another folder with --out."


@dataclass(frozen=True)
class Receipt:
    """What was predicted of one photograph.

    Attributes:
      name: of the photograph.
      digest: SHA-256 of its file, in hex.
      stamp: of its file; None where it may have changed since without another stamp.
      size: (height, width) of the class map.
      pixels: of each class, in order of their indices.
      files: SHA-256 of each picture, in hex, by its path below the output folder.
      square_metres: of a pixel, by the photograph's coordinate reference system; None where it does not say.
    """

    name: str
    digest: str
    stamp: Stamp | None
    size: tuple[int, int]
    pixels: tuple[int, ...]
    files: Mapping[str, str]
    square_metres: float | None = None

    def to_line(self) -> bytes:
        """Returns a line of RECEIPTS: a seal, and the receipt as JSON."""
        text = json.dumps(asdict(self)).encode("ascii")
        return hashlib.sha256(text).hexdigest().encode("ascii") + b" " + text + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Self | None:
        """Returns the receipt in such a line; None where it is damaged."""
        seal, _, text = line.partition(b" ")
        if hashlib.sha256(text).hexdigest().encode("ascii") != seal:
            return None
        raw = json.loads(text)
        stamp = Stamp(*raw["stamp"]) if raw["stamp"] else None
        height, width = raw["size"]
        pixels, area = tuple(raw["pixels"]), raw.get("square_metres")
        return cls(raw["name"], raw["digest"], stamp, (height, width), pixels, raw["files"], area)


def picture_path(kind: str, name: str) -> str:
    """Returns the path below the output folder of a picture, or of the polygons, of the photograph of that name."""
    return f"{kind}/{stem_of(name)}{SUFFIXES[kind]}"


def world_paths(kinds: Iterable[str], name: str) -> list[str]:
    """Returns the paths of the world files of those pictures of a photograph that have its pixels."""
    return [f"{kind}/{stem_of(name)}{WORLD_SUFFIXES[kind]}" for kind in kinds if kind in WORLD_SUFFIXES]


class Outputs:
    """The folder of predictions, locked.

    Attributes:
      out: the folder.
      receipts: of all photographs in it, by name.
    """

    def __init__(self, out: Path, receipts: dict[str, Receipt]) -> None:
        self.out = out
        self.receipts = receipts

    def is_done(self, photograph: Photograph, kinds: Sequence[str]) -> bool:
        """Returns whether these pictures of a photograph are there, unchanged, as is the photograph itself.

        Its file is read only where its stamp may have changed.
        """
        known = self.receipts.get(photograph.name)
        if known is None:
            return False
        paths = [picture_path(kind, photograph.name) for kind in kinds]
        if not all(_sha256(self.out / path) == known.files.get(path, "") for path in paths):
            return False
        if not self._has_world_file(photograph, known, kinds):
            return False
        if known.stamp is not None and photograph.stamp() == known.stamp:
            return True
        try:
            digest, stamp = photograph.digest()
        except DataError:
            return False
        if digest != known.digest:
            return False
        if stamp is not None:  # read and found unchanged: the next run need not read it
            self.add(dataclasses.replace(known, stamp=stamp))
        return True

    def _has_world_file(self, photograph: Photograph, known: Receipt, kinds: Sequence[str]) -> bool:
        """Returns whether the world files that were copied are still what that of the photograph is."""
        paths = [path for path in world_paths(kinds, photograph.name) if path in known.files]
        if not paths:
            return True
        digest = hashlib.sha256(photograph.world_file() or b"").hexdigest()
        return all(known.files[path] == digest == _sha256(self.out / path) for path in paths)

    def write(self, path: str, data: bytes) -> str:
        """Writes a picture to a path below the folder and returns its SHA-256, in hex.

        Raises:
          MachineError: it cannot be written.
        """
        write_whole(self._final(path), data)
        return hashlib.sha256(data).hexdigest()

    def write_file(self, path: str, write: Callable[[Path], None]) -> str:
        """Lets a function write the file of a path below the folder and returns its SHA-256, in hex.

        Args:
          path: below the folder.
          write: takes the temporary path to write to.

        Raises:
          MachineError: it cannot be written.
        """
        final = self._final(path)
        with whole_file(final) as temporary:
            write(temporary)
            with temporary.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        return digest

    def _final(self, path: str) -> Path:
        final = self.out / path
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(final, error) from error
        return final

    def add(self, receipt: Receipt) -> None:
        """Notes that the pictures of a photograph are done.

        Raises:
          MachineError: that cannot be written.
        """
        before = self.receipts.get(receipt.name)
        if before is not None and before.digest == receipt.digest:  # pictures of other kinds are as good as they were
            receipt = dataclasses.replace(receipt, files={**before.files, **receipt.files})
        try:
            with open_append(self.out / RECEIPTS) as file:
                file.write(receipt.to_line())
        except OSError as error:
            raise write_error(self.out / RECEIPTS, error) from error
        self.receipts[receipt.name] = receipt

    def finish(self, classes: Sequence[str], refused: Sequence[DataError], pixel_size: float | None) -> None:
        """Writes areas.csv of all photographs in the folder, by name, and errors.jsonl.

        Args:
          classes: names in order of their indices.
          refused: errors of the photographs that were left out.
          pixel_size: side of a pixel, in metres, of photographs whose files do not say; None where it is not known.

        Raises:
          MachineError: they cannot be written.
        """
        text = io.StringIO()
        rows = csv.writer(text, lineterminator="\n")
        of_all = None if pixel_size is None else pixel_size**2
        areas = {name: receipt.square_metres or of_all for name, receipt in self.receipts.items()}
        has_areas = any(areas.values())
        rows.writerow(["file", "height", "width", "class", "pixels", *(["square_metres"] if has_areas else [])])
        for name, receipt in sorted(self.receipts.items()):
            area = areas[name]
            for label, pixels in zip(classes, receipt.pixels, strict=True):
                cells = ["" if area is None else f"{pixels * area:.10g}"] if has_areas else []
                rows.writerow([name, *receipt.size, label, pixels, *cells])
        write_whole(self.out / AREAS, text.getvalue().encode("utf-8", "backslashreplace"))
        errors = "".join(json.dumps(refusal(error), ensure_ascii=False) + "\n" for error in refused)
        if errors:
            write_whole(self.out / ERRORS, errors.encode("utf-8", "backslashreplace"))
        else:
            (self.out / ERRORS).unlink(missing_ok=True)


@contextlib.contextmanager
def opened_outputs(out: Path, facts: Mapping[str, Any], *, overwrite: bool) -> Iterator[Outputs]:
    """Creates or opens the folder of predictions and locks it while the block runs.

    Args:
      out: the folder.
      facts: the model and the options that all predictions in it depend on, as JSON has them; under KIND what they are.
      overwrite: whether predictions of another model, or with other options, are removed.

    Raises:
      UsageError: it holds something else, or predictions of another model and `overwrite` is off, or another process
        writes to it.
      MachineError: it cannot be written to.
    """
    with contextlib.ExitStack() as stack:
        try:
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked_folder(out, "Make sure that no other process predicts into it."))
        except FileExistsError:
            raise UsageError(out, "is not a folder", _FIX, "E_OUT") from None
        except LockedError:
            raise UsageError(out, "is being written to by another process", "Wait for it.", "E_OUT") from None
        except MachineError as error:
            log.warning("Warning: %s", error)
        except OSError as error:
            raise write_error(out, error) from error
        receipts = _receipts(out) if _holds_predictions(out, facts, overwrite=overwrite) else {}
        if overwrite and not receipts:
            _remove_pictures(out)
        remove_temporary(out)
        write_whole(out / FACTS, (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())
        # Whole: after a line that a killed run has cut off, another one could not be told from it.
        write_whole(out / RECEIPTS, b"".join(receipt.to_line() for receipt in receipts.values()))
        yield Outputs(out, receipts)


def _holds_predictions(out: Path, facts: Mapping[str, Any], *, overwrite: bool) -> bool:
    """Returns whether a folder holds predictions with the same facts; not if it is empty.

    Raises:
      UsageError: it holds something else.
    """
    names = sorted(name for name in os.listdir(out) if not name.startswith(TEMPORARY))  # noqa: PTH208 - names
    if not names:
        return False
    before: Any = None
    with contextlib.suppress(OSError, ValueError, RecursionError):
        before = json.loads(read_regular(out / FACTS, _MOST_BYTES))
    if not isinstance(before, dict) or before.get(KIND) != facts[KIND]:
        some = ", ".join(map(shown, names[:3])) + (" ..." if len(names) > 3 else "")
        raise UsageError(out, f"holds something else ({some})", _FIX, "E_OUT")
    differing = [name for name in facts if before.get(name) != facts[name]]
    if differing and not overwrite:
        what = f"holds predictions of another run or with other options (differing: {', '.join(differing)})"
        raise UsageError(out, what, "Pass --overwrite to replace them, or choose another folder with --out.", "E_OUT")
    return not differing


def _receipts(out: Path) -> dict[str, Receipt]:
    """Returns the receipts in a folder; of two for a photograph, the later one."""
    found = {}
    with contextlib.suppress(OSError, NotRegularError):
        for line in read_regular(out / RECEIPTS, _MOST_BYTES).splitlines():
            if receipt := Receipt.from_line(line):
                found[receipt.name] = receipt
    return found


def _remove_pictures(out: Path) -> None:
    for receipt in _receipts(out).values():
        for path in receipt.files:
            check_relative(path)
            (out / path).unlink(missing_ok=True)


def _sha256(path: Path) -> str | None:
    """Returns the SHA-256 of a file, in hex; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def refusal(error: DataError) -> dict[str, Any]:
    """Returns the JSON object of a photograph that was left out, with the keys that all reports of segconv have."""
    return {"file": error.where, "code": error.code, "what": error.what, FIX_KEY: error.fix}
