"""Trees: leaves cover what is lower, and no trunk is on a road or a roof."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from converter.sample import plan, scene, trees

WHOLE = (slice(None), slice(None))


@pytest.fixture
def tile() -> scene.Scene:
    tile = plan.lay_out(np.random.default_rng(7), (96, 128))
    tile.colour[:] = 0
    return tile


def test_leaves_cover_what_is_lower_and_stay_below_what_is_higher(tile):
    tile.height[:, :100] = 20
    leaves = np.zeros(tile.mask.shape, np.bool_)
    leaves[:50] = True
    trees.plant(tile, WHOLE, leaves, np.full(tile.mask.shape, 8, np.float32), (82, 98, 56))
    green = tile.mask == scene.VEGETATION
    assert green[:50, 100:].all()
    assert green.sum() == green[:50, 100:].sum()
    assert (tile.height[green] == 8).all()
    assert (tile.height[:, :100] == 20).all()


@pytest.mark.parametrize("ground", [scene.ROAD, scene.BUILDING])
def test_no_trunk_stands_on_a_road_or_a_roof(tile, ground):
    crowns = [Image.fromarray(trees.crown(tile.rng, is_conifer=False))]
    tile.mask[:] = ground
    trees.plant_tree(tile, crowns, 64, 48, 12)
    assert (tile.mask == ground).all()
    tile.mask[96, 128] = scene.BACKGROUND
    trees.plant_tree(tile, crowns, 64, 48, 12)  # its crown hangs over both
    assert (tile.mask == scene.VEGETATION).sum() > 100


@pytest.mark.parametrize("is_conifer", [True, False])
def test_a_crown_is_round_and_of_heights_0_to_1(is_conifer):
    shape = trees.crown(np.random.default_rng(9), is_conifer=is_conifer)
    assert shape.shape == (48, 48)
    assert 0 == shape.min() < shape.max() <= 1.1
    assert not shape[[0, 0, -1, -1], [0, -1, 0, -1]].any()


def test_leaves_are_brighter_on_the_side_of_the_sun(tile):
    tile.mask[:] = scene.VEGETATION
    x = np.arange(tile.height.shape[1], dtype=np.float32)
    tile.height[:] = 30 - np.abs(x - 128)  # a ridge: the slopes to the left and to the right of it
    tile.sun = scene.Sun(1.0, 0.0, 1.0)
    tile.fine = tile.medium = np.zeros_like(tile.height)
    trees.light_leaves(tile)
    assert tile.light[:, 140:200].min() > tile.light[:, 60:120].max()


def test_hedges_grow_on_open_ground_alone(tile):
    tile.mask[:] = scene.ROAD
    trees.draw_hedges(tile)
    assert (tile.mask == scene.ROAD).all()
