"""Cars: they have colour and height, and the class of the ground on which they stand."""

from __future__ import annotations

import numpy as np

from converter.sample import cars, plan, scene


def test_a_car_has_its_own_colour_and_height_and_no_class():
    tile = plan.lay_out(np.random.default_rng(5), (96, 128))
    tile.colour[:] = 0
    tile.mask[:] = scene.ROAD
    cars.draw_car(tile, 64, 48, 0.3)
    body = tile.height > 0
    assert (tile.mask == scene.ROAD).all()
    assert (body == tile.colour.any(axis=-1)).all()
    assert set(np.unique(tile.height[body]).tolist()) == {4.5, 7.0}
    rows, columns = np.nonzero(body)
    assert np.allclose((columns.mean() / scene.SCALE, rows.mean() / scene.SCALE), (64, 48), atol=0.5)


def test_a_car_is_hidden_by_what_is_higher():
    tile = plan.lay_out(np.random.default_rng(5), (96, 128))
    tile.colour[:] = 0
    tile.height[:] = 20
    cars.draw_car(tile, 64, 48, 0.3)
    assert not tile.colour.any()
    assert (tile.height == 20).all()


def test_traffic_and_car_parks_leave_the_mask_as_it_was():
    for seed in range(4):
        tile = plan.lay_out(np.random.default_rng(seed), (96, 128))
        tile.colour[:] = 0
        tile.mask[::3] = scene.VEGETATION
        before = tile.mask.copy()
        cars.draw_parking(tile)
        cars.draw_traffic(tile)
        assert np.array_equal(tile.mask, before)
        assert tile.height.any()
