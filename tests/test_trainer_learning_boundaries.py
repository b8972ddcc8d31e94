"""Boundary IoU, held against erosion by hand."""

from __future__ import annotations

import numpy as np

from trainer.learning.boundaries import boundary, boundary_counts


def eroded_by_hand(mask: np.ndarray, distance: int) -> np.ndarray:
    """Returns `distance` rounds of erosion by a square of 3x3, with nothing beyond the image."""
    for _ in range(distance):
        padded = np.pad(mask, 1)
        height, width = mask.shape
        mask = np.all([padded[i : i + height, j : j + width] for i in range(3) for j in range(3)], axis=0)
    return mask


def test_a_boundary_is_what_erosion_takes_away():
    rng = np.random.default_rng(0)
    for distance in (1, 2, 5):
        mask = rng.random((40, 33)) < 0.97
        np.testing.assert_array_equal(boundary(mask, distance), mask & ~eroded_by_hand(mask, distance))


def test_a_shift_costs_more_at_the_boundary_than_in_the_whole():
    truth = np.zeros((100, 100), np.uint8)
    truth[20:80, 20:80] = 1
    found = np.roll(truth, 2, axis=1)
    both, either = boundary_counts(truth, found, 2)
    whole = np.count_nonzero(truth & found) / np.count_nonzero(truth | found)
    assert both[1] / either[1] < whole - 0.2
    both, either = boundary_counts(truth, truth, 2)
    assert both.tolist() == either.tolist()
    assert either[1] == 60**2 - (60 - 2 * 3) ** 2  # 2 % of the diagonal are 3 pixels


def test_ignored_pixels_are_not_counted():
    truth = np.zeros((50, 50), np.uint8)
    truth[:, 25:] = 255
    found = np.zeros((50, 50), np.uint8)
    found[:, 25:] = 1
    both, either = boundary_counts(truth, found, 2)
    assert (both[1], either[1]) == (0, 0)
    assert both[0] == either[0] > 0
