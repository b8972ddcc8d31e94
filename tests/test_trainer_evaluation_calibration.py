"""Calibration: bins and their error against a loop over single pixels, and cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trainer.evaluation.calibration import BINS, FULL, Bin, Calibration, calibration_error, levels_of


def counted(truth, prediction, confidence, num_classes=3) -> tuple[Bin, ...]:
    found = Calibration()
    found.add(np.array(truth, np.uint8), np.array(prediction, np.uint8), levels_of(np.array(confidence)), num_classes)
    return found.bins


def slow_error(truth, prediction, confidence) -> float:
    """Returns the expected calibration error, pixel by pixel, as Guo et al. define it."""
    bins: dict[int, list[tuple[bool, float]]] = {}
    pixels = 0
    for true, seen, sure in zip(truth, prediction, confidence, strict=True):
        if true != 255:
            pixels += 1
            bins.setdefault(max(math.ceil(sure * BINS), 1), []).append((true == seen, sure))
    error = 0.0
    for each in bins.values():
        accuracy = sum(is_right for is_right, _ in each) / len(each)
        error += len(each) / pixels * abs(accuracy - sum(sure for _, sure in each) / len(each))
    return error


def test_the_error_is_that_of_a_loop_over_pixels():
    rng = np.random.default_rng(0)
    truth = rng.choice([0, 1, 2, 255], 2000)
    prediction = rng.integers(0, 3, 2000)
    confidence = rng.integers(0, FULL + 1, 2000) / FULL
    found = calibration_error(counted(truth, prediction, confidence))
    assert found == pytest.approx(slow_error(truth, prediction, confidence), abs=1e-12)


def test_a_model_that_is_right_as_often_as_it_says_has_no_error():
    bins = counted([0, 0, 0, 0], [0, 0, 0, 1], [0.75] * 4)
    assert bins == (Bin(pytest.approx(0.75, abs=1e-5), 0.75, 4),)
    assert calibration_error(bins) == pytest.approx(0, abs=1e-5)


def test_a_model_that_is_always_sure_and_half_of_the_time_right_is_half_off():
    assert calibration_error(counted([0, 1], [0, 0], [1.0, 1.0])) == 0.5


def test_ignored_pixels_and_classes_that_do_not_exist_are_not_counted():
    assert counted([255, 7, 0], [0, 0, 0], [0.1, 0.2, 1.0]) == (Bin(1.0, 1.0, 1),)
    assert counted([255], [0], [0.9]) == ()
    assert math.isnan(calibration_error(()))


def test_the_upper_end_of_a_bin_belongs_to_it():
    assert [each.pixels for each in counted([0] * 4, [0] * 4, [0.0, 1 / BINS, 1 / BINS + 2 / FULL, 1.0])] == [2, 1, 1]


def test_images_add_up_in_any_order():
    rng = np.random.default_rng(1)
    images = [
        (rng.integers(0, 3, (5, 7)), rng.integers(0, 3, (5, 7)), rng.integers(0, FULL + 1, (5, 7)).astype(np.uint16))
        for _ in range(3)
    ]
    there, back = Calibration(), Calibration()
    for image in images:
        there.add(*image, 3)
    for image in reversed(images):
        back.add(*image, 3)
    assert there.bins == back.bins
    assert sum(each.pixels for each in there.bins) == 3 * 5 * 7
