"""Roads: the class is that of the carriageway alone, whatever is drawn on and next to it."""

from __future__ import annotations

import dataclasses

import numpy as np

from converter.sample import plan, roads, scene


def test_only_the_carriageway_is_road_and_nothing_else_is_drawn_into_the_mask():
    for seed in range(4):
        tile = plan.lay_out(np.random.default_rng(seed), (96, 128))
        tile.colour[:] = 0
        roads.draw_roads(tile)
        assert ((tile.mask == scene.ROAD) == (tile.to_road < 0)).all()
        assert set(np.unique(tile.mask).tolist()) <= {scene.BACKGROUND, scene.ROAD}
        assert not tile.height.any()


def test_a_line_is_painted_on_the_road_and_never_beside_it():
    tile = plan.lay_out(np.random.default_rng(0), (96, 128))
    tile.colour[:] = 0
    x, y, _ = tile.roads[0].place(0, 0)
    roads.paint_line(tile, tile.roads[0], 0, 0, (6, 2))
    assert not tile.colour.any()  # nothing is road yet
    tile.mask[:] = scene.ROAD
    tile.medium[:] = 1
    roads.paint_line(tile, tile.roads[0], 0, 0, (6, 2))
    painted = np.argwhere(tile.colour.any(axis=-1)).mean(axis=0) / scene.SCALE
    assert np.allclose(painted, (y, x), atol=1.5)


def test_a_side_road_that_starts_at_the_main_road_is_not_behind_it():
    road = scene.Road(100, 80, 0.7, 12, 90, 0.4, 15, (110.0, 110.0, 110.0))
    assert not roads.is_behind(road, -5)
    assert roads.is_behind(dataclasses.replace(road, starts_at_main=True), -5)
    assert not roads.is_behind(dataclasses.replace(road, starts_at_main=True), 5)


def test_where_the_roads_meet_is_told_on_the_first():
    main = scene.Road(100, 80, 0.7, 12, 90, 0.4, 15, (110.0, 110.0, 110.0))
    x, y, heading = main.place(33, 0)
    side = dataclasses.replace(main, x=x, y=y, angle=heading + 1.5)
    assert abs(roads.main_position((main, side)) - 33) < 1e-6
    assert roads.main_position((main,)) == 0
