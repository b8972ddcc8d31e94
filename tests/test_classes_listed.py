"""Listed: look-up of a value in a class map by number, by palette entry and by colour."""

from __future__ import annotations

import pytest

from converter.classes.listed import listed_index, listed_indices
from converter.classes.native import parse_class_map

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
