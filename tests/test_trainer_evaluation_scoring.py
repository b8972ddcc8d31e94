"""Scoring: counts of single images, intervals, and what stands in the files."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.errors import UsageError

pytestmark = NEEDS_TF

TRUTH = [np.array([[0, 0, 1, 255]], np.uint8), np.array([[1, 1, 1, 1]], np.uint8)]
FOUND = [np.array([[0, 1, 1, 0]], np.uint8), np.array([[1, 1, 1, 0]], np.uint8)]


def tally():
    from trainer.evaluation.scoring import Tally

    counted = Tally(3)
    for name, truth, found in zip("ab", TRUTH, FOUND, strict=True):
        counted.add(name, truth, found)
    return counted


def test_each_image_has_its_own_scores():
    assert tally().matrix.tolist() == [[1, 1, 0], [1, 4, 0], [0, 0, 0]]
    rows = list(csv.DictReader(io.StringIO(tally().to_csv(("road", "tree", "sky")))))
    assert [row["file"] for row in rows] == ["a", "b"]
    assert (rows[0]["pixel_accuracy"], rows[0]["miou"]) == ("0.666667", "0.500000")
    assert (rows[0]["road"], rows[0]["tree"], rows[0]["sky"]) == ("0.500000", "0.500000", "")
    assert (rows[1]["road"], rows[1]["tree"], rows[1]["miou"]) == ("0.000000", "0.750000", "0.375000")


def test_intervals_are_percentiles_over_images_drawn_with_replacement():
    found = tally().intervals()
    assert found.miou == tally().intervals().miou
    # Two images: a alone, both, or b alone, each in a quarter, a half and a quarter of the draws.
    assert found.pixel_accuracy == pytest.approx((2 / 3, 3 / 4))
    assert found.iou[0] == pytest.approx((0, 0.5))
    assert all(map(math.isnan, found.iou[2]))


def test_one_image_gives_an_interval_of_no_width():
    from trainer.evaluation.scoring import Tally

    counted = Tally(3)
    counted.add("a", TRUTH[0], FOUND[0])
    assert counted.intervals().miou == pytest.approx((0.5, 0.5))


def test_classes_are_matched_by_name():
    from trainer.evaluation.scoring import matched_classes

    table = matched_classes(("road", "tree"), ("sky", "tree", "road"), "records")
    assert table[:4].tolist() == [255, 1, 0, 255]
    assert table[255] == 255
    with pytest.raises(UsageError, match="has the classes sky, and the model others: road, tree"):
        matched_classes(("road", "tree"), ("sky",), "records")


def test_percent_of_nothing_is_not_applicable():
    from trainer.evaluation.scoring import percent

    assert percent(0.12345) == "12.3%"
    assert percent(math.nan) == "n/a"
