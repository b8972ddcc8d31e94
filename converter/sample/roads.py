"""Roads: carriageways, pavements and markings."""

from __future__ import annotations

import math

import numpy as np

from converter.sample.scene import ROAD, Road, Scene, strip


def draw_roads(scene: Scene) -> None:
    """Draws carriageways with their wear, markings, kerbs and pavements; only the carriageway is class road."""
    rng = scene.rng
    main = scene.roads[0]
    on_road = scene.to_road < 0
    scene.mask[on_road] = ROAD
    scene.colour[on_road] = main.tint
    fine, medium, coarse = scene.fine[on_road], scene.medium[on_road], scene.coarse[on_road]
    # Wheels polish two tracks per lane; the rest of the asphalt is rough, stained and patched.
    tracks = np.exp(-(((np.abs(scene.across[on_road]) - np.float32(main.half * 0.5)) / 4.5) ** 2))
    asphalt = 1 + 0.1 * fine + 0.1 * medium + 0.07 * coarse + 0.07 * tracks
    asphalt[(np.abs(medium) < 0.018) & (coarse > -0.1)] *= 0.84  # cracks
    scene.light[on_road] = asphalt
    for road in scene.roads[1:]:
        paint_side_road(scene, road)
    if rng.random() < 0.8:
        paint_pavement(scene, rng.uniform(6, 10))
    repair_road(scene)
    for road in scene.roads:
        if road.is_marked:
            paint_markings(scene, road)


def paint_side_road(scene: Scene, road: Road) -> None:
    """Gives the side road its own surface, up to the edge of the main road."""
    own = (scene.to_road < 0) & (np.abs(scene.across) > scene.roads[0].half)
    scene.colour[own] = road.tint
    if not road.is_marked:
        scene.light[own] += 0.1 * scene.medium[own] + 0.08 * scene.fine[own]


def paint_pavement(scene: Scene, width: float) -> None:
    """Draws a light kerb and a paved footway along every carriageway; both are background."""
    grey = scene.rng.uniform(118, 168)
    footway = (scene.to_road >= 0) & (scene.to_road < width)
    scene.colour[footway] = (grey + 4, grey, grey - 5)
    along, to_road = scene.along[footway], scene.to_road[footway]
    slabs = ((along % 4 < 0.55) | (to_road % 4 < 0.55)) * np.float32(0.1)
    kerb = (to_road < 1.1) * np.float32(0.22)
    scene.light[footway] = 1.02 - slabs + kerb + 0.07 * scene.fine[footway] + 0.1 * scene.medium[footway]


def repair_road(scene: Scene) -> None:
    """Draws patches of newer and older asphalt, straight along the road."""
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
    """Draws dashes, edge lines and perhaps a crossing, worn where tyres run; none inside a junction."""
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
    """Returns whether a point of a side road is on the side of the main road where the side road does not exist."""
    return road.starts_at_main and along < 0


def paint_line(scene: Scene, road: Road, along: float, across: float, half: tuple[float, float]) -> None:
    """Draws one white line along a road, worn off where the noise is high."""
    x, y, heading = road.place(along, across)
    window, u, v = strip(scene, x, y, heading, half)
    stroke = (np.abs(u) < half[0]) & (np.abs(v) < half[1]) & (scene.mask[window] == ROAD)
    stroke &= scene.medium[window] + 0.6 * scene.fine[window] > -0.5
    scene.colour[window][stroke] = (208, 207, 200)
