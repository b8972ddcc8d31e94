"""Reference: the labels of a pair by a slow and simple program, to compare every fast one with.

It shares only Pillow's PNG decoder with the programs it checks: one pixel at a time, integers only, colours looked up
in a dictionary.
"""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
from PIL import Image

IGNORE = 255

Color = tuple[int, int, int]


def reference_mask(path: Path, size: tuple[int, int], colors: dict[Color, int]) -> np.ndarray:
    """Returns the class indices of a mask, letterboxed into (height, width), as uint8 [height, width].

    Target row i of h is the source row under its centre, floor((2 * i + 1) * H / (2 * h)), columns alike.

    Raises:
      KeyError: a sampled colour is not in `colors`.
    """
    with Image.open(path) as mask_file:
        pixel, (source_width, source_height) = mask_file.convert("RGB").load(), mask_file.size
    scale = min(size[0] / source_height, size[1] / source_width)
    height, width = min(size[0], round(source_height * scale)), min(size[1], round(source_width * scale))
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    mask = [[IGNORE] * size[1] for _ in range(size[0])]
    for i in range(height):
        row = (2 * i + 1) * source_height // (2 * height)
        for j in range(width):
            column = (2 * j + 1) * source_width // (2 * width)
            mask[top + i][left + j] = colors[pixel[column, row]]
    return np.array(mask, np.uint8)


def difference_db(image: np.ndarray, other: np.ndarray) -> float:
    """Returns the peak signal-to-noise ratio of two images of the same shape, in dB; infinite if equal."""
    error = float(np.mean((image.astype(np.float64) - other) ** 2))
    return 10 * math.log10(255**2 / error) if error > sys.float_info.epsilon else math.inf
