"""Ground: lawns, fields and bare soil."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from converter.sample.scene import SCALE, Colour, Floats, Scene

LAWN, DRY, SOIL, GRAVEL, PAVING, FIELD, CROP = range(7)

# Per kind of ground: its colour, the colour of worn patches, their strength, and grain.
GROUNDS: tuple[tuple[Colour, Colour, float, float], ...] = (
    ((98, 113, 66), (142, 130, 90), 0.6, 0.16),
    ((154, 144, 104), (112, 116, 74), 0.8, 0.16),
    ((142, 116, 90), (158, 140, 112), 0.8, 0.13),
    ((150, 147, 141), (128, 122, 112), 0.8, 0.14),
    ((146, 140, 134), (124, 120, 116), 0.5, 0.07),
    ((134, 110, 84), (152, 132, 104), 0.7, 0.13),
    ((104, 120, 66), (140, 122, 88), 0.5, 0.15),
)


def draw_ground(scene: Scene) -> None:
    """Draws plots on both sides of the main road: lawns, dry grass, soil, gravel, paving, and fields behind them.

    Ground has no hard edges, so it is computed once per pixel of the tile, not SCALE * SCALE times.
    """
    rng = scene.rng
    plot_width, plot_depth = rng.uniform(60, 110), rng.uniform(80, 130)
    along, across, fine, medium, coarse = (
        values[::SCALE, ::SCALE] for values in (scene.along, scene.across, scene.fine, scene.medium, scene.coarse)
    )
    # Ragged borders, as real plots have.
    columns = np.floor((along + 2.5 * medium) / np.float32(plot_width)).astype(np.int16) + 16
    rows = np.floor((across + 2.5 * medium) / np.float32(plot_depth)).astype(np.int16) + 16
    near = rng.choice([LAWN, DRY, SOIL, GRAVEL, PAVING], (32, 32), p=[0.42, 0.2, 0.14, 0.12, 0.12])
    far = rng.choice([LAWN, DRY, SOIL, FIELD, CROP], (1, 32), p=[0.35, 0.25, 0.1, 0.18, 0.12])
    # Behind the first row of plots the land is not divided: one kind of ground per strip.
    kinds = np.where(np.isin(np.arange(32), (15, 16))[:, None], near, far.T)
    tints = rng.uniform(0.86, 1.14, (32, 32, 1)) * rng.uniform(0.95, 1.05, (32, 32, 3))
    plots = np.clip(rows, 0, 31) * 32 + np.clip(columns, 0, 31)

    def per_pixel(values: NDArray[np.float64]) -> Floats:
        return np.take(values.reshape(32 * 32, -1).astype(np.float32), plots, axis=0)

    colours, bare, worn, grain = (np.array(column) for column in zip(*GROUNDS, strict=True))
    colour = per_pixel(colours[kinds] * tints)
    patches = np.clip((medium + coarse - 0.2) * 1.6, 0, 1) * per_pixel(worn[kinds])[..., 0]
    colour += (per_pixel(bare[kinds] * tints) - colour) * patches[..., None]
    light = 1 + fine * per_pixel(grain[kinds])[..., 0] + 0.08 * medium + 0.07 * coarse
    furrows = np.isin(kinds, (FIELD, CROP)).astype(np.float64) * rng.uniform(0.06, 0.12)
    spacing = rng.uniform(4.5, 8)
    lines = np.sin((across + 1.2 * medium) * np.float32(2 * math.pi / spacing))
    light += lines * (1 + coarse) * per_pixel(furrows)[..., 0]
    for row in range(SCALE):
        for column in range(SCALE):
            scene.colour[row::SCALE, column::SCALE] = colour
            scene.light[row::SCALE, column::SCALE] = light
