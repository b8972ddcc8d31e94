"""Geometry: which part of a source image goes where in the stored one. Sizes are (height, width) in pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from converter.schema import IGNORE_INDEX


class Box(NamedTuple):
    """A part of an image: rows top..top+height, columns left..left+width, in pixels."""

    top: int
    left: int
    height: int
    width: int


class Placement(NamedTuple):
    """Which part of a source image goes where.

    Attributes:
      crop: part of the upright source image, in its pixels.
      box: part of the stored image, in its pixels; around it is padding.
    """

    crop: Box
    box: Box


def place(source: tuple[int, int], size: tuple[int, int], fit: str) -> Placement:
    """Returns which part of an image of size `source` goes where in a stored image of `size`; both (height, width).

    "pad": all of it into the largest centred box of its aspect ratio. "stretch": all of it into all of the stored
    image. "crop": its largest centred box of the stored image's aspect ratio into all of the stored image.
    """
    all_of_it, everywhere = Box(0, 0, *source), Box(0, 0, *size)
    if fit == "stretch":
        return Placement(all_of_it, everywhere)
    if fit == "crop":
        return Placement(_largest_box(size, source), everywhere)
    return Placement(all_of_it, _largest_box(source, size))


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Returns (height, width) of an image that is resized by a factor: rounded, and at least one pixel."""
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def tile_boxes(area: Box, size: tuple[int, int], overlap: int, edge: str) -> list[Box]:
    """Returns the tiles that cover an area, row by row, from its top left corner.

    Neighbours share `overlap` pixels. Where the last tile of a row or column would reach over the edge of the area,
    "shift" moves it inwards, and "pad" leaves it. A tile larger than the area reaches over its edge in either case.

    Args:
      area: what is covered, in pixels.
      size: (height, width) of a tile.
      overlap: less than both sides of a tile.
      edge: "shift" or "pad".
    """
    rows = _tile_starts(area.height, size[0], overlap, edge)
    columns = _tile_starts(area.width, size[1], overlap, edge)
    return [Box(area.top + top, area.left + left, *size) for top in rows for left in columns]


def _tile_starts(length: int, side: int, overlap: int, edge: str) -> list[int]:
    """Returns where tiles of a side begin along an axis."""
    step = side - overlap
    starts = [number * step for number in range(max(0, -(-(length - side) // step)) + 1)]
    if edge == "shift" and length > side:
        starts[-1] = length - side
    return starts


def overlap_of(box: Box, size: tuple[int, int]) -> Box:
    """Returns which part of a box, relative to its corner, is inside an image of (height, width)."""
    top, left = max(0, -box.top), max(0, -box.left)
    bottom, right = min(box.height, size[0] - box.top), min(box.width, size[1] - box.left)
    return Box(top, left, max(0, bottom - top), max(0, right - left))


def _largest_box(shape: tuple[int, int], size: tuple[int, int]) -> Box:
    """Returns the largest centred box within `size` that has the aspect ratio of `shape`."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    height = min(size[0], max(1, round(shape[0] * scale)))
    width = min(size[1], max(1, round(shape[1] * scale)))
    return Box((size[0] - height) // 2, (size[1] - width) // 2, height, width)


def pad_mask(mask: np.ndarray, box: Box, size: tuple[int, int]) -> np.ndarray:
    """Returns uint8 [height, width] with `mask` in `box` and IGNORE_INDEX around it."""
    if mask.shape == size:
        return mask
    padded = np.full(size, IGNORE_INDEX, np.uint8)
    padded[box.top : box.top + box.height, box.left : box.left + box.width] = mask
    return padded


def cut(mask: np.ndarray, box: Box) -> np.ndarray:
    """Returns the part of a mask in `box`."""
    return mask[box.top : box.top + box.height, box.left : box.left + box.width]
