"""Ground: it has colour and light everywhere, and neither class nor height."""

from __future__ import annotations

import numpy as np

from converter.sample import ground, plan


def test_ground_is_painted_everywhere_and_is_background_without_height():
    tile = plan.lay_out(np.random.default_rng(3), (96, 128))
    tile.colour[:] = np.nan
    ground.draw_ground(tile)
    assert np.isfinite(tile.colour).all()
    assert (tile.colour > 0).all()
    assert (tile.light > 0).all()
    assert not tile.mask.any()
    assert not tile.height.any()


def test_plots_have_several_kinds_of_ground():
    tile = plan.lay_out(np.random.default_rng(3), (288, 384))
    ground.draw_ground(tile)
    greener = tile.colour[..., 1] > tile.colour[..., 0]
    assert 0 < greener.mean() < 1
