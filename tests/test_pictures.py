"""Pictures: exact colours where they must be exact, and cells where a reader looks for them."""

from __future__ import annotations

import numpy as np
import pytest

from converter.pictures import GAP, colorize, contact_sheet, overlay

RED, BLUE = (255, 0, 0), (0, 0, 255)


def test_classes_take_their_colours():
    picture = colorize(np.array([[0, 1], [1, 0]], np.uint8), [RED, BLUE])
    np.testing.assert_array_equal(picture, [[RED, BLUE], [BLUE, RED]])


@pytest.mark.parametrize("ignored", [255, 2])  # 2: a class that there is no colour for
def test_ignored_pixels_are_stripes_of_two_greys(ignored):
    picture = colorize(np.full((12, 12), ignored, np.uint8), [RED, BLUE])
    greys = {tuple(color) for color in picture.reshape(-1, 3).tolist()}
    assert len(greys) == 2
    assert all(max(grey) - min(grey) < 10 for grey in greys)
    np.testing.assert_array_equal(picture[0, 1:], picture[1, :-1])  # they run along one diagonal


def test_an_overlay_is_the_weighted_mean_of_photograph_and_colour():
    image = np.full((2, 2, 3), 100, np.uint8)
    mask = np.array([[0, 1], [1, 0]], np.uint8)
    laid = overlay(image, mask, [RED, BLUE], alpha=0.25)
    expected = 0.75 * image + 0.25 * np.array([[RED, BLUE], [BLUE, RED]])
    assert np.abs(laid - expected).max() <= 1
    np.testing.assert_array_equal(overlay(image, mask, [RED, BLUE], alpha=0.0), image)


def test_a_sheet_holds_every_cell_where_the_grid_has_it():
    rng = np.random.default_rng(0)
    cells = [rng.integers(0, 256, (40, 200, 3), dtype=np.uint8) for _ in range(3)]
    sheet = np.asarray(contact_sheet([[cells[0], cells[1]], [cells[2]]]))
    for cell, (row, column) in zip(cells, [(0, 0), (0, 1), (1, 0)], strict=True):
        top, left = GAP + row * (40 + GAP), GAP + column * (200 + GAP)
        np.testing.assert_array_equal(sheet[top : top + 40, left : left + 200], cell)


def test_a_legend_shows_each_colour_and_breaks_into_lines():
    cell = np.zeros((20, 300, 3), np.uint8)
    one = contact_sheet([[cell]], legend=[("road", RED)])
    many = contact_sheet([[cell]], legend=[(f"class number {n}", BLUE) for n in range(9)] + [("road", RED)])
    for sheet in (one, many):
        assert (np.asarray(sheet) == RED).all(axis=-1).sum() > 100
    assert many.size[0] == one.size[0]
    assert many.size[1] > one.size[1]


def test_title_and_captions_make_room_for_themselves():
    cell = np.zeros((20, 400, 3), np.uint8)
    plain = contact_sheet([[cell], [cell]])
    assert contact_sheet([[cell], [cell]], title="val").size[1] > plain.size[1]
    captioned = contact_sheet([[cell], [cell]], captions=["a.jpg", "b.jpg"])
    assert captioned.size[1] > plain.size[1]
    below = np.asarray(captioned)[GAP + 20 : GAP + 36]
    assert (below < 200).any()  # something is written there
