"""Blending: windows cover every pixel, and their weights are those by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from trainer.learning.blending import windows_along


@pytest.mark.parametrize(("length", "window"), [(9, 9), (10, 9), (47, 16), (360, 128), (1000, 33), (34, 32)])
def test_windows_cover_every_pixel_and_their_weights_add_up_to_one(length, window):
    starts, weights = windows_along(length, window)
    assert starts[0] == 0 and starts[-1] == length - window
    assert all(later - earlier <= window * 2 / 3 for earlier, later in itertools.pairwise(starts))
    assert (len(starts) - 2) * int(window * 2 / 3) < length - window or len(starts) == 1  # one fewer are too few
    total = np.zeros(length)
    for start, row in zip(starts, weights, strict=True):
        assert (row > 0).all()
        total[start : start + window] += row
    np.testing.assert_allclose(total, 1, rtol=1e-6)


def test_a_window_counts_by_the_distance_from_its_border():
    starts, weights = windows_along(5, 4)
    assert starts == (0, 1)  # distances 1 2 2 1 0 and 0 1 2 2 1
    np.testing.assert_allclose(weights, [[1, 2 / 3, 1 / 2, 1 / 3], [1 / 3, 1 / 2, 2 / 3, 1]], rtol=1e-6)
