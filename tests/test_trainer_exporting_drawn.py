"""Drawn: pictures of many soft colours, the same each time."""

from __future__ import annotations

import numpy as np

from trainer.exporting.drawn import drawn_picture


def test_a_drawn_picture_has_many_colours_and_is_the_same_each_time():
    picture = drawn_picture((40, 50), 3)
    assert (picture.shape, picture.dtype) == ((40, 50, 3), np.uint8)
    np.testing.assert_array_equal(picture, drawn_picture((40, 50), 3))
    assert len(np.unique(picture)) > 100
    assert np.abs(np.diff(picture.astype(int), axis=0)).max() < 60
