"""Drawing: order, overlaps by pair of classes, what is cut off, and objects in mask files."""

from __future__ import annotations

import numpy as np
import pytest
from annotation_files import drawing, png

from converter.annotations.drawing import ORDERS, Canvas, draw
from converter.annotations.shapes import Area, Drawable, InFile, Outline, Runs
from converter.cli.masks import ORDERS as OF_COMMAND
from converter.errors import DataError
from converter.pixels.masks import encode_png

SIZE = (4, 6)
INDICES = {"a": 1, "b": 2, "c": 3, "ignore": 255, "background": 0}


def box(label, x0, y0, x1, y1, **more):
    return Drawable(label, Outline("box", (np.array([[x0, y0], [x1, y1]], float),)), **more)


def drawn(*objects, order="file", read=lambda path: b""):
    return draw(objects, Canvas(SIZE, read), SIZE, INDICES, order)


SMALL_FIRST = (box("b", 1, 1, 2, 2), box("a", 0, 0, 3, 3), box("c", 3, 1, 5, 3))


@pytest.mark.parametrize(("order", "rows"), [
    ("file", ["1111..", "111333", "111333", "111333"]),
    ("area", ["1111..", "122333", "122333", "111333"]),  # 16 pixels, 9, 4: the smallest lies above
    ("class", ["1111..", "122333", "122333", "111333"]),
])  # fmt: skip
def test_later_objects_lie_over_earlier_ones(order, rows):
    assert drawing(drawn(*SMALL_FIRST, order=order).mask) == rows


def test_equal_objects_stay_in_the_order_of_the_file():
    same = box("a", 0, 0, 2, 2), box("b", 0, 0, 2, 2)
    assert drawing(drawn(*same, order="area").mask)[0] == "222..."


def test_the_orders_of_the_command_are_those_of_the_drawing():
    assert tuple(ORDERS) == OF_COMMAND


def test_overlaps_are_counted_by_pair_of_classes_and_not_within_one():
    result = drawn(*SMALL_FIRST, box("c", 4, 2, 5, 3))
    assert result.overlaps == {(2, 1): 4, (1, 3): 3}
    assert result.objects == {1: 1, 2: 1, 3: 2}


@pytest.mark.parametrize("seed", range(20))
def test_pixels_are_counted_while_they_are_drawn(seed):
    rng = np.random.default_rng(seed)
    boxes = [box(rng.choice([*INDICES]), *rng.integers(-2, 8, 4).reshape(2, 2).T.copy().ravel().tolist())
             for _ in range(8)]  # fmt: skip
    boxes = [Drawable(each.label, Outline("box", (np.sort(each.shape.parts[0], axis=0),))) for each in boxes]
    result = drawn(*boxes)
    values, counts = np.unique(result.mask, return_counts=True)
    assert +result.pixels == dict(zip(values.tolist(), counts.tolist(), strict=True))


def test_a_crowd_lies_under_all_others_in_every_order():
    crowd = box("ignore", 0, 0, 5, 3, is_under=True)
    for order in ORDERS:
        assert drawing(drawn(box("a", 0, 0, 1, 1), crowd, order=order).mask) == ["11iiii", "11iiii", "iiiiii", "iiiiii"]


def test_background_that_is_drawn_takes_what_is_below():
    result = drawn(box("a", 0, 0, 5, 3), box("background", 1, 1, 4, 2))
    assert drawing(result.mask) == ["111111", "1....1", "1....1", "111111"]
    assert result.overlaps == {(1, 0): 8}


def test_objects_that_reach_out_or_cover_nothing_are_counted():
    result = drawn(box("a", -3, 0, 1, 1), box("b", 20, 20, 30, 30), box("c", 0, 0, 0, 0))
    assert (result.clipped, result.empty) == (2, 1)


def test_runs_that_reach_out_are_cut_off_and_those_of_a_whole_picture_are_not():
    block = Runs(np.array([0, 6]), Area(-1, 2, 3, 2))
    inside = Runs(np.array([13, 2, 9]), Area(0, 0, 6, 4), is_by_column=True)  # two pixels of the fourth column
    result = drawn(Drawable("a", block), Drawable("b", inside), Drawable("c", Runs(np.array([24]), Area(0, 0, 6, 4))))
    assert drawing(result.mask) == ["......", "...2..", "11.2..", "11...."]
    assert (result.clipped, result.empty, result.objects) == (1, 1, {1: 1, 2: 1, 3: 1})


def test_an_object_in_a_file_is_one_value_of_it_or_all_but_zero():
    mask = np.zeros(SIZE, np.uint8)
    mask[1, 1:4] = 7
    mask[2, 2] = 9
    read = {"m.png": encode_png(mask)}.__getitem__
    one = drawn(Drawable("a", InFile("m.png", 7)), Drawable("b", InFile("m.png", 9)), read=read)
    assert drawing(one.mask) == ["......", ".111..", "..2...", "......"]
    assert drawing(drawn(Drawable("c", InFile("m.png")), read=read).mask) == ["......", ".333..", "..3...", "......"]
    assert drawn(Drawable("c", InFile("m.png", 5)), read=read).empty == 1


def test_a_mask_file_of_another_size_is_refused():
    with pytest.raises(DataError, match=r"m.png: is 4x5 \(height x width\), and its photograph 4x6") as caught:
        drawn(Drawable("a", InFile("m.png")), read=lambda path: png(np.ones((4, 5), bool)))
    assert caught.value.code == "E_SIZE"
