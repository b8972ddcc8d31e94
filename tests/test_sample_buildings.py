"""Buildings: plans and roofs."""

from __future__ import annotations

import numpy as np
import pytest

from converter.sample import buildings, plan, scene


def test_a_roof_is_brighter_on_the_side_of_the_sun():
    roof = buildings.Building(0, 0, 0.0, (buildings.Part(0, 0, 20, 10),), 15, 0.7, False, (150.0, 80.0, 60.0))
    u, v = np.zeros((2, 1), np.float32), np.array([[-5], [5]], np.float32)
    inside, rise, light, _ = buildings.roof_faces(scene.Sun(0.0, 1.0, 1.0), roof, u, v)
    assert inside.all()
    assert np.allclose(rise, 5 * 0.7)
    assert light[1, 0] > 1 > light[0, 0]


def test_a_margin_makes_a_plan_larger_and_never_moves_it():
    tile = plan.lay_out(np.random.default_rng(0), (96, 128))
    shed = buildings.Building(64, 48, 0.4, (buildings.Part(0, 0, 20, 10),), 15, 0.0, False, (150.0, 80.0, 60.0))
    footprint, yard = (buildings.on_plan(tile, shed, margin) for margin in (0, 8))
    assert 0 < footprint.sum() < yard.sum()
    assert yard[footprint].all()


def test_a_building_is_drawn_into_class_colour_and_height_alike():
    tile = plan.lay_out(np.random.default_rng(0), (96, 128))
    tile.colour[:] = 0
    shed = buildings.Building(64, 48, 0.4, (buildings.Part(0, 0, 20, 10),), 15, 0.0, False, (150.0, 80.0, 60.0))
    buildings.draw_building(tile, shed)
    roof = tile.mask == scene.BUILDING
    assert roof.sum() / scene.SCALE**2 == pytest.approx(40 * 20, rel=0.1)
    assert (tile.height[roof] >= 15).all()
    assert (tile.colour[roof].sum(axis=-1) > 0).all()
