"""Plan: a sun, roads, and smooth fields of the size of the tile."""

from __future__ import annotations

import numpy as np
import pytest

from converter.sample import plan, scene


@pytest.mark.parametrize("size", [(96, 128), (101, 67)])
def test_an_empty_scene_is_background_at_twice_the_size(size):
    tile = plan.lay_out(np.random.default_rng(1), size)
    shape = (size[0] * scene.SCALE, size[1] * scene.SCALE)
    fields = (tile.mask, tile.light, tile.height, tile.fine, tile.medium, tile.coarse, tile.along, tile.to_road)
    assert {array.shape for array in fields} == {shape}
    assert not tile.mask.any()
    assert not tile.height.any()
    assert np.hypot(tile.sun.x, tile.sun.y) == pytest.approx(1)
    assert 0.75 <= tile.sun.rise <= 1.5


@pytest.mark.parametrize("cell", [2.5, 8, 110])
def test_noise_is_about_0_and_within_its_range(cell):
    values = plan.noise(np.random.default_rng(2), (200, 300), cell)
    assert values.shape == (200, 300)
    assert values.dtype == np.float32
    assert np.abs(values).max() < 1.3  # a cubic kernel overshoots a little


def test_a_smooth_minimum_is_the_minimum_away_from_the_corner_and_below_it_within():
    a, b = np.array([0.0, 50.0, 3.0]), np.array([50.0, 0.0, 3.0])
    found = plan.smooth_minimum(a, b, 14.0)
    assert found[:2].tolist() == [0, 0]
    assert found[2] == pytest.approx(3 - 14 / 4)


def test_the_distance_to_a_straight_road_is_negative_on_its_carriageway_alone():
    road = scene.Road(64, 48, 0.0, 0.0, 100, 0.0, 15, (110.0, 110.0, 110.0))
    _, across, to_road, taken = plan.road_fields((road,), (96, 128))
    y = (np.arange(192) + 0.5) / scene.SCALE
    assert np.allclose(across, np.broadcast_to((y - 48)[:, None], across.shape), atol=0.01)
    assert ((to_road < 0) == (np.abs(across) < 15)).all()
    assert taken.shape == (24, 32)
    assert taken.any(axis=1).sum() == 12  # rows of the planning grid within 15 + 11 of the middle: 4 pixels each


def test_there_are_one_or_two_roads_and_a_second_one_begins_on_the_first():
    counts = set()
    for seed in range(40):
        roads = plan.plan_roads(np.random.default_rng(seed), (288, 384))
        counts.add(len(roads))
        if len(roads) == 2:
            assert roads[0].position(roads[1].x, roads[1].y)[1] == pytest.approx(0, abs=1)
    assert counts == {1, 2}
