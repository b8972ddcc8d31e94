"""Trees: crowns and hedges."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from converter.sample.scene import (
    BACKGROUND,
    BUILDING,
    ROAD,
    SCALE,
    VEGETATION,
    Bools,
    Colour,
    Floats,
    Scene,
    Window,
    strip,
)

LEAVES: tuple[Colour, ...] = ((82, 98, 56), (98, 111, 64), (72, 90, 56), (112, 118, 74), (122, 112, 70))


def draw_hedges(scene: Scene) -> None:
    """Draws hedges along and between the plots, where there is neither road nor roof."""
    rng = scene.rng
    road = scene.roads[0]
    for _ in range(rng.integers(2, 8)):
        side = rng.choice([-1, 1])
        length = rng.uniform(22, 60)
        is_along = rng.random() < 0.4
        across = side * (road.half + (rng.uniform(11, 15) if is_along else 12 + length))
        x, y, heading = road.place(rng.uniform(-200, 200), across)
        half = (length, rng.uniform(2.2, 4.2))
        window, u, v = strip(scene, x, y, heading + (0 if is_along else math.pi / 2), (half[0], half[1] * 1.5))
        shape = np.abs(v) < half[1] * (1 + 0.3 * scene.fine[window] + 0.2 * scene.medium[window])
        hedge = shape & (np.abs(u) < half[0]) & (scene.mask[window] == BACKGROUND) & (scene.height[window] < 4)
        plant(scene, window, hedge, 6 + 2.5 * scene.fine[window], leaf_colour(rng))


def leaf_colour(rng: np.random.Generator) -> Colour:
    """Returns the colour of one plant; no two trees of a street have the same green."""
    red, green, blue = LEAVES[min(int(rng.random() * 4.4), 4)]  # the autumn colour at the end is rarer
    shade, warmth = rng.uniform(0.85, 1.12), rng.uniform(0.95, 1.07)
    return red * shade * warmth, green * shade, blue * shade


def plant(scene: Scene, window: Window, leaves: Bools, top: Floats, colour: Colour) -> None:
    """Draws leaves of height `top` where nothing is higher."""
    higher = leaves & (top > scene.height[window])
    scene.height[window][higher] = top[higher]
    scene.colour[window][higher] = colour
    scene.mask[window][higher] = VEGETATION


def draw_trees(scene: Scene) -> None:
    """Draws street trees, then clumps and shrubs, until the tile has its share of green; then lights the leaves."""
    rng = scene.rng
    shapes = [crown(rng, is_conifer=kind == 0) for kind in range(5)]
    crowns = [Image.fromarray(np.rot90(shape, turns)) for shape in shapes for turns in range(4)]
    road = scene.roads[0]
    if rng.random() < 0.45:
        side, spacing = rng.choice([-1, 1]), rng.uniform(32, 60)
        for along in np.arange(-240, 240, spacing):
            if rng.random() < 0.8:
                x, y, _ = road.place(along + rng.uniform(-4, 4), side * (road.half + rng.uniform(8, 12)))
                plant_tree(scene, crowns, x, y, rng.uniform(8, 14))
    wanted = rng.uniform(0.13, 0.3)
    for _ in range(60):
        if np.mean(scene.mask[::8, ::8] == VEGETATION) >= wanted:
            break
        x, y = rng.uniform(0, scene.size[1]), rng.uniform(0, scene.size[0])
        spread, radius = rng.uniform(4, 36), rng.uniform(7, 20)
        for _ in range(rng.integers(1, 9)):
            dx, dy = rng.uniform(-spread, spread, 2)
            plant_tree(scene, crowns, x + dx, y + dy, radius * rng.uniform(0.6, 1.2))
    light_leaves(scene)


def crown(rng: np.random.Generator, *, is_conifer: bool) -> Floats:
    """Returns the height of one tree's leaves, float32 [48, 48] in 0..1: clusters of twigs on a dome or a cone."""
    side = (np.arange(48, dtype=np.float32) + 0.5) / 24 - 1
    centre = rng.uniform(-0.78, 0.78, (64, 2)).astype(np.float32)
    distance = np.sqrt((centre**2).sum(axis=1))
    centre, distance = centre[distance < 0.8], distance[distance < 0.8]
    radius = rng.uniform(0.12, 0.26, len(centre)).astype(np.float32)
    base = (1 - distance) * 0.8 if is_conifer else np.sqrt(1 - distance**2) * 0.72
    squared = (side[None, :, None] - centre[:, 1, None, None]) ** 2 + (side[None, None] - centre[:, 0, None, None]) ** 2
    bulge = np.maximum(radius[:, None, None] ** 2 - squared, 0)
    clusters: Floats = np.where(bulge > 0, base[:, None, None] + np.sqrt(bulge), 0).max(axis=0)
    return clusters


def plant_tree(scene: Scene, crowns: list[Image.Image], x: float, y: float, radius: float) -> None:
    """Draws one tree unless its trunk would be on a road or a roof; its crown may hang over both."""
    rng = scene.rng
    shape, colour = crowns[rng.integers(len(crowns))], leaf_colour(rng)
    row, column = int(y * SCALE), int(x * SCALE)
    height, width = scene.mask.shape
    if 0 <= row < height and 0 <= column < width and scene.mask[row, column] in (ROAD, BUILDING):
        return
    side = max(6, round(2 * radius * SCALE))
    top, left = row - side // 2, column - side // 2
    if not (-side < top < height and -side < left < width):
        return
    window = slice(max(0, top), top + side), slice(max(0, left), left + side)
    leaves = np.asarray(shape.resize((side, side), Image.Resampling.BILINEAR))
    leaves = leaves[window[0].start - top : height - top, window[1].start - left : width - left]
    plant(scene, window, leaves > 0.12, np.float32(radius) * (0.5 + np.float32(1.3) * leaves), colour)


def light_leaves(scene: Scene) -> None:
    """Lights every leaf by the slope of the crowns: bright towards the sun, dark away from it and in the gaps."""
    leaves = scene.mask == VEGETATION
    slope = np.zeros_like(scene.height)
    slope[:, 1:-1] = (scene.height[:, :-2] - scene.height[:, 2:]) * np.float32(scene.sun.x)
    slope[1:-1] += (scene.height[:-2] - scene.height[2:]) * np.float32(scene.sun.y)
    # The rim of a crown is a steep slope; without clipping it would be overexposed.
    light = 0.86 + 0.2 * np.clip(slope, -2.2, 1.6) + 0.2 * scene.fine + 0.1 * scene.medium
    scene.light[leaves] = np.clip(light, 0.3, 1.4)[leaves]
