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
