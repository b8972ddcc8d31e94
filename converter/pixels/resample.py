"""Resample: resizes masks. They are never blended: that would invent a third class between two.

A target pixel takes the value of one source pixel, or the class with the largest area.
"""

from __future__ import annotations

import functools

import numpy as np
from PIL import Image

from converter.pixels.decode import decoded_fast
from converter.pixels.geometry import Box, cut
from converter.pixels.masks import OpenMask, plain_picture
from converter.schema import IGNORE_INDEX

CHUNK_PIXELS = 1 << 20  # pixels or pairs of colours that are processed at a time


def resize_nearest(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Returns the image sampled to (height, width): row i takes row floor((i + 0.5) * old / new), columns likewise.

    Where that is an integer before the floor, Pillow's rounding may take the row before it.

    Source: Pillow's Resampling.NEAREST.
    """
    return picture.resize((size[1], size[0]), Image.Resampling.NEAREST)


@functools.lru_cache
def nearest_rows(old: int, new: int) -> np.ndarray:
    """Returns which of `old` rows `resize_nearest` takes for each of `new` rows, int64 [new]."""
    ramp = Image.fromarray(np.arange(old, dtype=np.int32)[:, None])
    taken: np.ndarray = np.asarray(resize_nearest(ramp, (new, 1)))[:, 0]
    return taken.astype(np.int64)


def sample_nearest(source: OpenMask, crop: Box, size: tuple[int, int]) -> Image.Image:
    """Returns the part of a mask in `crop`, sampled to (height, width), with the numbers of the file."""
    pixels = decoded_fast(source.picture)
    if pixels is not None:  # only the sampled rows become an image
        picture = Image.fromarray(cut(pixels, crop).take(nearest_rows(crop.height, size[0]), 0))
    else:
        picture = plain_picture(source, tolerance=0)
        if (crop.height, crop.width) != source.size:
            picture = picture.crop((crop.left, crop.top, crop.left + crop.width, crop.top + crop.height))
    return resize_nearest(picture, size)


def vote(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns a resized mask: each pixel takes the class with the largest area in the source pixels that it covers.

    Target row i of h covers the source rows from i * H / h to (i + 1) * H / h, columns likewise. IGNORE_INDEX wins
    where it covers more than half of that area. Otherwise the class with the largest area wins; on a tie, the smaller
    index. Areas are integers, in units of 1 / (h * w) source pixels.

    Args:
      mask: class indices and IGNORE_INDEX, uint8 [H, W].
      size: (height, width) in pixels.

    Returns:
      uint8 [height, width]; every value in it occurs in `mask`.
    """
    if mask.shape == size:
        return mask
    rows, columns = (_Cover(old, new) for old, new in zip(mask.shape, size, strict=True))
    # Most target pixels cover one class only; just the others are counted.
    voted, high = _reduced(mask, rows, columns, np.minimum), _reduced(mask, rows, columns, np.maximum)
    mixed_rows, mixed_columns = np.nonzero(voted != high)
    classes = np.flatnonzero(np.bincount(mask.ravel(), minlength=256))
    step = max(1, CHUNK_PIXELS // max(rows.span * columns.span, len(classes)))
    for start in range(0, len(mixed_rows), step):
        i, j = mixed_rows[start : start + step], mixed_columns[start : start + step]
        areas = _areas(mask, classes, rows, columns, (i, j))
        has_ignore = classes[-1] == IGNORE_INDEX
        winner = classes[areas[:, : len(classes) - has_ignore].argmax(axis=1)]  # the first on a tie
        if has_ignore:
            winner = np.where(2 * areas[:, -1] > mask.size, IGNORE_INDEX, winner)
        voted[i, j] = winner
    return voted


class _Cover:
    """Which of `old` source rows each of `new` target rows covers, and by how much; columns likewise.

    Attributes:
      starts: first source row, int64 [new].
      ends: the row after the last one, int64 [new].
      span: maximum number of rows that a target row covers.
    """

    def __init__(self, old: int, new: int) -> None:
        self.old, self.new = old, new
        edges = np.arange(new + 1) * old  # in units of 1 / new source rows
        self.starts, self.ends = edges[:-1] // new, -(-edges[1:] // new)
        self.span = int((self.ends - self.starts).max())

    def weights(self, targets: np.ndarray) -> np.ndarray:
        """Returns how much of each source row target rows cover, in units of 1 / new rows, int64 [N, span]."""
        edges = (self.starts[targets, None] + np.arange(self.span + 1)) * self.new
        edges = edges.clip(targets[:, None] * self.old, (targets[:, None] + 1) * self.old)
        return np.diff(edges, axis=1)


def _reduced(mask: np.ndarray, rows: _Cover, columns: _Cover, reduce: np.ufunc) -> np.ndarray:
    """Returns the smallest or largest value that each target pixel covers, uint8 [height, width]."""
    for axis, cover in enumerate((rows, columns)):
        reduced = mask.take(cover.starts, axis)
        for offset in range(1, cover.span):
            reduce(reduced, mask.take(np.minimum(cover.starts + offset, cover.ends - 1), axis), out=reduced)
        mask = reduced
    return mask


def _areas(
    mask: np.ndarray, classes: np.ndarray, rows: _Cover, columns: _Cover, targets: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Returns the area of each class that target pixels cover, in units of 1 / (h * w) source pixels.

    Args:
      mask: uint8 [H, W].
      classes: those in the mask, in order.
      rows: which source rows the target rows cover.
      columns: which source columns the target columns cover.
      targets: rows and columns of N target pixels.

    Returns:
      float64 [N, classes], integers: bincount takes no integer weights, and H * W is far below 2**53.
    """
    index_of = np.zeros(256, np.int64)
    index_of[classes] = np.arange(len(classes))
    heights, widths = rows.weights(targets[0]), columns.weights(targets[1])
    right = np.minimum(columns.starts[targets[1], None] + np.arange(columns.span), mask.shape[1] - 1)
    down = np.minimum(rows.starts[targets[0], None] + np.arange(rows.span), mask.shape[0] - 1)
    first = (np.arange(len(right)) * len(classes))[:, None, None]
    areas = np.zeros(len(right) * len(classes))
    step = max(1, CHUNK_PIXELS // right.size)  # all rows at once, unless a single target pixel covers a million others
    for start in range(0, rows.span, step):
        part = slice(start, start + step)
        values = index_of[mask[down[:, part, None], right[:, None]]] + first
        weights = heights[:, part, None] * widths[:, None]
        areas += np.bincount(values.ravel(), weights.ravel(), minlength=len(areas))
    return areas.reshape(-1, len(classes))
