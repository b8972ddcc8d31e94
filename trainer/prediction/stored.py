"""Stored: a class map in files, of which parts are written and rows are read; it is never held as a whole.

    OUT/.unfinished.json        what it is of, and a part up to which all is on the disk
    OUT/.unfinished.classes     uint8 [H, W], row by row
    OUT/.unfinished.confidence  uint16 [H, W], row by row, where it is wanted
    OUT/.unfinished.probabilities  float16 [H, W, num_classes], likewise

A killed prediction goes on after that part. There is one such class map in a folder at a time.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from converter.limits import MAX_NOTE_BYTES
from converter.pixels.geometry import Box
from converter.pixels.masks import count_classes
from converter.system.files import NotRegularError, read_regular, write_error, write_whole
from trainer.prediction.restoring import ClassMap, Wanted

JOURNAL, CLASSES = ".unfinished.json", ".unfinished.classes"
CONFIDENCE, PROBABILITIES = ".unfinished.confidence", ".unfinished.probabilities"
_PLACES = (CLASSES, CONFIDENCE, PROBABILITIES)  # in a ClassMap
NOTE_EVERY_S = 10.0  # on a busy disk, a part takes less time than to be sure that it is there
ROWS_BYTES = 16 * 2**20  # that are read at a time


class StoredMap:
    """A class map in files, open.

    Attributes:
      size: (height, width) in pixels.
      after: the last part that was written when it was opened, which no kill takes away; None where none was.
    """

    def __init__(
        self, folder: Path, facts: Mapping[str, Any], size: tuple[int, int], wanted: Wanted, num_classes: int
    ) -> None:
        """Resumes the class map in a folder if its inputs are the same, or starts a new one.

        Args:
          folder: for the files.
          facts: all that the class map depends on, as JSON has them.
          size: (height, width) in pixels.
          wanted: what it has beside its classes.
          num_classes: number of classes.

        Raises:
          MachineError: there is no space for it on the disk, or it cannot be written.
        """
        self.size = size
        self.after: Box | None = None
        self._last: Box | None = None  # that was written
        self._noted_s = time.monotonic()
        self._folder = folder
        self._facts = {**facts, "size": list(size), "wanted": list(wanted)}
        each = {CLASSES: 1, CONFIDENCE: 2 * wanted.confidence, PROBABILITIES: 2 * num_classes * wanted.probabilities}
        self._bytes = {name: count for name, count in each.items() if count}  # of a pixel
        self._num_classes = num_classes
        done = self._read_journal()
        with self._writing(CLASSES):
            if done is None:
                remove_stored(folder)
            self.after = done
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._files = {name: os.open(folder / name, flags, 0o666) for name in self._bytes}
            for name, file in self._files.items():  # before hours of work, not after them
                os.posix_fallocate(file, 0, size[0] * size[1] * self._bytes[name])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for file in self._files.values():
            os.close(file)

    def write(self, box: Box, found: ClassMap) -> None:
        """Writes a part of the class map; every NOTE_EVERY_S seconds it is noted that everything up to it is done.

        Raises:
          MachineError: it cannot be written.
        """
        for name, part in zip(_PLACES, found, strict=True):
            if part is None:
                continue
            file = self._files[name]
            with self._writing(name):
                self._write_rows(file, box, np.ascontiguousarray(part))
        self._last = box
        if time.monotonic() - self._noted_s >= NOTE_EVERY_S:
            self.note()

    def note(self) -> None:
        """Notes, once it is on the disk, that everything up to the last part that was written is done.

        Raises:
          MachineError: it cannot be written.
        """
        if self._last is None:
            return
        for name, file in self._files.items():
            with self._writing(name):
                os.fdatasync(file)
        note = json.dumps({"facts": self._facts, "after": list(self._last)}, sort_keys=True)
        write_whole(self._folder / JOURNAL, note.encode())
        self._noted_s = time.monotonic()

    def rows(self, top: int, bottom: int) -> ClassMap:
        """Returns some rows of the class map.

        Raises:
          MachineError: they cannot be read.
        """
        width = self.size[1]
        parts: dict[str, np.ndarray] = {}
        for name, file in self._files.items():
            pixel = self._bytes[name]
            with self._writing(name):
                data = _read(file, (bottom - top) * width * pixel, top * width * pixel)
            kind = {CLASSES: np.uint8, CONFIDENCE: np.uint16, PROBABILITIES: np.float16}[name]
            shape = (bottom - top, width) if name != PROBABILITIES else (bottom - top, width, self._num_classes)
            parts[name] = np.frombuffer(data, kind).reshape(shape)
        return ClassMap(parts[CLASSES], parts.get(CONFIDENCE), parts.get(PROBABILITIES))

    def strips(self, multiple: int = 1) -> Iterator[tuple[int, ClassMap]]:
        """Yields (first row, rows) from top to bottom, in multiples of `multiple` rows except for the last.

        Raises:
          MachineError: they cannot be read.
        """
        step = max(1, ROWS_BYTES // (self.size[1] * sum(self._bytes.values())) // multiple) * multiple
        for top in range(0, self.size[0], step):
            yield top, self.rows(top, min(top + step, self.size[0]))

    def counts(self) -> tuple[list[int], int]:
        """Returns (pixels of each class, pixels without data).

        Raises:
          MachineError: it cannot be read.
        """
        pixels, ignored = [0] * self._num_classes, 0
        for _, found in self.strips():
            more, without = count_classes(found.mask, self._num_classes)
            pixels = [first + second for first, second in zip(pixels, more, strict=True)]
            ignored += without
        return pixels, ignored

    def _write_rows(self, file: int, box: Box, part: np.ndarray) -> None:
        pixel, width = part[0, 0].nbytes, self.size[1]
        if box.width == width:
            _write(file, part.tobytes(), box.top * width * pixel)
            return
        for number, row in enumerate(part, start=box.top):
            _write(file, row.tobytes(), (number * width + box.left) * pixel)

    def _read_journal(self) -> Box | None:
        """Returns the last part of a class map with the same inputs; None if there is none."""
        with contextlib.suppress(OSError, NotRegularError, ValueError, TypeError, KeyError, RecursionError):
            note = json.loads(read_regular(self._folder / JOURNAL, MAX_NOTE_BYTES))
            sizes = {name: (self._folder / name).stat().st_size for name in self._bytes}
            expected = {name: self.size[0] * self.size[1] * pixel for name, pixel in self._bytes.items()}
            if note["facts"] == self._facts and sizes == expected:
                return Box(*map(int, note["after"]))
        return None

    @contextlib.contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise write_error(self._folder / name, error) from error


def remove_stored(folder: Path) -> None:
    """Removes the class map in a folder, if there is one."""
    for name in (JOURNAL, *_PLACES):  # the journal first: without it the others are nothing
        (folder / name).unlink(missing_ok=True)


def _write(file: int, data: bytes, place: int) -> None:
    left = memoryview(data)
    while left:
        count = os.pwrite(file, left, place)
        left, place = left[count:], place + count


def _read(file: int, size: int, place: int) -> bytes:
    data = os.pread(file, size, place)
    while len(data) < size:
        more = os.pread(file, size - len(data), place + len(data))
        if not more:
            raise OSError(None, "is cut off")
        data += more
    return data
