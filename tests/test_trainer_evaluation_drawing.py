"""Drawing: what is wrong is marked, classes are never blended, and an example is small enough to mail."""

from __future__ import annotations

import numpy as np

from converter.dataset.manifest import ClassInfo
from trainer.evaluation.drawing import (
    CELLS,
    EXAMPLE_PX,
    WRONG,
    Example,
    cells,
    drawn_image,
    drawn_size,
    errors,
    examples_sheet,
    nearest,
)

CLASSES = (ClassInfo(0, "road", (0, 0, 200)), ClassInfo(1, "tree", (0, 200, 0)))


def test_errors_are_painted_where_valid_pixels_are_wrong_and_nowhere_else():
    image = np.full((1, 3, 3), 100, np.uint8)
    drawn = errors(image, np.array([[0, 1, 255]], np.uint8), np.array([[0, 0, 0]], np.uint8))
    assert drawn[0, :2].tolist() == [[178, 178, 178], list(WRONG)]
    assert tuple(drawn[0, 2]) not in {WRONG, (178, 178, 178)}


def test_the_cells_are_enlarged_by_an_integer_and_nothing_is_smoothed():
    image = np.zeros((2, 3, 3), np.uint8)
    truth = np.array([[0, 1, 0], [1, 0, 1]], np.uint8)
    drawn = cells(image, truth, truth, [info.color for info in CLASSES], 7)
    assert len(drawn) == len(CELLS)
    assert {cell.shape for cell in drawn} == {(4, 6, 3)}
    assert np.unique(drawn[1].reshape(-1, 3), axis=0).tolist() == [[0, 0, 100], [0, 100, 0]]


def test_a_large_photograph_is_drawn_small_and_its_classes_are_picked_not_blended():
    assert drawn_size((1000, 4000)) == (EXAMPLE_PX // 4, EXAMPLE_PX)
    assert drawn_size((20, 30)) == (20, 30)
    assert drawn_image(np.zeros((960, 480, 3), np.uint8)).shape == (EXAMPLE_PX, EXAMPLE_PX // 2, 3)
    assert nearest(np.array([[0, 5, 5, 255]], np.uint8), (1, 2)).tolist() == [[5, 255]]


def test_a_sheet_has_a_row_for_each_example():
    image, maps = np.zeros((48, 40, 3), np.uint8), np.zeros((48, 40), np.uint8)
    example = Example("worst", "a.png", image, maps, maps, 1.0, 1.0, (1.0, float("nan")))
    one, three = (examples_sheet([example] * count, CLASSES, "town, val") for count in (1, 3))
    assert three.width == one.width >= len(CELLS) * EXAMPLE_PX * 40 // 48 - EXAMPLE_PX
    assert three.height > 2 * one.height
