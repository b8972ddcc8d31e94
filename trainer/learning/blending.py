"""Blending: where windows lie on a larger image, and how much each counts. NumPy alone."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

LEAST_OVERLAP = 1 / 3  # of neighbouring windows, as a fraction of their size


class Windows(NamedTuple):
    """Where windows lie along one axis, and how much each counts.

    Attributes:
      starts: first pixel of each, in order.
      weights: float32 [windows, window]: of each pixel in each window; over all windows they add up to 1 at every
        pixel.
    """

    starts: tuple[int, ...]
    weights: np.ndarray


def windows_along(length: int, window: int) -> Windows:
    """Returns the fewest evenly spaced windows that overlap by LEAST_OVERLAP or more.

    A pixel counts the more the farther it is from the border of its window, where a model sees least around it: its
    weight is the distance, divided by the sum of the distances in all windows with that pixel.

    Args:
      length: of the axis, in pixels; `window` or more.
      window: length of a window, in pixels.
    """
    step = max(1, math.floor(window * (1 - LEAST_OVERLAP)))
    count = math.ceil((length - window) / step) + 1
    starts = tuple(round(place) for place in np.linspace(0, length - window, count))
    distance = np.minimum(np.arange(1, window + 1), np.arange(window, 0, -1)).astype(np.float64)
    total = np.zeros(length)
    for start in starts:
        total[start : start + window] += distance
    weights = np.stack([distance / total[start : start + window] for start in starts])
    return Windows(starts, weights.astype(np.float32))
