"""Photographs that the tests of several modules draw, save and read back."""

from __future__ import annotations

import numpy as np
import pytest

from converter.errors import DataError
from converter.pixels.images import open_image, render

ORIENTATION = 0x0112
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def smooth(height: int, width: int) -> np.ndarray:
    """Returns uint8 [height, width, 3] of soft shapes only: at hard edges any two filters differ."""
    y, x = np.mgrid[0:height, 0:width]
    red = 127 + 120 * np.sin(x / 37) * np.cos(y / 53)
    green = 127 + 120 * np.sin((x + 2 * y) / 41)
    blue = 255 * x / width
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def rendered(data: bytes, size: tuple[int, int], fit: str = "stretch") -> np.ndarray:
    return np.asarray(render(open_image(data, "a.jpg"), size, fit))


def refusal(data: bytes, **options: int) -> str:
    with pytest.raises(DataError) as caught:
        open_image(data, "a.jpg", **options)
    assert caught.value.where == "a.jpg"
    return caught.value.code


def as_stored(upright: np.ndarray) -> dict[int, np.ndarray]:
    """Returns by orientation what lies in a file that EXIF turns upright (EXIF 2.32, 4.6.4, tag 274)."""
    return {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }
