"""Camera: shadows, and the final image."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from converter.sample.scene import SCALE, Bools, Floats, Scene, Sun


def shadows(height: Floats, sun: Sun) -> Bools:
    """Returns which pixels are in shadow, bool of the shape of `height`.

    Every round doubles the distance covered towards the sun, so seven rounds cover 127 drawn pixels; stepping pixel by
    pixel would take 127.
    """
    hidden = height.copy()
    rows, columns = height.shape
    for doubling in range(7):
        step = 2**doubling
        dx, dy = round(sun.x * step), round(sun.y * step)
        if abs(dx) >= columns or abs(dy) >= rows:
            break  # outside the tile, where nothing is drawn
        fall = np.float32(sun.rise * math.hypot(dx, dy) / SCALE)
        here = slice(max(0, -dy), rows - max(0, dy)), slice(max(0, -dx), columns - max(0, dx))
        there = slice(max(0, dy), rows + min(0, dy)), slice(max(0, dx), columns + min(0, dx))
        # The difference is a copy: in-place writes to values still to be read would reach too far.
        np.maximum(hidden[here], hidden[there] - fall, out=hidden[here])
    return hidden > height + 1


def photograph(scene: Scene) -> NDArray[np.uint8]:
    """Renders the image: shadows, optics, exposure, white balance, sensor noise; uint8 [height, width, 3]."""
    rng = scene.rng
    bright = reduced(scene.colour, scene.light)
    hidden = Image.fromarray(shadows(scene.height, scene.sun).astype(np.uint8) * 255)
    # The sun is a disc, so the edge of a shadow is soft.
    shade = np.asarray(hidden.reduce(SCALE).filter(ImageFilter.BoxBlur(0.7)), np.float32)[..., None] / 255
    sky = np.array([0.40, 0.44, 0.50], np.float32) * np.float32(rng.uniform(0.85, 1.15))  # blue sky lights the shade
    bright *= 1 - shade * (1 - sky)
    gains = rng.uniform(0.96, 1.2) * rng.uniform(0.96, 1.04, 3)
    haze = rng.uniform(0, 14)
    bright = bright * gains.astype(np.float32) * np.float32(1 - haze / 255) + np.float32(haze)
    optics = ImageFilter.BoxBlur(rng.uniform(0.15, 0.45))
    blurred = Image.fromarray(np.clip(bright, 0, 255).astype(np.uint8)).filter(optics)
    grain = rng.standard_normal((*scene.size, 3), np.float32) * np.float32(rng.uniform(1.5, 4))
    image: NDArray[np.uint8] = np.clip(np.asarray(blurred) + grain, 0, 255).astype(np.uint8)
    return image


def reduced(colour: Floats, light: Floats) -> Floats:
    """Returns the mean of colour times light over every SCALE x SCALE pixels, which is the anti-aliasing.

    One channel at a time: NumPy is twice as fast along long rows as along rows of three.
    """
    means = np.zeros((light.shape[0] // SCALE, light.shape[1] // SCALE, 3), np.float32)
    for channel in range(3):
        for cell in np.ndindex(SCALE, SCALE):
            here = slice(cell[0], None, SCALE), slice(cell[1], None, SCALE)
            means[..., channel] += colour[..., channel][here] * light[here]
    means /= SCALE**2
    return means
