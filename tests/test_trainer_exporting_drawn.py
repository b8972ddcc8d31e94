"""Drawn: images of many soft colours, the same each time."""

from __future__ import annotations

import numpy as np

from trainer.exporting.drawn import drawn_image


def test_a_drawn_image_has_many_colours_and_is_the_same_each_time():
    image = drawn_image((40, 50), 3)
    assert (image.shape, image.dtype) == ((40, 50, 3), np.uint8)
    np.testing.assert_array_equal(image, drawn_image((40, 50), 3))
    assert len(np.unique(image)) > 100
    assert np.abs(np.diff(image.astype(int), axis=0)).max() < 60
