"""Scene: coordinates on a road, and windows of the tile."""

from __future__ import annotations

import numpy as np
import pytest

from converter.sample import plan, scene


def test_roads_place_and_measure_agree():
    road = scene.Road(100, 80, 0.7, 12, 90, 0.4, 15, (110.0, 110.0, 110.0))
    x, y, _ = road.place(30, 0)
    assert road.position(x, y) == pytest.approx((30, 0), abs=1e-9)


def test_a_window_ends_with_the_tile_and_is_empty_outside_it():
    tile = plan.lay_out(np.random.default_rng(0), (20, 30))
    assert scene.around(tile, 10, 5, (2, 1)) == (slice(8, 12), slice(16, 24))  # two drawn pixels each
    rows, columns = scene.around(tile, 29, 19, (5, 5))
    assert (rows.stop, columns.stop) == (40, 60)
    assert tile.mask[scene.around(tile, -50, 5, (2, 2))].size == 0
    assert tile.mask[scene.around(tile, 500, 500, (2, 2))].size == 0


def test_coordinates_on_turned_axes_are_those_of_the_rotation():
    tile = plan.lay_out(np.random.default_rng(0), (20, 30))
    window, u, v = scene.strip(tile, 15, 10, np.pi / 2, (4, 2))
    x, y = np.broadcast_arrays(tile.x[:, window[1]], tile.y[window[0]])
    assert np.allclose(u, y - 10, atol=1e-5)  # a quarter turn: the first axis points down
    assert np.allclose(v, 15 - x, atol=1e-5)
    assert (np.abs(u) < 4).any()


def test_the_palette_has_the_colours_of_the_classes_in_their_order():
    assert scene.PALETTE.tolist() == [[0, 0, 0], [22, 0, 255], [0, 255, 0], [255, 255, 255]]
    assert [name for name, _ in scene.CLASSES] == ["background", "building", "vegetation", "road"]
