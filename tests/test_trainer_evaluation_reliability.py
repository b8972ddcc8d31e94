"""Reliability: what is drawn is the accuracy of each bin, and where it differs from the confidence."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.evaluation.calibration import BINS, Bin
from trainer.evaluation.reliability import BAR, BETWEEN, LEFT, OVERCONFIDENT, SHARES_PX, SIDE, TOP, UNDERCONFIDENT
from trainer.evaluation.reliability import draw_reliability as draw


def column(bins: list[Bin], number: int) -> np.ndarray:
    """Returns the pixels in the middle of a bin from its lower end upwards, uint8 [SIDE, 3]."""
    x = LEFT + round(SIDE * (number + 0.2) / BINS)
    return np.asarray(draw(bins, "title"))[TOP : TOP + SIDE, x][::-1]


@pytest.mark.parametrize(("confidence", "accuracy", "color"), [(0.9, 0.5, OVERCONFIDENT), (0.5, 0.95, UNDERCONFIDENT)])
def test_a_bar_ends_at_the_accuracy_and_the_distance_from_the_confidence_is_filled(confidence, accuracy, color):
    number = int(confidence * BINS)
    found = column([Bin(confidence, accuracy, 10)], number)
    low, high = sorted((confidence, accuracy))
    bar = (found == BAR).all(axis=-1)
    gap = (found == color).all(axis=-1)
    assert abs(bar.sum() / SIDE - low) < 0.02
    assert abs(gap.sum() / SIDE - (high - low)) < 0.02
    assert bar[: round(SIDE * low) - 6].sum() > bar.sum() - 8  # below it, but for the diagonal


def test_the_pixels_of_each_bin_are_drawn_below():
    image = np.asarray(draw([Bin(0.5, 0.5, 30), Bin(0.99, 0.99, 90)], "title"))
    top = TOP + SIDE + BETWEEN
    heights = []
    for number in (7, 14):
        x = LEFT + round(SIDE * (number + 0.5) / BINS)
        heights.append(int((image[top : top + SHARES_PX, x] == BAR).all(axis=-1).sum()))
    assert heights == pytest.approx([SHARES_PX / 4, SHARES_PX * 3 / 4], abs=4)


def test_a_long_title_is_whole_and_no_bin_is_no_error():
    assert draw([], "x" * 200).width > draw([], "x").width
