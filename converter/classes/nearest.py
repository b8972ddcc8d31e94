"""Nearest: unlisted colours -> the class of the nearest listed one within a tolerance."""

from __future__ import annotations

import numpy as np

from converter.classes.class_map import ClassMap
from converter.pixels.resample import CHUNK_PIXELS

_FAR = 1 << 20  # more than any squared distance between two colours, 3 * 255 ** 2


class NearestColors:
    """The listed colours of a class map, for nearest-colour search; cached by mode.

    Attributes:
      tolerance: levels by which a colour may differ in every channel; 0 corrects nothing.
    """

    def __init__(self, classes: ClassMap, tolerance: int) -> None:
        self.tolerance = tolerance
        self._classes = classes
        self._listed: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def corrects(self, mode: str, depth: int) -> bool:
        """Returns whether values of a mode are corrected; grey samples of more or less than 8 bits never are."""
        return self.tolerance > 0 and (mode == "RGB" or (mode == "L" and depth == 8) or (mode == "P"))

    def indices_of(self, mode: str, colors: np.ndarray) -> np.ndarray:
        """Returns the class index of the nearest listed colour for each of N colours, by squared distance.

        Args:
          mode: of the mask.
          colors: [N, 3].

        Returns:
          int64 [N]; -1 if no listed colour is within the tolerance, or two classes are equally near.
        """
        listed, indices = self._candidates(mode)
        nearest = np.full(len(colors), -1, np.int64)
        if not len(listed):
            return nearest
        step = max(1, CHUNK_PIXELS // len(listed))
        for start in range(0, len(colors), step):
            apart = np.abs(colors[start : start + step, None].astype(np.int32) - listed)  # [n, listed, 3]
            squared = np.where(apart.max(axis=2) <= self.tolerance, (apart**2).sum(axis=2), _FAR)
            least = squared.min(axis=1, keepdims=True)
            is_nearest = squared == least
            low = np.where(is_nearest, indices, 256).min(axis=1)
            high = np.where(is_nearest, indices, -1).max(axis=1)
            nearest[start : start + step] = np.where((least[:, 0] < _FAR) & (low == high), low, -1)
        return nearest

    def _candidates(self, mode: str) -> tuple[np.ndarray, np.ndarray]:
        """Returns the listed colours that a mode can be drawn in, int32 [M, 3], and their class indices, int64 [M]."""
        if mode not in self._listed:
            drawn = dict(self._classes.rgb)
            if mode != "P":  # in which a grey level is the number of a palette entry
                drawn.update(((level,) * 3, index) for level, index in self._classes.grey.items() if level < 256)
            if mode == "L":
                drawn = {color: index for color, index in drawn.items() if len(set(color)) == 1}
            listed, indices = np.array([*drawn], np.int32).reshape(-1, 3), np.array([*drawn.values()], np.int64)
            self._listed[mode] = listed, indices
        return self._listed[mode]
