"""Camera: shadows fall away from the sun."""

from __future__ import annotations

import numpy as np

from converter.sample import camera, scene


def test_a_shadow_falls_away_from_the_sun_and_is_as_long_as_the_height_says():
    height = np.zeros((20, 100), np.float32)
    height[5:15, 40:50] = 10  # in pixels of the tile, which are 20 drawn ones
    shadow = camera.shadows(height, scene.Sun(1.0, 0.0, 1.0))  # 45 degrees, from the right
    assert shadow[10, 24:39].all()
    assert not shadow[10, :20].any()
    assert not shadow[10, 40:].any()
    assert not shadow[:4].any()


def test_nothing_in_the_open_is_in_shadow():
    assert not camera.shadows(np.full((30, 30), 7, np.float32), scene.Sun(0.6, -0.8, 0.9)).any()
