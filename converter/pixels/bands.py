"""Bands: which samples of an image are read, and how those of more than 8 bits are scaled. Loads no NumPy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Samples:
    """Which samples of an image are read, and how those of more than 8 bits become 8 bits.

    Attributes:
      bands: numbers of the bands that are read, from 1: one (grey) or three (red, green, blue); () reads the colours
        that the file says it has.
      levels: (low, high) that become 0 and 255, for each band or one for all; () refuses samples of more than 8 bits.
    """

    bands: tuple[int, ...] = ()
    levels: tuple[tuple[float, float], ...] = ()


AS_STORED = Samples()
