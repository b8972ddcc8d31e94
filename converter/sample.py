"""Sample: a synthetic aerial dataset of a small town, to try everything on without a download.

What leaves this module is the tutorial's layout: photographs (JPEG), RGB colour masks (PNG), two split lists and
classes.csv. Nothing comes in but a seed: a tile depends on (seed, split, number) alone, so that the same seed gives
the same bytes, whatever else is drawn.

Every painter writes into one Scene at twice the final resolution: colour, light, height and class together. The
height field is what casts the shadows, and the camera comes last. The mask is never blended: it takes one of every
four drawn pixels, the photograph their mean. Lengths are in pixels of the final tile; one is about 20 cm of ground.

Colour alone must not give a class away, or the dataset would teach nothing: roofs are as grey as the road, lawns as
green as the trees, yards as brown as the roofs. Shape, texture and shadow tell them apart.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from converter.console import Progress
from converter.errors import MachineError, UsageError

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Window = tuple[slice, slice]  # rows and columns of the drawn arrays
Colour = tuple[float, float, float]  # red, green, blue of the sunlit material, 0..255

BACKGROUND, BUILDING, VEGETATION, ROAD = range(4)
# The tutorial's classes and colours, in the order of their indices.
CLASSES = (("background", "#000000"), ("building", "#1600FF"), ("vegetation", "#00FF00"), ("road", "#FFFFFF"))
PALETTE = np.array([list(bytes.fromhex(colour[1:])) for _, colour in CLASSES], np.uint8)

SIZE = (288, 384)  # (height, width): not square, so that swapped sides show
JPEG_QUALITY = 88  # what drones and map servers use: small files, with the artefacts a model has to bear
SCALE = 2  # drawn pixels per pixel of the tile and side
COARSE = 4  # pixels per cell of the planning grid: enough to keep buildings apart, cheap enough to ask often
FOLDERS = {"train": ("jpg", "png"), "val": ("val_jpg", "val_png")}

LAWN, DRY, SOIL, GRAVEL, PAVING, FIELD, CROP = range(7)
# Per kind of ground: colour, the bare colour that shows through where it is worn, how much of it does, grain.
GROUNDS: tuple[tuple[Colour, Colour, float, float], ...] = (
    ((98, 113, 66), (142, 130, 90), 0.6, 0.16),
    ((154, 144, 104), (112, 116, 74), 0.8, 0.16),
    ((142, 116, 90), (158, 140, 112), 0.8, 0.13),
    ((150, 147, 141), (128, 122, 112), 0.8, 0.14),
    ((146, 140, 134), (124, 120, 116), 0.5, 0.07),
    ((134, 110, 84), (152, 132, 104), 0.7, 0.13),
    ((104, 120, 66), (140, 122, 88), 0.5, 0.15),
)
ROOFS_PITCHED: tuple[Colour, ...] = ((150, 84, 64), (128, 72, 58), (112, 86, 70), (98, 94, 94), (132, 128, 124))
ROOFS_FLAT: tuple[Colour, ...] = (
    (122, 120, 118),
    (142, 140, 136),
    (104, 104, 106),
    (182, 179, 172),
    (140, 126, 108),
    (106, 112, 80),  # a planted roof: green, and yet a building
)
LEAVES: tuple[Colour, ...] = ((82, 98, 56), (98, 111, 64), (72, 90, 56), (112, 118, 74), (122, 112, 70))
CARS: tuple[Colour, ...] = (
    (206, 206, 204),
    (58, 59, 62),
    (142, 144, 148),
    (94, 97, 102),
    (132, 46, 42),
    (56, 74, 116),
)


class Sun(NamedTuple):
    """Where the light of a tile comes from.

    Attributes:
      x, y: unit vector on the ground that points to the sun.
      rise: tangent of the sun's elevation; a thing of height h throws a shadow of length h / rise.
    """

    x: float
    y: float
    rise: float


@dataclass(frozen=True)
class Road:
    """A road whose centre line is a sine on a turned axis; `along` and `across` are coordinates on it.

    Attributes:
      x, y, angle: origin and direction of the axis.
      bend, length, phase: amplitude and wavelength (over 2 pi) of the centre line.
      half: half the width of the carriageway.
      tint: colour of the surface.
      is_marked: painted lines and pavements, or a bare track.
      starts_at_main: lies only on the positive side of the first road: a T junction.
    """

    x: float
    y: float
    angle: float
    bend: float
    length: float
    phase: float
    half: float
    tint: Colour
    is_marked: bool = True
    starts_at_main: bool = False

    def along_across(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Returns for points of the tile how far along the road they lie, and how far to its right."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        along = (x - self.x) * cos + (y - self.y) * sin
        turn = along / self.length + self.phase
        offset = (y - self.y) * cos - (x - self.x) * sin - self.bend * np.sin(turn)
        # To first order the distance to a sloping line is the vertical one times the cosine of its slope.
        return along, offset / np.sqrt(1 + (self.bend / self.length * np.cos(turn)) ** 2)

    def position(self, x: float, y: float) -> tuple[float, float]:
        """Returns (along, across) of one point."""
        along, across = self.along_across(np.array(x), np.array(y))
        return float(along), float(across)

    def place(self, along: float, across: float) -> tuple[float, float, float]:
        """Returns (x, y, heading in radians) of a point given in the road's own coordinates."""
        turn = along / self.length + self.phase
        slope = math.atan(self.bend / self.length * math.cos(turn))
        u = along - across * math.sin(slope)
        v = self.bend * math.sin(turn) + across * math.cos(slope)
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return self.x + u * cos - v * sin, self.y + u * sin + v * cos, self.angle + slope


class Part(NamedTuple):
    """One rectangle of a building's plan, in the building's own axes."""

    u: float
    v: float
    half_u: float
    half_v: float


@dataclass(frozen=True)
class Building:
    """A building: rectangles that share their axes, and one roof over them."""

    x: float
    y: float
    angle: float
    parts: tuple[Part, ...]
    eave: float
    pitch: float  # tangent of the roof's slope; 0 for a flat roof
    is_hipped: bool
    tint: Colour

    def place(self, u: float, v: float) -> tuple[float, float]:
        """Returns (x, y) of a point given on the building's axes."""
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        return self.x + u * cos - v * sin, self.y + u * sin + v * cos


@dataclass
class Scene:
    """What has been drawn of a tile so far; every array is [height * SCALE, width * SCALE].

    Attributes:
      colour: float32 [..., 3], the sunlit material.
      light: float32, texture and slope as a factor on the colour.
      height: float32, height above the ground; what casts the shadows, and what hides a lower thing.
      mask: uint8, class indices.
      fine, medium, coarse: float32 noise about 0, shared by all painters; the scales are a leaf, a stain, a meadow.
      along, across: float32, coordinates on the first road; plots and hedges follow them.
      to_road: float32, distance to the nearest edge of a carriageway, negative on it.
      taken: bool on the planning grid, ground where nothing more can be built.
    """

    rng: np.random.Generator
    size: tuple[int, int]
    sun: Sun
    roads: tuple[Road, ...]
    x: Floats
    y: Floats
    colour: Floats
    light: Floats
    height: Floats
    mask: NDArray[np.uint8]
    fine: Floats
    medium: Floats
    coarse: Floats
    along: Floats
    across: Floats
    to_road: Floats
    taken: Bools
    driveways: list[tuple[float, float]] = field(default_factory=list)


def draw_tile(
    seed: int, split: str, number: int, size: tuple[int, int] = SIZE
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draws one tile of the town, seen from straight above.

    Args:
      seed: 0 or more; names the town.
      split: such as "train"; the same number in another split is another tile.
      number: 0 or more.
      size: (height, width) in pixels.

    Returns:
      The photograph, uint8 [height, width, 3], and its mask, class indices uint8 [height, width]. A car has the
      class of the ground it stands on, a shadow that of the ground it falls on.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, int.from_bytes(split.encode(), "big"), number]))
    scene = lay_out(rng, size)
    draw_ground(scene)
    draw_roads(scene)
    draw_parking(scene)
    draw_buildings(scene)
    draw_traffic(scene)
    draw_hedges(scene)
    draw_trees(scene)
    return photograph(scene), np.ascontiguousarray(scene.mask[::SCALE, ::SCALE])


# ---- the plan: sun, roads, and the fields that the painters share


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
    # A border of two cells, so that the filter never has to make up values outside the grid.
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
        0.0,  # so that the side road leaves from the very point of the main road
        rng.uniform(6, 8) if is_track else rng.uniform(10, 14),
        (146, 128, 106) if is_track else (tint[0] * shade, tint[1] * shade, tint[2] * shade),
        is_marked=not is_track,
        starts_at_main=rng.random() < 0.6,
    )
    return (main, side)


def road_fields(roads: tuple[Road, ...], size: tuple[int, int]) -> tuple[Floats, Floats, Floats, Bools]:
    """Returns `along`, `across`, `to_road` and `taken` of a scene.

    The first three are worked out on the planning grid and enlarged: they are smooth, and sines of every drawn
    pixel would cost as much as half the tile.
    """
    rows, columns = (math.ceil(side / COARSE) for side in size)
    # One cell more on each side, so that enlarging never has to make up values at the rim.
    y = np.arange(-1.0, rows + 1)[:, None] * COARSE + COARSE / 2
    x = np.arange(-1.0, columns + 1)[None, :] * COARSE + COARSE / 2
    main_along, main_across = roads[0].along_across(x, y)
    to_road = np.abs(main_across) - roads[0].half
    for road in roads[1:]:
        edge = np.abs(road.along_across(x, y)[1]) - road.half
        to_road = smooth_minimum(to_road, np.maximum(edge, -main_across) if road.starts_at_main else edge, 14.0)
    # Powers of two of a pixel, far above rounding: the same mask on any processor.
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


def around(scene: Scene, x: float, y: float, half: tuple[float, float]) -> Window:
    """Returns the drawn rows and columns of a box with half sides `half` = (x, y); empty outside the tile."""
    height, width = scene.mask.shape
    left, top = (max(0, math.floor((centre - side) * SCALE)) for centre, side in ((x, half[0]), (y, half[1])))
    right, bottom = (max(0, math.ceil((centre + side) * SCALE)) for centre, side in ((x, half[0]), (y, half[1])))
    return slice(min(top, height), min(bottom, height)), slice(min(left, width), min(right, width))


def turned(scene: Scene, window: Window, x: float, y: float, angle: float) -> tuple[Floats, Floats]:
    """Returns the coordinates of a window's pixels on axes that start at (x, y) and are turned by `angle`."""
    dx, dy = scene.x[:, window[1]] - np.float32(x), scene.y[window[0]] - np.float32(y)
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    return dx * cos + dy * sin, dy * cos - dx * sin


# ---- the ground


def draw_ground(scene: Scene) -> None:
    """Paints plots on both sides of the main road: lawns, dry grass, soil, gravel, paving, and fields behind them.

    Ground has no hard edges, so it is worked out once per pixel of the tile and not SCALE * SCALE times.
    """
    rng = scene.rng
    plot_width, plot_depth = rng.uniform(60, 110), rng.uniform(80, 130)
    along, across, fine, medium, coarse = (
        values[::SCALE, ::SCALE] for values in (scene.along, scene.across, scene.fine, scene.medium, scene.coarse)
    )
    # Ragged borders: people do not mow along a ruler.
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


def strip(scene: Scene, x: float, y: float, angle: float, half: tuple[float, float]) -> tuple[Window, Floats, Floats]:
    """Returns the window of a turned rectangle with half sides `half`, and its coordinates on its own axes."""
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    window = around(scene, x, y, (half[0] * cos + half[1] * sin + 1, half[0] * sin + half[1] * cos + 1))
    u, v = turned(scene, window, x, y, angle)
    return window, u, v


def draw_parking(scene: Scene) -> None:
    """Paves a car park beside the main road, in the grey of roads and roofs, in about half of the tiles."""
    rng = scene.rng
    if rng.random() > 0.55:
        return
    road = scene.roads[0]
    half_u, half_v = rng.uniform(34, 60), rng.uniform(20, 34)
    side = 1 if rng.random() < 0.5 else -1
    x, y, heading = road.place(rng.uniform(-110, 110), side * (road.half + half_v + 9))
    window, u, v = strip(scene, x, y, heading, (half_u, half_v))
    paved = (np.abs(u) < half_u) & (np.abs(v) < half_v) & (scene.to_road[window] > 6)
    if not paved.any():
        return
    grey = rng.uniform(0.85, 1.15)
    bay = 13.0
    lines = (np.abs((u + bay / 2) % bay - bay / 2) < 0.6) & (np.abs(v) > half_v - 24) & (scene.fine[window] > -0.6)
    surface = np.where(lines[..., None], 196.0, np.array(road.tint) * grey)
    scene.colour[window][paved] = surface[paved]
    scene.light[window][paved] = (1 + 0.08 * scene.fine[window] + 0.13 * scene.medium[window])[paved]
    park = Building(x, y, heading, (Part(0, 0, half_u, half_v),), 0, 0, False, road.tint)  # a plan without walls
    scene.taken |= on_plan(scene, park, 4)
    for row in (-1, 1):
        for bay_u in np.arange(-half_u + bay, half_u - bay / 2, bay):
            if rng.random() < 0.55:
                bay_v = row * (half_v - 12.5) + rng.uniform(-1, 1)
                draw_car(scene, *park.place(bay_u, bay_v), heading + math.pi / 2)


# ---- roads and what drives on them


def draw_roads(scene: Scene) -> None:
    """Paints carriageways with their wear, markings, kerbs and pavements; only the carriageway is class road."""
    rng = scene.rng
    main = scene.roads[0]
    on_road = scene.to_road < 0
    scene.mask[on_road] = ROAD
    scene.colour[on_road] = main.tint
    fine, medium, coarse = scene.fine[on_road], scene.medium[on_road], scene.coarse[on_road]
    # Wheels polish two tracks per lane; the rest of the asphalt is rough, stained and mended.
    tracks = np.exp(-(((np.abs(scene.across[on_road]) - np.float32(main.half * 0.5)) / 4.5) ** 2))
    asphalt = 1 + 0.1 * fine + 0.1 * medium + 0.07 * coarse + 0.07 * tracks
    asphalt[(np.abs(medium) < 0.018) & (coarse > -0.1)] *= 0.84  # cracks
    scene.light[on_road] = asphalt
    for road in scene.roads[1:]:
        paint_side_road(scene, road)
    if rng.random() < 0.8:
        paint_pavement(scene, rng.uniform(6, 10))
    mend_road(scene)
    for road in scene.roads:
        if road.is_marked:
            paint_markings(scene, road)


def paint_side_road(scene: Scene, road: Road) -> None:
    """Gives the side road its own surface, up to the edge of the main road."""
    beside = (scene.to_road < 0) & (np.abs(scene.across) > scene.roads[0].half)
    scene.colour[beside] = road.tint
    if not road.is_marked:
        scene.light[beside] += 0.1 * scene.medium[beside] + 0.08 * scene.fine[beside]


def paint_pavement(scene: Scene, width: float) -> None:
    """Lays a light kerb and a paved footway along every carriageway; both are background."""
    grey = scene.rng.uniform(118, 168)
    footway = (scene.to_road >= 0) & (scene.to_road < width)
    scene.colour[footway] = (grey + 4, grey, grey - 5)
    along, to_road = scene.along[footway], scene.to_road[footway]
    slabs = ((along % 4 < 0.55) | (to_road % 4 < 0.55)) * np.float32(0.1)
    kerb = (to_road < 1.1) * np.float32(0.22)
    scene.light[footway] = 1.02 - slabs + kerb + 0.07 * scene.fine[footway] + 0.1 * scene.medium[footway]


def mend_road(scene: Scene) -> None:
    """Lays patches of newer and older asphalt, straight along the road."""
    rng = scene.rng
    road = scene.roads[0]
    for _ in range(rng.integers(2, 7)):
        across = rng.uniform(-0.7, 0.7) * road.half
        x, y, heading = road.place(rng.uniform(-220, 220), across)
        half = (rng.uniform(4, 34), rng.uniform(2.5, 9))
        window, u, v = strip(scene, x, y, heading, half)
        patch = (np.abs(u) < half[0]) & (np.abs(v) < half[1]) & (scene.to_road[window] < -0.5)
        scene.light[window][patch] *= rng.choice([0.8, 0.87, 1.09, 1.15])
        scene.light[window][patch & ((np.abs(u) > half[0] - 0.6) | (np.abs(v) > half[1] - 0.6))] *= 0.88


def paint_markings(scene: Scene, road: Road) -> None:
    """Paints dashes, edge lines and perhaps a crossing, worn where tyres go; none inside a junction."""
    rng = scene.rng
    is_main = road is scene.roads[0]
    has_edge_lines, has_zebra = rng.random() < 0.35, is_main and rng.random() < 0.45
    reach = math.hypot(*scene.size)
    junction = scene.roads[-1].half + 14 if len(scene.roads) > 1 else 0.0
    meets_at = main_position(scene.roads) if is_main else 0.0
    zebra_at = meets_at + junction + rng.uniform(8, 30)
    for along in np.arange(-reach, reach, 26.0):
        is_open = abs(along - meets_at) > junction if is_main else abs(along) > scene.roads[0].half + 16
        if is_open and not (has_zebra and abs(along - zebra_at) < 20) and (is_main or not is_behind(road, along)):
            paint_line(scene, road, along, 0.0, (6.5, 0.75))
    if has_zebra:
        for across in np.arange(-road.half + 3, road.half - 1.5, 5.0):
            paint_line(scene, road, zebra_at, across, (7.5, 1.4))
    if has_edge_lines and is_main:
        rim = (np.abs(scene.across) - np.float32(road.half - 2.5) > 0) & (np.abs(scene.across) < road.half - 1.5)
        rim &= (scene.to_road < -1) & (scene.to_road > -4) & (scene.fine > -0.4)
        scene.colour[rim] = (205, 205, 200)


def main_position(roads: tuple[Road, ...]) -> float:
    """Returns where along the first road the second one meets it; its middle where there is none."""
    if len(roads) < 2:
        return 0.0
    return roads[0].position(roads[1].x, roads[1].y)[0]


def is_behind(road: Road, along: float) -> bool:
    """Says whether a point of a side road lies on the side of the main road where it does not exist."""
    return road.starts_at_main and along < 0


def paint_line(scene: Scene, road: Road, along: float, across: float, half: tuple[float, float]) -> None:
    """Paints one white stroke along a road, worn off where the noise says so."""
    x, y, heading = road.place(along, across)
    window, u, v = strip(scene, x, y, heading, half)
    stroke = (np.abs(u) < half[0]) & (np.abs(v) < half[1]) & (scene.mask[window] == ROAD)
    stroke &= scene.medium[window] + 0.6 * scene.fine[window] > -0.5
    scene.colour[window][stroke] = (208, 207, 200)


def draw_traffic(scene: Scene) -> None:
    """Puts cars on the lanes, along the kerbs and into the drives; the mask does not change."""
    rng = scene.rng
    for road in scene.roads:
        reach = math.hypot(*scene.size) / 2
        along = -reach
        while along < reach:
            along += rng.uniform(26, 130)
            if is_behind(road, along):
                continue
            side = 1 if rng.random() < 0.5 else -1
            is_parked = road.half > 15 and rng.random() < 0.5
            x, y, heading = road.place(along, side * (road.half - 6.5 if is_parked else road.half * 0.45))
            draw_car(scene, x, y, heading + (math.pi if side > 0 else 0) + rng.uniform(-0.04, 0.04))
    for x, y in scene.driveways:
        _, _, heading = scene.roads[0].place(*scene.roads[0].position(x, y))
        draw_car(scene, x, y, heading + math.pi / 2)


def draw_car(scene: Scene, x: float, y: float, heading: float) -> None:
    """Draws a car: body, darker windows in front and behind, a bright roof; 4.4 m by 1.8 m."""
    rng = scene.rng
    tint = np.array(CARS[rng.integers(len(CARS))]) * rng.uniform(0.85, 1.1)
    length, width = rng.uniform(10, 12), rng.uniform(4.3, 4.9)
    window, u, v = strip(scene, x, y, heading, (length, width))
    # A superellipse has the rounded corners of a body seen from above.
    body = np.square(np.square(u / length)) + np.square(np.square(v / width)) < 1
    body &= scene.height[window] < 4
    glass = (np.abs(v) < width * 0.78) & (((u > 1.5) & (u < 4.6)) | ((u < -5.2) & (u > -7.6)))
    cabin = (np.abs(v) < width * 0.74) & (u <= 1.5) & (u >= -5.2)
    scene.colour[window][body] = tint
    scene.colour[window][body & cabin] = tint * 1.1
    scene.colour[window][body & glass] = (48, 54, 62)
    scene.light[window][body] = 1.0
    scene.height[window][body] = np.where(cabin | glass, 7.0, 4.5)[body]


# ---- buildings


def draw_buildings(scene: Scene) -> None:
    """Builds until the tile has its share of roofs, or no room is left; first the drives, then the roofs."""
    rng = scene.rng
    wanted = rng.uniform(0.15, 0.3) * scene.taken.size
    built = 0.0
    buildings: list[Building] = []
    has_big_roofs = rng.random() < 0.3
    for _ in range(90):
        if built >= wanted:
            break
        building = plan_building(scene, has_big_roofs)
        if (on_plan(scene, building, 7) & scene.taken).any():
            continue
        footprint = on_plan(scene, building, 0)
        built += footprint.sum()
        scene.taken |= on_plan(scene, building, 5)
        buildings.append(building)
    for building in buildings:
        if rng.random() < 0.7:
            pave_drive(scene, building)
    for building in buildings:
        draw_building(scene, building)


def plan_building(scene: Scene, is_big: bool) -> Building:
    """Returns a building at a random place, square to the main road: a rectangle, an L or a U."""
    rng = scene.rng
    x, y = rng.uniform(-10, scene.size[1] + 10), rng.uniform(-10, scene.size[0] + 10)
    angle = (
        scene.roads[0].place(*scene.roads[0].position(x, y))[2]
        + rng.uniform(-0.06, 0.06)
        + rng.integers(2) * math.pi / 2
    )
    grow = rng.uniform(1.3, 1.9) if is_big else 1.0
    half_u, half_v = grow * rng.uniform(22, 38), grow * rng.uniform(15, 22)
    parts = [Part(0, 0, half_u, half_v)]
    shape = rng.random()
    wing_u, wing_v = half_v * rng.uniform(0.6, 0.9), half_v * rng.uniform(0.9, 1.6)
    if shape < 0.5:
        parts.append(Part(half_u - wing_u, wing_v, wing_u, wing_v))
    if shape < 0.15:
        parts.append(Part(wing_u - half_u, wing_v, wing_u, wing_v))
    is_flat = rng.random() < (0.75 if is_big else 0.35)
    roofs = ROOFS_FLAT if is_flat else ROOFS_PITCHED
    shade = rng.uniform(0.85, 1.15)
    red, green, blue = roofs[rng.integers(len(roofs))]
    return Building(
        x,
        y,
        angle,
        tuple(parts),
        eave=rng.uniform(13, 36) if is_flat else rng.uniform(13, 22),
        pitch=0.0 if is_flat else rng.uniform(0.45, 0.95),
        is_hipped=rng.random() < 0.35,
        tint=(red * shade, green * shade, blue * shade),
    )


def on_plan(scene: Scene, building: Building, margin: float) -> Bools:
    """Returns the cells of the planning grid that a building covers with a margin around it."""
    rows, columns = scene.taken.shape
    dx = (np.arange(columns)[None, :] + 0.5) * COARSE - building.x
    dy = (np.arange(rows)[:, None] + 0.5) * COARSE - building.y
    cos, sin = math.cos(building.angle), math.sin(building.angle)
    u, v = dx * cos + dy * sin, dy * cos - dx * sin
    covered = np.zeros(scene.taken.shape, np.bool_)
    for part in building.parts:
        covered |= (np.abs(u - part.u) < part.half_u + margin) & (np.abs(v - part.v) < part.half_v + margin)
    return covered


def pave_drive(scene: Scene, building: Building) -> None:
    """Paves a drive from a building to the main road, in the greys of roads and roofs; it is background."""
    rng = scene.rng
    road = scene.roads[0]
    along, across = road.position(building.x, building.y)
    if abs(across) > 130:
        return
    along += rng.uniform(-12, 12)
    middle = (across + math.copysign(road.half, across)) / 2
    x, y, heading = road.place(along, middle)
    half = (abs(across) / 2, rng.uniform(5, 10))
    window, u, v = strip(scene, x, y, heading + math.pi / 2, half)
    drive = (np.abs(u) < half[0]) & (np.abs(v) < half[1]) & (scene.to_road[window] > 0.5)
    grey = rng.uniform(100, 165)
    scene.colour[window][drive] = (grey + rng.uniform(0, 14), grey, grey - rng.uniform(0, 8))
    joints = ((u % 8 < 0.5) | (v % 8 < 0.5)) * np.float32(0.08)
    scene.light[window][drive] = (1 - joints + 0.08 * scene.fine[window] + 0.1 * scene.medium[window])[drive]
    if rng.random() < 0.6:
        x, y, _ = road.place(along, math.copysign(road.half + rng.uniform(20, 28), across))
        scene.driveways.append((x, y))


def draw_building(scene: Scene, building: Building) -> None:
    """Draws the roof of a building: its faces lit by the sun, its texture, and what stands on it."""
    # The box around all parts, which is not centred on the building's origin.
    left, right = (f(part.u + s * part.half_u for part in building.parts) for f, s in ((min, -1), (max, 1)))
    top, bottom = (f(part.v + s * part.half_v for part in building.parts) for f, s in ((min, -1), (max, 1)))
    at_u, at_v = (left + right) / 2, (top + bottom) / 2
    x, y = building.place(at_u, at_v)
    window, u, v = strip(scene, x, y, building.angle, ((right - left) / 2, (bottom - top) / 2))
    u, v = u + np.float32(at_u), v + np.float32(at_v)
    inside, rise, light, row = roof_faces(scene.sun, building, u, v)
    if not inside.any():
        return
    if building.pitch:
        tiles = 0.95 + 0.1 * np.minimum(row % 2.6, 1.3) / 1.3  # rows of tiles, darker where one row overlaps the next
        light = light * tiles * (1 + 0.08 * scene.fine[window] + 0.09 * scene.medium[window])
    else:
        seams = ((u + 500) % 17 < 0.6) * np.float32(0.09)
        stains = 0.13 * scene.medium[window] + 0.07 * scene.coarse[window]
        light = light * (1 - seams + stains + 0.07 * scene.fine[window])
    scene.colour[window][inside] = building.tint
    scene.light[window][inside] = light[inside]
    scene.height[window][inside] = (building.eave + rise)[inside]
    scene.mask[window][inside] = BUILDING
    rim = inside & outline(building, u, v, 0.8 if building.pitch else 1.6)
    if building.pitch:
        scene.light[window][rim] *= 0.82  # the gutter
        dress_pitched_roof(scene, building)
    else:
        scene.light[window][rim] *= 1.2  # the parapet
        scene.height[window][rim] += 2.5
        dress_flat_roof(scene, building)


def roof_faces(sun: Sun, building: Building, u: Floats, v: Floats) -> tuple[Bools, Floats, Floats, Floats]:
    """Returns for every pixel of a building's window its roof.

    Returns:
      inside, bool: under the roof or not; rise, float32: height above the eave; light, float32: how bright the face
      is in this sun, 1 for level ground; row, float32: distance from the eave, which the tiles follow. Where parts
      overlap, the higher roof wins: that makes the valleys.
    """
    steep = 1 / math.sqrt(1 + building.pitch**2)
    # The sun's direction on the building's axes; Lambert's cosine, divided by that of level ground.
    cos, sin = math.cos(building.angle), math.sin(building.angle)
    sun_u, sun_v = sun.x * cos + sun.y * sin, sun.y * cos - sun.x * sin
    level, slope = 0.3 + 0.7 * steep, 0.7 * steep * building.pitch / sun.rise
    rise = np.full(u.shape, -1, np.float32)
    light, row = np.ones_like(rise), np.zeros_like(rise)
    inside = np.zeros(u.shape, np.bool_)
    for part in building.parts:
        pu, pv = u - np.float32(part.u), v - np.float32(part.v)
        du, dv = np.float32(part.half_u) - np.abs(pu), np.float32(part.half_v) - np.abs(pv)
        covered = (du > 0) & (dv > 0)
        inside |= covered
        ridge_on_u = part.half_u >= part.half_v
        faces_v = dv < du if building.is_hipped else np.full(u.shape, ridge_on_u)
        from_eave = np.where(faces_v, dv, du)
        here = covered & (from_eave * np.float32(building.pitch) > rise)
        rise[here] = (from_eave * np.float32(building.pitch))[here]
        row[here] = from_eave[here]
        towards = np.where(faces_v, np.sign(pv) * np.float32(sun_v), np.sign(pu) * np.float32(sun_u))
        light[here] = (level + np.float32(slope) * towards)[here]
    return inside, rise, np.clip(light, 0.3, 1.4), row


def dress_pitched_roof(scene: Scene, building: Building) -> None:
    """Puts a ridge, skylights, solar panels and chimneys on a pitched roof."""
    rng = scene.rng
    main = building.parts[0]
    if not building.is_hipped:
        window, ridge, _, _ = on_roof(scene, building, 0, 0, (main.half_u, 0.7))
        scene.light[window][ridge] *= 1.16
    side = 1 if rng.random() < 0.5 else -1
    for _ in range(rng.integers(0, 4)):
        at_u, at_v = rng.uniform(-0.7, 0.7) * main.half_u, side * rng.uniform(0.35, 0.6) * main.half_v
        window, pane, _, _ = on_roof(scene, building, at_u, at_v, (1.9, 2.7))
        scene.colour[window][pane] = (66, 76, 90)
    if rng.random() < 0.3:
        half = (main.half_u * rng.uniform(0.3, 0.7), main.half_v * 0.33)
        window, panel, u, v = on_roof(scene, building, 0, -side * main.half_v * 0.5, half)
        scene.colour[window][panel] = (44, 50, 72)
        scene.colour[window][panel & ((u % 5 < 0.6) | (v % 8 < 0.6))] = 118
    for _ in range(rng.integers(1, 3)):
        at_u, at_v = rng.uniform(-0.8, 0.8) * main.half_u, rng.uniform(-0.4, 0.4) * main.half_v
        window, chimney, u, v = on_roof(scene, building, at_u, at_v, (2.3, 1.9))
        scene.colour[window][chimney] = (128, 108, 98)
        scene.light[window][chimney] = np.where((np.abs(u) < 1.1) & (np.abs(v) < 0.9), 0.35, 1.0)[chimney]
        scene.height[window][chimney] += 7


def dress_flat_roof(scene: Scene, building: Building) -> None:
    """Puts machines, shafts and skylights on a flat roof."""
    rng = scene.rng
    for part in building.parts:
        for _ in range(rng.integers(2, 7)):
            at_u = part.u + rng.uniform(-0.75, 0.75) * part.half_u
            at_v = part.v + rng.uniform(-0.7, 0.7) * part.half_v
            half = (rng.uniform(1.5, 5), rng.uniform(1.5, 4))
            window, box, _, _ = on_roof(scene, building, at_u, at_v, half)
            grey = rng.choice([80, 150, 195, 212])
            scene.colour[window][box] = (grey, grey, grey + 2)
            scene.height[window][box] = building.eave + rng.uniform(1.5, 8)


def on_roof(
    scene: Scene, building: Building, at_u: float, at_v: float, half: tuple[float, float]
) -> tuple[Window, Bools, Floats, Floats]:
    """Returns window, pixels and own coordinates of a rectangle on a roof, given on the building's axes."""
    x, y = building.place(at_u, at_v)
    window, u, v = strip(scene, x, y, building.angle, half)
    return window, (np.abs(u) < half[0]) & (np.abs(v) < half[1]) & (scene.mask[window] == BUILDING), u, v


def outline(building: Building, u: Floats, v: Floats, width: float) -> Bools:
    """Returns the rim of a building's plan, `width` wide; walls between its parts have none."""
    core = np.zeros(u.shape, np.bool_)
    for part in building.parts:
        core |= (np.abs(u - part.u) < part.half_u - width) & (np.abs(v - part.v) < part.half_v - width)
    return ~core


# ---- vegetation


def draw_hedges(scene: Scene) -> None:
    """Plants hedges along and between the plots, where neither road nor roof is."""
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
    """Returns the colour of one plant; no two trees of a street are the same green."""
    red, green, blue = LEAVES[min(int(rng.random() * 4.4), 4)]  # the autumn colour at the end is rarer
    shade, warmth = rng.uniform(0.85, 1.12), rng.uniform(0.95, 1.07)
    return red * shade * warmth, green * shade, blue * shade


def plant(scene: Scene, window: Window, leaves: Bools, top: Floats, colour: Colour) -> None:
    """Draws leaves of height `top` wherever nothing higher stands."""
    higher = leaves & (top > scene.height[window])
    scene.height[window][higher] = top[higher]
    scene.colour[window][higher] = colour
    scene.mask[window][higher] = VEGETATION


def draw_trees(scene: Scene) -> None:
    """Plants street trees, then clumps and shrubs, until the tile has its share of green; then lights the leaves."""
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
    """Plants one tree unless its trunk would stand on a road or a roof; its crown may hang over both."""
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
    # Slopes at the rim of a crown are cliffs; unclipped they would burn out.
    light = 0.86 + 0.2 * np.clip(slope, -2.2, 1.6) + 0.2 * scene.fine + 0.1 * scene.medium
    scene.light[leaves] = np.clip(light, 0.3, 1.4)[leaves]


# ---- light and camera


def shadows(height: Floats, sun: Sun) -> Bools:
    """Returns where the sun is hidden by something higher, bool of the shape of `height`.

    Every round doubles how far we look towards the sun, so that seven see 127 drawn pixels; marching there pixel by
    pixel would take 127.
    """
    hidden = height.copy()
    rows, columns = height.shape
    for doubling in range(7):
        step = 2**doubling
        dx, dy = round(sun.x * step), round(sun.y * step)
        if abs(dx) >= columns or abs(dy) >= rows:
            break  # beyond the tile, where nothing is drawn
        fall = np.float32(sun.rise * math.hypot(dx, dy) / SCALE)
        here = slice(max(0, -dy), rows - max(0, dy)), slice(max(0, -dx), columns - max(0, dx))
        there = slice(max(0, dy), rows + min(0, dy)), slice(max(0, dx), columns + min(0, dx))
        # The difference is a copy: writing into what is still to be read would look too far.
        np.maximum(hidden[here], hidden[there] - fall, out=hidden[here])
    return hidden > height + 1


def photograph(scene: Scene) -> NDArray[np.uint8]:
    """Takes the picture: shadows, optics, exposure, white balance, sensor noise; uint8 [height, width, 3]."""
    rng = scene.rng
    bright = reduced(scene.colour, scene.light)
    hidden = Image.fromarray(shadows(scene.height, scene.sun).astype(np.uint8) * 255)
    # The sun is a disc, so that the rim of a shadow is soft.
    shade = np.asarray(hidden.reduce(SCALE).filter(ImageFilter.BoxBlur(0.7)), np.float32)[..., None] / 255
    sky = np.array([0.40, 0.44, 0.50], np.float32) * np.float32(rng.uniform(0.85, 1.15))  # what is left is blue light
    bright *= 1 - shade * (1 - sky)
    gains = rng.uniform(0.96, 1.2) * rng.uniform(0.96, 1.04, 3)
    haze = rng.uniform(0, 14)
    bright = bright * gains.astype(np.float32) * np.float32(1 - haze / 255) + np.float32(haze)
    optics = ImageFilter.BoxBlur(rng.uniform(0.15, 0.45))
    blurred = Image.fromarray(np.clip(bright, 0, 255).astype(np.uint8)).filter(optics)
    grain = rng.standard_normal((*scene.size, 3), np.float32) * np.float32(rng.uniform(1.5, 4))
    picture: NDArray[np.uint8] = np.clip(np.asarray(blurred) + grain, 0, 255).astype(np.uint8)
    return picture


def reduced(colour: Floats, light: Floats) -> Floats:
    """Returns the mean of colour times light over every SCALE x SCALE pixels: this is the anti-aliasing.

    One channel at a time: NumPy is twice as fast along long rows as along rows of three.
    """
    means = np.zeros((light.shape[0] // SCALE, light.shape[1] // SCALE, 3), np.float32)
    for channel in range(3):
        for cell in np.ndindex(SCALE, SCALE):
            here = slice(cell[0], None, SCALE), slice(cell[1], None, SCALE)
            means[..., channel] += colour[..., channel][here] * light[here]
    means /= SCALE**2
    return means


# ---- the dataset


def write_sample(folder: Path, *, train: int = 160, val: int = 40, seed: int = 0) -> None:
    """Writes a dataset in the tutorial's layout; `folder` appears only when it is whole.

    Args:
      folder: must not exist, or be empty.
      train: number of training pairs.
      val: number of validation pairs.
      seed: 0 or more; the same seed gives the same bytes.

    Raises:
      UsageError: there is something at `folder` already.
      MachineError: the disk refused.
    """
    target = folder.resolve()
    try:
        if target.exists() and not (target.is_dir() and not any(target.iterdir())):
            raise UsageError(folder, "already holds something", "Name a new folder.", "E_OUT_NOT_EMPTY")
        unfinished = target.with_name(f".{target.name}.tmp")
        shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
        try:
            fill(unfinished, {"train": train, "val": val}, seed)
            unfinished.replace(target)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)  # gone already, unless we failed or were interrupted
    except OSError as error:
        mend = "Free some space or name another folder, then run the same command again."
        raise MachineError(folder, f"could not be written: {error.strerror or error}", mend, "E_WRITE") from error


def fill(folder: Path, counts: dict[str, int], seed: int) -> None:
    """Writes class map, split lists, photographs and masks into a new folder."""
    folder.mkdir(parents=True)
    rows = ["name,value", *(f"{name},{colour}" for name, colour in CLASSES)]
    (folder / "classes.csv").write_text("\n".join(rows) + "\n", "utf-8", newline="\n")
    with Progress(sum(counts.values()), "tile") as progress:
        done = 0
        for split, count in counts.items():
            photographs, masks = (folder / name for name in FOLDERS[split])
            photographs.mkdir()
            masks.mkdir()
            names = [f"tile_{number:04d}" for number in range(1, count + 1)]
            lines = "".join(f"{name}.jpg;{name}.png\n" for name in names)
            (folder / f"{split}.txt").write_text(lines, "utf-8", newline="\n")
            for number, name in enumerate(names, start=1):
                image, mask = draw_tile(seed, split, number)
                Image.fromarray(image).save(photographs / f"{name}.jpg", quality=JPEG_QUALITY)
                Image.fromarray(PALETTE[mask]).save(masks / f"{name}.png")
                done += 1
                progress.show(done)
