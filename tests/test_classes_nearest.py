"""Facts about the parts of the mapper: what a class map lists, and which listed colour is nearest."""

from __future__ import annotations

import numpy as np
import pytest

from converter.classes.listed import listed_index, listed_indices
from converter.classes.native import parse_class_map
from converter.classes.nearest import NearestColors

CLASSES = parse_class_map("name,value\na,7\nb,100 0 0\nc,p3\nd,300\n", "classes.csv")


def test_a_palette_entry_is_listed_by_p_by_number_or_by_colour_and_a_level_of_8_bits_by_itself_or_as_a_colour():
    assert listed_indices(CLASSES, "P", 8, ((100, 0, 0), (1, 1, 1))) == {0: 1, 3: 2, 7: 0}
    assert listed_indices(CLASSES, "L", 8, ()) == {7: 0}
    assert listed_indices(CLASSES, "I;16", 16, ()) == {7: 0, 300: 3}
    assert listed_indices(CLASSES, "RGB", 8, ()) == {0x070707: 0, 100: 1}


@pytest.mark.parametrize(("mode", "depth", "number", "color"), [("P", 8, 7, (100, 0, 0)), ("L", 4, 6, (102,) * 3)])
def test_a_value_that_could_be_meant_in_two_ways_has_no_index(mode, depth, number, color):
    classes = parse_class_map("name,value\na,7\nb,100 0 0\nc,102\n", "classes.csv")
    with pytest.raises(ValueError, match=r"may be 'a' or 'b'|a 6 there is drawn as 102"):
        listed_index(classes, mode, depth, number, color)


def test_the_nearest_of_each_mode_is_among_the_colours_that_it_can_be_drawn_in():
    nearest = NearestColors(CLASSES, 5)
    colors = np.array([[97, 2, 0], [9, 9, 9], [50, 50, 50]])
    assert nearest.indices_of("RGB", colors).tolist() == [1, 0, -1]
    assert nearest.indices_of("P", colors).tolist() == [1, -1, -1]  # 7 is the number of an entry
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
