"""Cars: on the roads and in a car park."""

from __future__ import annotations

import math

import numpy as np

from converter.sample.buildings import Building, Part, on_plan
from converter.sample.roads import is_behind
from converter.sample.scene import Colour, Scene, strip

CARS: tuple[Colour, ...] = (
    (206, 206, 204),
    (58, 59, 62),
    (142, 144, 148),
    (94, 97, 102),
    (132, 46, 42),
    (56, 74, 116),
)


def draw_parking(scene: Scene) -> None:
    """Draws a car park next to the main road, as grey as roads and roofs, in about half of the tiles."""
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


def draw_traffic(scene: Scene) -> None:
    """Draws cars on the lanes, along the kerbs and in the drives; the mask does not change."""
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
    """Draws a car, 4.4 m by 1.8 m: body, darker front and rear windows, a bright roof."""
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
