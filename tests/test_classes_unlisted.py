"""Unlisted: an unlisted value is reported with its count, its colour and the nearest class."""

from __future__ import annotations

import numpy as np
import pytest
from mask_files import mapper, palette_png, refusal
from picture_bytes import saved


def test_an_unlisted_value_is_named_with_its_count_in_the_whole_mask_and_the_nearest_class():
    levels = np.array([[1, 1, 12, 12], [12, 10, 10, 77]], np.uint8)
    error = refusal(saved(levels), mapper("ground,1", "road,11"))
    assert error.code == "E_MASK_VALUE"
    assert error.what == (
        "holds 3 unlisted values: 12 (3 pixels, nearest: 'road' 11); "
        "10 (2 pixels, nearest: 'road' 11); 77 (1 pixel, nearest: 'road' 11)"
    )


def test_the_count_is_over_the_whole_mask_though_only_part_of_it_is_sampled():
    error = refusal(saved(np.full((20, 20), 5, np.uint8)), mapper("a,1"), (2, 2))
    assert "5 (400 pixels" in error.what


def test_a_flood_of_unlisted_values_is_cut_to_the_most_frequent_three():
    error = refusal(saved(np.arange(256, dtype=np.uint8).reshape(16, 16)), mapper("a,0"))
    assert error.what.startswith("holds 255 unlisted values: 1 (1 pixel")
    assert error.what.endswith(" and 252 more")


def test_peers_row_11_an_unlisted_palette_entry_is_told_with_its_colour():
    error = refusal(palette_png(np.array([[0, 1]]), (0, 0, 0), (9, 9, 9)), mapper("a,0"))
    assert "palette entry 1 (9, 9, 9) (1 pixel, nearest: 'a' 0)" in error.what


def test_a_mask_that_some_tool_made_grey_is_recognised():
    error = refusal(saved(np.array([[0, 76]], np.uint8)), mapper("a,0 0 0", "b,255 0 0"))
    assert "the grey of (255, 0, 0): these masks were converted to grey" in error.what
    error = refusal(saved(np.array([[0, 77]], np.uint8)), mapper("a,0 0 0", "b,255 0 0"))
    assert "converted to grey" not in error.what


def test_an_unlisted_value_without_any_listed_one_is_still_told():
    assert "7 (1 pixel)" in refusal(saved(np.array([[7]], np.uint8)), mapper("a,p3")).what


@pytest.mark.parametrize("kind", ["rgb", "palette"])
def test_a_mask_in_colour_under_a_class_map_of_greys_is_recognised(kind):
    colors = [(255, 0, 0), (0, 255, 0)]
    data = saved(np.array([colors], np.uint8)) if kind == "rgb" else palette_png(np.array([[0, 1]]), *colors)
    error = refusal(data, mapper("building,76", "vegetation,150"))
    assert "the class map lists greys, these masks are in colour; 76 is the grey of (255, 0, 0)" in error.what
    assert "150 is the grey of (0, 255, 0)" in error.what
    assert "lists greys" not in refusal(saved(np.array([[[255, 1, 0]]], np.uint8)), mapper("a,78")).what


def test_numbers_under_a_map_of_colours_are_never_answered_with_ignore():
    error = refusal(saved(np.array([[0, 7]], np.uint8)), mapper("a,0 0 0", "b,255 0 0"))
    assert error.fix == "The class map lists colours, this mask holds numbers: write a classes.csv with its numbers."
    assert "ignore" in refusal(saved(np.array([[[1, 2, 3]]], np.uint8)), mapper("a,0 0 0", "b,255 0 0")).fix


def test_blends_of_black_and_white_are_answered_with_the_tolerance_that_splits_them():
    levels = np.array([[0, 255, 9, 40, 99, 140, 200, 250]], np.uint8)
    assert "--tolerance 127" in refusal(saved(levels), mapper("a,0", "b,255")).fix
    assert "--tolerance" not in refusal(saved(levels), mapper("a,0", "b,255", "c,128")).fix
