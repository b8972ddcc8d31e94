"""Buildings: plans, drives and roofs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from converter.sample.scene import BUILDING, COARSE, Bools, Colour, Floats, Scene, Sun, Window, strip

ROOFS_PITCHED: tuple[Colour, ...] = ((150, 84, 64), (128, 72, 58), (112, 86, 70), (98, 94, 94), (132, 128, 124))
ROOFS_FLAT: tuple[Colour, ...] = (
    (122, 120, 118),
    (142, 140, 136),
    (104, 104, 106),
    (182, 179, 172),
    (140, 126, 108),
    (106, 112, 80),  # a green roof, which is class building all the same
)


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


def draw_buildings(scene: Scene) -> None:
    """Adds buildings until the tile has its share of roofs, or no space is left; first the drives, then the roofs."""
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
    """Draws the roof of a building: its faces lit by the sun, its texture, and the objects on it."""
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
    """Returns the roof at every pixel of a building's window.

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
