"""Resizing: bilinear, to any size, one axis after the other.

TensorFlow's own kernel with antialiasing does not exist for XLA, which compiles the step on a GPU.
"""

from __future__ import annotations

import math

import numpy as np

from trainer.backend import Tensor, keras


def resized(x: Tensor, size: tuple[int, int], *, antialias: bool = False) -> Tensor:
    """Returns images of another size; centres of pixels are at halves, and pixels beyond the edge have no weight.

    Args:
      x: float [B, H, W, C]; H and W are static.
      size: (height, width) of the result, in pixels.
      antialias: where the result is smaller, its pixels are the mean of all that lie under them, weighted by distance.
    """
    for axis, new in zip((1, 2), size, strict=True):
        if x.shape[axis] != new:
            x = _along(x, axis, *taps(x.shape[axis], new, antialias=antialias))
    return x


def taps(old: int, new: int, *, antialias: bool) -> tuple[np.ndarray, np.ndarray]:
    """Returns the source pixels, and their weights, whose weighted sum each pixel of a resized axis is.

    Args:
      old: length of the axis.
      new: its length afterwards.
      antialias: as in `resized`.

    Returns:
      (indices, weights), int32 and float32 [taps, new]; the weights of a pixel add up to 1.

    Source: the triangle filter of P. Heckbert, "Fundamentals of Texture Mapping and Image Warping" (1989), as wide as
    a pixel of the result where that is larger than one of the source.
    """
    scale = old / new
    radius = max(1.0, scale) if antialias else 1.0
    centers = (np.arange(new) + 0.5) * scale - 0.5
    indices = np.floor(centers - radius) + 1 + np.arange(math.ceil(2 * radius))[:, None]
    weights = np.maximum(0, 1 - abs(indices - centers) / radius) * ((indices >= 0) & (indices < old))
    return indices.clip(0, old - 1).astype(np.int32), (weights / weights.sum(axis=0)).astype(np.float32)


def _along(x: Tensor, axis: int, indices: np.ndarray, weights: np.ndarray) -> Tensor:
    """Returns an array with one axis resized."""
    shape = [-1 if number == axis else 1 for number in range(4)]
    parts = [
        keras.ops.take(x, index, axis=axis) * keras.ops.cast(keras.ops.reshape(weight, shape), x.dtype)
        for index, weight in zip(indices, weights, strict=True)
    ]
    return sum(parts[1:], start=parts[0])
