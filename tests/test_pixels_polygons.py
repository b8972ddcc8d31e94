"""Polygons: drawn in their order by Pillow, they are the mask."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from converter.errors import UsageError


def polygons(mask, outside=None):
    pytest.importorskip("cv2", reason="needs segconv[polygons]")
    from converter.pixels.polygons import polygons

    return [(index, border.tolist()) for index, border in polygons(np.array(mask, np.uint8), outside)]


def test_polygons_go_through_the_outermost_pixels_and_large_ones_stand_first():
    mask = [[1, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], [0, 0, 0, 0]]
    assert polygons(mask) == [
        (1, [[0, 0], [0, 3], [3, 3], [3, 0]]),
        (0, [[0, 4], [3, 4]]),
        (2, [[1, 1], [1, 2], [2, 2], [2, 1]]),
    ]


def test_pixels_that_touch_at_a_corner_are_two_polygons():
    assert sorted(polygons([[0, 1], [1, 0]])) == [(0, [[0, 0]]), (0, [[1, 1]]), (1, [[0, 1]]), (1, [[1, 0]])]


def test_what_has_no_data_is_no_polygon():
    mask = np.full((8, 9), 255, np.uint8)
    mask[2:5, 3:6] = 1
    assert [index for index, _ in polygons(mask)] == [1]


def test_only_what_nothing_encloses_is_left_out_as_outside():
    mask = np.zeros((7, 7), np.uint8)
    mask[1:6, 1:6] = 1
    mask[3, 3] = 0
    assert [index for index, _ in polygons(mask, outside=0)] == [1, 0]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("outside", [None, 0])
def test_polygons_drawn_in_their_order_are_the_class_map(seed, outside):
    rng = np.random.default_rng(seed)
    height, width, classes, enlarged = rng.integers(1, 30, 4)
    mask = rng.integers(0, 1 + classes % 5, (height, width), np.uint8).repeat(1 + enlarged % 4, axis=seed % 2)
    drawn = Image.new("L", mask.shape[::-1])
    pen = ImageDraw.Draw(drawn)
    for index, border in polygons(mask, outside):
        pen.polygon([number for point in [*border, border[-1], border[-1]] for number in point], fill=index)
    np.testing.assert_array_equal(np.asarray(drawn), mask)


def test_ignored_pixels_are_polygons_where_they_are_asked_for():
    pytest.importorskip("cv2", reason="needs segconv[polygons]")
    from converter.pixels.polygons import polygons

    mask = np.full((4, 4), 255, np.uint8)
    mask[1:3, 1:3] = 0
    assert [index for index, _ in polygons(mask, has_ignored=True)] == [255, 0]


def test_without_opencv_one_line_names_the_option_and_what_to_install(monkeypatch):
    from converter.pixels.polygons import opencv

    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UsageError, match=r"^--coco: polygons needs opencv.*pip install 'segconv\[polygons\]'"):
        opencv("--coco")
