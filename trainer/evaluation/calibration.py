"""Calibration: whether a model is right as often as it says, over all valid pixels.

The confidence of a pixel is the highest softmax probability. Counted at 16 bits, so that the result does not depend on
the order of the images.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BINS = 15  # as in Guo et al.
FULL = 65535  # of a confidence, which is 1


class Bin(NamedTuple):
    """The pixels whose confidence is within one of BINS equal parts of 0..1.

    Attributes:
      confidence: its mean.
      accuracy: share of them that are correct.
      pixels: number of them; at least one.
    """

    confidence: float
    accuracy: float
    pixels: int


class Calibration:
    """Counts pixels by their confidence, image by image."""

    def __init__(self) -> None:
        self._pixels = np.zeros((2, FULL + 1), np.int64)  # wrong and correct ones, by confidence

    def add(self, truth: np.ndarray, prediction: np.ndarray, confidence: np.ndarray, num_classes: int) -> None:
        """Counts one image.

        Args:
          truth: uint8 [H, W], class indices; other values are ignored.
          prediction: uint8 [H, W], class indices.
          confidence: uint16 [H, W], FULL for 1.
          num_classes: number of classes.
        """
        valid = truth < num_classes
        levels, is_right = confidence[valid], (truth == prediction)[valid]
        right = np.bincount(levels[is_right], minlength=FULL + 1)
        self._pixels += np.stack([np.bincount(levels, minlength=FULL + 1) - right, right])

    @property
    def bins(self) -> tuple[Bin, ...]:
        """The bins that have pixels; bin m is ((m - 1) / BINS, m / BINS]."""
        levels = np.arange(FULL + 1)
        places = np.maximum(-(-levels * BINS // FULL) - 1, 0)
        found = []
        for place in range(BINS):
            wrong, right = self._pixels[:, places == place]
            pixels = int((wrong + right).sum())
            if pixels:
                mean = float(((wrong + right) * levels[places == place]).sum() / pixels / FULL)
                found.append(Bin(mean, float(right.sum() / pixels), pixels))
        return tuple(found)


def calibration_error(bins: tuple[Bin, ...]) -> float:
    """Returns the expected calibration error (ECE), 0..1: mean distance of accuracy and confidence over all pixels.

    Source: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 3.
    """
    total = sum(each.pixels for each in bins)
    return sum(each.pixels * abs(each.accuracy - each.confidence) for each in bins) / total if total else float("nan")


def levels_of(confidence: np.ndarray) -> np.ndarray:
    """Returns probabilities, float [...], as uint16, FULL for 1."""
    return np.rint(confidence * FULL).astype(np.uint16)
