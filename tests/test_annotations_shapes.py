"""Shapes: the rule of edges by hand, by a scan-line rasteriser in plain Python, and by labelme's own way to draw."""

from __future__ import annotations

import numpy as np
import pytest
from annotation_files import drawing, scanned
from PIL import Image, ImageDraw

from converter.annotations.drawing import Canvas
from converter.annotations.shapes import Area, Outline, Runs


def pixels(shape, size=(8, 10)):
    """Returns the pixels of a shape in a whole picture, bool [H, W]."""
    area, part = Canvas(size, lambda path: b"").pixels(shape)
    mask = np.zeros(size, bool)
    mask[area.slices] = part
    return mask


def polygon(*rings, holes=()):
    return Outline("polygon", tuple(np.array(ring, float) for ring in rings), tuple(np.array(h, float) for h in holes))


def test_a_box_of_three_pixels_by_its_corners_covers_both_of_its_borders():
    assert drawing(pixels(polygon([(2, 1), (5, 1), (5, 4), (2, 4)]))) == [
        "..........",
        "..1111....",
        "..1111....",
        "..1111....",
        "..1111....",
        "..........",
        "..........",
        "..........",
    ]


def test_the_fraction_of_a_coordinate_is_cut_off():
    whole = pixels(polygon([(2, 1), (7, 2), (4, 6)]))
    assert np.array_equal(pixels(polygon([(2.99, 1.5), (7.01, 2.9), (4.5, 6.999)])), whole)


def test_a_hole_takes_its_own_edge_away():
    assert drawing(pixels(polygon([(0, 0), (6, 0), (6, 6), (0, 6)], holes=[[(2, 2), (4, 2), (4, 4), (2, 4)]]))) == [
        "1111111...",
        "1111111...",
        "11...11...",
        "11...11...",
        "11...11...",
        "1111111...",
        "1111111...",
        "..........",
    ]


def test_parts_that_overlap_are_one_object_and_leave_no_hole():
    mask = pixels(polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [(2, 2), (6, 2), (6, 6), (2, 6)]))
    assert mask[2:5, 2:5].all()
    assert mask.sum() == 25 + 25 - 9


def test_a_polygon_that_crosses_itself_is_empty_where_it_covers_twice():
    star = pixels(polygon([(5, 0), (2, 9), (9, 3), (1, 3), (8, 9)]), (10, 11))
    assert not star[5, 5]
    assert star[3, 5]


def test_what_lies_outside_the_picture_is_cut_off_and_is_told():
    shape = polygon([(-5, -5), (30, -5), (30, 3), (-5, 3)])
    assert drawing(pixels(shape))[:5] == ["1111111111"] * 4 + [".........."]
    assert shape.leaves((8, 10))
    assert not polygon([(0, 0), (10, 0), (10, 8)]).leaves((8, 10))  # the border of the picture is in it
    assert not pixels(polygon([(20, 20), (30, 20), (30, 30)])).any()


def test_a_polygon_of_shares_is_scaled_to_width_and_height():
    shape = polygon([(0.25, 0.5), (0.75, 0.5), (0.5, 1.0)]).scaled((8, 16))
    assert shape.parts[0].tolist() == [[4, 4], [12, 4], [8, 8]]


@pytest.mark.parametrize("seed", range(200))
def test_a_polygon_is_that_of_a_scan_line_in_plain_python_but_for_tips(seed):
    rng = np.random.default_rng(seed)
    ring = (rng.random((rng.integers(3, 9), 2)) * 40 - 4).tolist()
    ours, theirs = pixels(polygon(ring), (32, 32)), scanned(ring, (32, 32))
    tips = {int(y) + step for _, y in ring for step in (-1, 0, 1)}
    others = [count for row, count in enumerate((ours != theirs).sum(axis=1).tolist()) if count and row not in tips]
    # Pillow joins a tip to the next row, so that a thin object stays in one piece, and computes with 32 bits: a border
    # half way between two pixels may fall to either.
    assert others in ([], [1])
    assert (ours != theirs).sum() <= 0.02 * 32 * 32


@pytest.mark.parametrize("seed", range(50))
def test_every_outline_is_what_labelme_draws_over_the_whole_picture(seed):
    rng = np.random.default_rng(seed)
    size = (30, 40)
    ring = rng.random((rng.integers(3, 12), 2)) * (50, 40) - 5
    theirs = {kind: Image.new("L", size[::-1], 0) for kind in ("polygon", "line", "box", "ellipse")}
    flat = [tuple(point) for point in ring.tolist()]
    low, high = ring.min(axis=0), ring.max(axis=0)
    ImageDraw.Draw(theirs["polygon"]).polygon(xy=flat, outline=1, fill=1)
    ImageDraw.Draw(theirs["line"]).line(xy=flat, fill=1, width=5)
    ImageDraw.Draw(theirs["box"]).rectangle([tuple(low), tuple(high)], outline=1, fill=1)
    ImageDraw.Draw(theirs["ellipse"]).ellipse([tuple(low), tuple(high)], outline=1, fill=1)
    corners = np.array([low, high])
    for kind, picture in theirs.items():
        shape = Outline(kind, (ring if kind in ("polygon", "line") else corners,), width=5)
        assert np.array_equal(pixels(shape, size), np.asarray(picture) > 0), kind


def test_runs_go_down_the_columns_or_along_the_rows():
    counts = np.array([2, 3, 1])
    assert Runs(counts, Area(0, 0, 3, 2)).pixels().tolist() == [[False, False, True], [True, True, False]]
    by_column = Runs(counts, Area(0, 0, 3, 2), is_by_column=True).pixels()
    assert by_column.tolist() == [[False, True, True], [False, True, False]]


@pytest.mark.parametrize("seed", range(20))
def test_pixels_are_the_same_after_they_were_runs(seed):
    mask = np.random.default_rng(seed).random((7, 9)) < 0.5
    mask[0, 0] = seed % 2
    runs = Runs.of(mask, 3, 4)
    assert runs.area == Area(3, 4, 9, 7)
    assert np.array_equal(runs.pixels(), mask)


def test_runs_that_reach_out_of_the_picture_are_cut_off():
    mask = pixels(Runs.of(np.ones((4, 4), bool), -2, 6))
    assert drawing(mask)[5:] == ["..........", "11........", "11........"]
