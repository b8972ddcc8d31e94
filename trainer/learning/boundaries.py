"""Boundaries: boundary IoU, which looks at the pixels near the contour of a class alone. NumPy, on the host.

Source: Cheng et al., Boundary IoU: Improving Object-Centric Image Segmentation Evaluation, CVPR 2021: the boundary of
a mask is what erosion by d pixels takes away, d = 2 % of the image's diagonal; beyond the image nothing belongs to it.
"""

from __future__ import annotations

import math

import numpy as np

from converter.schema import IGNORE_INDEX

DISTANCE = 0.02  # of the diagonal of an image


def boundary(mask: np.ndarray, distance: int) -> np.ndarray:
    """Returns bool [H, W]: the pixels of a mask that have one outside of it within `distance` rows and columns.

    Args:
      mask: bool [H, W].
      distance: in pixels, 1 or more.
    """
    inner = mask
    for axis in (0, 1):
        inner = _eroded(inner, distance, axis)
    return mask & ~inner


def _eroded(mask: np.ndarray, distance: int, axis: int) -> np.ndarray:
    """Returns where all pixels within `distance` along an axis belong to a mask; beyond the image none does."""
    length = mask.shape[axis]
    before = np.zeros_like(mask, np.int32, shape=[n + (number == axis) for number, n in enumerate(mask.shape)])
    np.cumsum(mask, axis=axis, out=before[(slice(None),) * axis + (slice(1, None),)])
    ends = np.minimum(np.arange(length) + distance + 1, length)
    starts = np.maximum(np.arange(length) - distance, 0)
    inside: np.ndarray = before.take(ends, axis) - before.take(starts, axis) == 2 * distance + 1
    return inside


def boundary_counts(truth: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
    """Returns int64 [2, num_classes]: pixels in both boundaries of each class, and pixels in one of them or both.

    Ignored pixels are counted in neither; where they touch a class of the truth, that is its contour.

    Args:
      truth: uint8 [H, W], class indices and IGNORE_INDEX.
      prediction: uint8 [H, W], class indices.
      num_classes: number of classes.
    """
    distance = max(1, round(DISTANCE * math.hypot(*truth.shape)))
    valid = truth != IGNORE_INDEX
    counts = np.zeros((2, num_classes), np.int64)
    for index in np.union1d(truth[valid], prediction[valid]):
        ours, theirs = (boundary(classes == index, distance) & valid for classes in (truth, prediction))
        counts[:, index] = np.count_nonzero(ours & theirs), np.count_nonzero(ours | theirs)
    return counts
