"""The image of a confusion matrix."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.run.heatmap import FULL, MARGIN_PX, draw_confusion


def test_the_diagonal_of_a_perfect_model_is_dark_and_the_rest_is_white():
    drawn = np.asarray(draw_confusion(np.diag([5, 9, 1]), ["a", "b", "c"], "perfect"))
    dark = (drawn == FULL).all(axis=-1)
    rows, columns = np.nonzero(dark)
    cell = (rows.max() - rows.min() + 1) // 3
    top, left = rows.min(), columns.min()
    inside = dark[top : top + 3 * cell, left : left + 3 * cell].reshape(3, cell, 3, cell).mean(axis=(1, 3))
    np.testing.assert_array_equal(inside > 0.5, np.eye(3, dtype=bool))


@pytest.mark.parametrize("num_classes", [1, 2, 40, 255])
def test_any_number_of_classes_fits_on_a_screen_or_two(num_classes):
    names = [f"class number {index} with a name that does not end" for index in range(num_classes)]
    matrix = np.zeros((num_classes, num_classes), np.int64)
    drawn = draw_confusion(matrix, names, "t" * 60)
    assert drawn.mode == "RGB"
    assert max(drawn.size) < 2500
    ink = np.asarray(drawn.convert("L")) < 128
    assert not ink[:, -MARGIN_PX // 2 :].any()  # nothing is drawn over the edge


def test_names_beyond_latin_do_not_stop_the_picture():
    draw_confusion(np.array([[1, 2], [3, 4]]), ["路面", "bâtiment 🏠"], "données")
