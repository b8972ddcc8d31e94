"""Stitch: the tiles of one photograph -> its class map, as one PNG file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from converter.dataset.example import Record, decode_record
from converter.dataset.manifest import ClassInfo
from converter.dataset.tfrecord import read_shard
from converter.errors import DataError, UsageError, shown
from converter.pixels.geometry import Box, cut, overlap_of
from converter.schema import IGNORE_INDEX
from converter.system.files import whole_file
from converter.system.outputs import MARK, check_output_file

SUFFIXES = (".png",)
_IGNORED_GREY = 128  # the colour of pixels that no tile covers, and of ignored ones


@dataclass(frozen=True)
class Stitched:
    """A photograph that was put together.

    Attributes:
      mask: uint8 [H, W], class indices; IGNORE_INDEX where they are ignored or no tile is.
      tiles: number of tiles.
      missing_pixels: number of pixels that no tile covers, since it was dropped or refused, or is in another shard.
    """

    mask: np.ndarray
    tiles: int
    missing_pixels: int

    def to_text(self, name: str, path: Path) -> str:
        """Returns one line that says what was saved."""
        height, width = self.mask.shape
        line = f"saved {shown(path)}: {shown(name)}, {height} high x {width} wide, {self.tiles} tiles"
        return line + (f"; no tile covers {self.missing_pixels:,} pixels" if self.missing_pixels else "")


def stitch(shards: Sequence[Path], name: str) -> Stitched:
    """Puts the tiles of a photograph together again.

    Args:
      shards: in which they are searched.
      name: path of the photograph relative to the source folder, as the records have it.

    Raises:
      UsageError: no record is of this photograph, or its record is no tile.
      DataError: a shard is damaged.
    """
    mask: np.ndarray | None = None
    boxes = []
    names = set()
    for path in shards:
        for number, data in enumerate(read_shard(path.parent, path.name)):
            record = decode_record(data, f"{path}: record {number}")
            names.add(record.file_name)
            if record.file_name != name:
                continue
            if record.tile is None:
                fix = "Build the dataset with `--fit tile` to have tiles."
                raise UsageError(name, "is stored as a whole, not in tiles", fix, "E_RECORD_NUMBER")
            if mask is None:
                mask = np.full(record.tile.scaled_size, IGNORE_INDEX, np.uint8)
            boxes.append(_paste(record, mask, f"{path}: record {number}"))
    if mask is None:
        close = difflib.get_close_matches(name, names, 1, 0)
        fix = f"Use a name such as {shown(close[0])}." if close else "Name a shard with records."
        raise UsageError(name, "is no photograph of these records", fix, "E_RECORD_NUMBER")
    return Stitched(mask, len(boxes), mask.size - _covered(boxes))


def _paste(record: Record, mask: np.ndarray, where: str) -> Box:
    """Copies a tile into the class map of its photograph; returns which part of that it is."""
    assert record.tile is not None  # noqa: S101 - for mypy
    window, (height, width) = record.tile.window, record.tile.scaled_size
    tile = record.mask
    if (height, width) != mask.shape or tile.shape != (window.height, window.width):
        what = f"is a tile {window} of a photograph of {height}x{width}, and does not fit the others"
        raise DataError(where, what, "Build the dataset again.", "E_RECORD")
    inside = overlap_of(window, (height, width))
    box = Box(window.top + inside.top, window.left + inside.left, inside.height, inside.width)
    cut(mask, box)[:] = cut(tile, inside)
    return box


def _covered(boxes: Iterable[Box]) -> int:
    """Returns the number of pixels that are in at least one box."""
    boxes = list(boxes)
    rows, columns = (
        np.unique([(box[axis], box[axis] + box[axis + 2]) for box in boxes]) for axis in (0, 1)
    )  # the edges of all boxes divide the image into cells that are in a box or are not
    cells = np.zeros((len(rows) - 1, len(columns) - 1), bool)
    for box in boxes:
        top, bottom = np.searchsorted(rows, (box.top, box.top + box.height))
        left, right = np.searchsorted(columns, (box.left, box.left + box.width))
        cells[top:bottom, left:right] = True
    return int((np.outer(np.diff(rows), np.diff(columns)) * cells).sum())


def save_stitched(stitched: Stitched, classes: Sequence[ClassInfo], path: Path) -> None:
    """Saves a class map as a palette PNG: the numbers are class indices, the colours those of the classes.

    Raises:
      UsageError: as `check_output_file` with SUFFIXES.
      MachineError: it cannot be written.
    """
    height, width = stitched.mask.shape
    picture = Image.frombuffer("P", (width, height), stitched.mask, "raw", "P", 0, 1)  # without a copy
    colors = np.full((256, 3), _IGNORED_GREY, np.uint8)
    for info in classes:
        colors[info.id] = info.color
    picture.putpalette(colors.tobytes())
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Software", MARK)
    check_output_file(path, SUFFIXES)
    with whole_file(path) as temporary:
        picture.save(temporary, pnginfo=notes, compress_level=1)
