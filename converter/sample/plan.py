"""Plan: the sun, the roads, and the fields shared by the drawing modules."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.sample.scene import BACKGROUND, COARSE, SCALE, Bools, Floats, Road, Scene, Sun


def lay_out(rng: np.random.Generator, size: tuple[int, int]) -> Scene:
    """Returns an empty scene with its sun, its roads and its noise."""
    shape = (size[0] * SCALE, size[1] * SCALE)
    azimuth = rng.uniform(0, 2 * math.pi)
    sun = Sun(math.cos(azimuth), math.sin(azimuth), rng.uniform(0.75, 1.5))
    roads = plan_roads(rng, size)
    along, across, to_road, taken = road_fields(roads, size)
    return Scene(
        rng=rng,
        size=size,
        sun=sun,
        roads=roads,
        x=((np.arange(shape[1]) + 0.5) / SCALE).astype(np.float32)[None, :],
        y=((np.arange(shape[0]) + 0.5) / SCALE).astype(np.float32)[:, None],
        colour=np.empty((*shape, 3), np.float32),
        light=np.ones(shape, np.float32),
        height=np.zeros(shape, np.float32),
        mask=np.full(shape, BACKGROUND, np.uint8),
        fine=noise(rng, shape, 2.5),
        medium=0.6 * noise(rng, shape, 22) + 0.4 * noise(rng, shape, 8),
        coarse=noise(rng, shape, 110),
        along=along,
        across=across,
        to_road=to_road,
        taken=taken,
    )


def noise(rng: np.random.Generator, shape: tuple[int, int], cell: float) -> Floats:
    """Returns smooth noise, float32 `shape`, in about -1..1, with lumps of `cell` drawn pixels."""
    rows, columns = (math.ceil(side / cell) + 4 for side in shape)
    grid = Image.fromarray(rng.random((rows, columns), np.float32) * 2 - 1)
    # A border of two cells, so that the filter never needs values outside the grid.
    box = (2, 2, 2 + shape[1] / cell, 2 + shape[0] / cell)
    kernel = Image.Resampling.BICUBIC if cell > 4 else Image.Resampling.BILINEAR
    return np.asarray(grid.resize((shape[1], shape[0]), kernel, box=box))


def plan_roads(rng: np.random.Generator, size: tuple[int, int]) -> tuple[Road, ...]:
    """Returns a road through the middle of the tile and, in two tiles of three, one that meets or crosses it."""
    height, width = size
    x, y = width * rng.uniform(0.3, 0.7), height * rng.uniform(0.3, 0.7)
    angle = rng.uniform(-math.pi, math.pi)
    grey = rng.uniform(98, 148)
    tint = (grey + rng.uniform(-1, 5), grey, grey + rng.uniform(-5, 3))
    half = rng.uniform(13, 20)
    main = Road(x, y, angle, rng.uniform(0, 26), rng.uniform(50, 110), rng.uniform(0, 6.28), half, tint)
    if rng.random() < 0.35:
        return (main,)
    x, y, heading = main.place(rng.uniform(-60, 60), 0)
    is_track = rng.random() < 0.3
    shade = rng.uniform(0.9, 1.1)
    side = Road(
        x,
        y,
        heading + math.pi / 2 + rng.uniform(-0.3, 0.3),
        rng.uniform(0, 14),
        rng.uniform(60, 120),
        0.0,  # so that the side road starts exactly on the main road
        rng.uniform(6, 8) if is_track else rng.uniform(10, 14),
        (146, 128, 106) if is_track else (tint[0] * shade, tint[1] * shade, tint[2] * shade),
        is_marked=not is_track,
        starts_at_main=rng.random() < 0.6,
    )
    return (main, side)


def road_fields(roads: tuple[Road, ...], size: tuple[int, int]) -> tuple[Floats, Floats, Floats, Bools]:
    """Returns `along`, `across`, `to_road` and `taken` of a scene.

    The first three are computed on the planning grid and enlarged: they are smooth, and sines of every drawn pixel
    would take half of a tile's total time.
    """
    rows, columns = (math.ceil(side / COARSE) for side in size)
    # One more cell on each side, so that enlarging never needs values outside the grid.
    y = np.arange(-1.0, rows + 1)[:, None] * COARSE + COARSE / 2
    x = np.arange(-1.0, columns + 1)[None, :] * COARSE + COARSE / 2
    main_along, main_across = roads[0].along_across(x, y)
    to_road = np.abs(main_across) - roads[0].half
    for road in roads[1:]:
        edge = np.abs(road.along_across(x, y)[1]) - road.half
        to_road = smooth_minimum(to_road, np.maximum(edge, -main_across) if road.starts_at_main else edge, 14.0)
    # Rounded to 1/1024 pixel, far above floating-point error: the same mask on any CPU.
    fields = [np.round(values * 1024) / 1024 for values in (main_along, main_across, to_road)]
    return (
        enlarge(fields[0], size),
        enlarge(fields[1], size),
        enlarge(fields[2], size),
        to_road[1:-1, 1:-1] < 11,
    )


def smooth_minimum(a: NDArray[np.float64], b: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    """Returns the smaller of two distances, with the inner corners between them rounded by about `radius`.

    Source: the polynomial smooth minimum, well known from distance fields.
    """
    blend = np.clip(0.5 + 0.5 * (b - a) / radius, 0, 1)
    return b + (a - b) * blend - radius * blend * (1 - blend)


def enlarge(values: NDArray[np.float64], size: tuple[int, int]) -> Floats:
    """Returns values on the planning grid, which has a border of one cell, for every drawn pixel of the tile."""
    box = (1, 1, 1 + size[1] / COARSE, 1 + size[0] / COARSE)
    wanted = (size[1] * SCALE, size[0] * SCALE)
    return np.asarray(Image.fromarray(values.astype(np.float32)).resize(wanted, Image.Resampling.BILINEAR, box=box))
