"""Nearest: the nearest listed colour, of those that the mode of a mask can have."""

from __future__ import annotations

import numpy as np
import pytest

from converter.classes.native import parse_class_map
from converter.classes.nearest import NearestColors

CLASSES = parse_class_map("name,value\na,7\nb,100 0 0\nc,p3\nd,300\n", "classes.csv")


def test_the_nearest_of_each_mode_is_among_the_colours_that_it_can_be_drawn_in():
    nearest = NearestColors(CLASSES, 5)
    colors = np.array([[97, 2, 0], [9, 9, 9], [50, 50, 50]])
    assert nearest.indices_of("RGB", colors).tolist() == [1, 0, -1]
    assert nearest.indices_of("P", colors).tolist() == [1, -1, -1]  # 7 is the number of a palette entry
    assert nearest.indices_of("L", colors).tolist() == [-1, 0, -1]
    assert NearestColors(parse_class_map("name,value\na,p1\n", ""), 5).indices_of("P", colors).tolist() == [-1] * 3


@pytest.mark.parametrize(
    ("tolerance", "mode", "depth", "expected"),
    [(0, "RGB", 8, False), (1, "RGB", 8, True), (1, "P", 2, True), (1, "L", 4, False), (1, "I;16", 16, False)],
)
def test_numbers_of_16_or_few_bits_are_not_corrected_nor_is_anything_without_a_tolerance(
    tolerance, mode, depth, expected
):
    assert NearestColors(CLASSES, tolerance).corrects(mode, depth) is expected
