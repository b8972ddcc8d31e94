"""Drawn: images to try a model on, where there are no photographs."""

from __future__ import annotations

import numpy as np


def drawn_image(size: tuple[int, int], seed: int) -> np.ndarray:
    """Returns an image of soft colours, uint8 [H, W, 3], for want of a photograph."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 9, 3))
    rows, columns = (np.linspace(0, 7.999, n) for n in size)
    top, left = rows.astype(int), columns.astype(int)
    down, right = (rows - top)[:, None, None], (columns - left)[None, :, None]
    above = coarse[top][:, left] * (1 - right) + coarse[top][:, left + 1] * right
    below = coarse[top + 1][:, left] * (1 - right) + coarse[top + 1][:, left + 1] * right
    return (above * (1 - down) + below * down).astype(np.uint8)
