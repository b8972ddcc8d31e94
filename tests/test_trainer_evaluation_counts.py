"""Counts: scores, intervals and paired differences, each against a loop over single images."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scored_runs import counts_of

from trainer.evaluation.counts import RESAMPLES, chosen, differences, intervals, means


def slow_miou(counts: np.ndarray, images: list[int]) -> float:
    """Returns the mIoU of some images, counted one by one."""
    scores = []
    for index in range(counts.shape[2]):
        right, true, predicted = (sum(int(counts[n, part, index]) for n in images) for part in range(3))
        if true + predicted - right:
            scores.append(right / (true + predicted - right))
    return sum(scores) / len(scores)


def draws(images: int, seed: int) -> list[list[int]]:
    """Returns which images each of the draws has."""
    times = np.random.default_rng(seed).multinomial(images, np.full(images, 1 / images), RESAMPLES)
    return [[n for n in range(images) for _ in range(row[n])] for row in times]


def test_scores_are_those_of_all_images_together():
    counts = counts_of(1)
    found = means(counts)
    assert found.miou == pytest.approx(slow_miou(counts, list(range(8))))
    assert found.pixel_accuracy == pytest.approx(counts[:, 0].sum() / counts[:, 1].sum())


def test_a_class_that_occurs_nowhere_has_no_score_and_does_not_count():
    counts = counts_of(1)
    counts[:, :, 2] = 0
    found = means(counts)
    assert math.isnan(found.iou[2])
    assert found.miou == pytest.approx(sum(found.iou[:2]) / 2)
    assert all(map(math.isnan, intervals(counts).iou[2]))
    assert all(map(math.isnan, differences(counts, counts).iou[2]))


def test_an_interval_has_the_percentiles_of_the_scores_of_the_draws():
    counts = counts_of(2, images=5)
    expected = np.percentile([slow_miou(counts, images) for images in draws(5, seed=3)], (2.5, 97.5))
    assert intervals(counts, seed=3).miou == pytest.approx(tuple(expected))


def test_a_difference_is_taken_on_the_same_images_of_each_draw():
    first, other = counts_of(2, images=5), counts_of(4, images=5)
    pairs = [slow_miou(other, images) - slow_miou(first, images) for images in draws(5, seed=0)]
    assert differences(first, other).miou == pytest.approx(tuple(np.percentile(pairs, (2.5, 97.5))))


def test_equal_models_differ_by_nothing_however_much_their_images_do():
    found = differences(counts_of(5), counts_of(5))
    assert found.miou == found.pixel_accuracy == found.iou[0] == (0.0, 0.0)
    low, high = intervals(counts_of(5)).miou
    assert high - low > 0.01


def test_the_interval_of_a_paired_difference_is_narrower_than_that_of_either_score():
    first = counts_of(6, images=40)
    other = first.copy()
    other[:, 0] += np.minimum(other[:, 1:].min(axis=1) - other[:, 0], 5)  # a little better in each image
    found = differences(first, other)
    low, high = intervals(first).miou
    assert 0 < found.miou[0] < found.miou[1]
    assert found.miou[1] - found.miou[0] < (high - low) / 5


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    counts = counts_of(7)
    assert intervals(counts, 1) == intervals(counts, 1) != intervals(counts, 2)


def with_scores(*right: int) -> np.ndarray:
    """Returns counts of images of one class with these correct pixels of 10; None is an image without valid pixels."""
    return np.array([[[n], [10 if n >= 0 else 0], [10 if n >= 0 else 0]] for n in right]).clip(0)


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ((5, 1, 9, 3, 7), {"worst": [1, 3], "median": [0], "best": [2, 4]}),
        ((5, -1, 9), {"worst": [0], "median": [], "best": [2]}),
        ((5,), {"worst": [0], "median": [], "best": []}),
        ((-1,), {"worst": [], "median": [], "best": []}),
        (tuple(range(9)), {"worst": [0, 1], "median": [3, 4], "best": [8, 7]}),
    ],
)
def test_the_worst_the_median_and_the_best_images_are_chosen_each_once(right, expected):
    found = list(chosen(with_scores(*right), 2))
    assert {kind: [number for name, number in found if name == kind] for kind in expected} == expected


def test_of_neighbouring_frames_one_of_a_kind_is_enough():
    right = [5] * 60
    right[20:24] = [1, 0, 1, 1]  # the worst are four frames of one scene
    right[40], right[50] = 2, 3
    names = [f"scene_{number}.png" for number in range(60)]
    found = list(chosen(with_scores(*right), 3, names))
    assert [number for kind, number in found if kind == "worst"] == [21, 40, 50]
    assert [number for kind, number in chosen(with_scores(*right), 3) if kind == "worst"] == [21, 20, 22]
    unlike = [f"{chr(97 + number // 26)}{chr(97 + number % 26)}.png" for number in range(60)]
    assert [number for kind, number in chosen(with_scores(*right), 3, unlike) if kind == "worst"] == [21, 20, 22]
    for kind in ("worst", "median", "best"):
        numbers = [number for each, number in found if each == kind]
        assert min(abs(a - b) for a in numbers for b in numbers if a != b) > 5


def test_neighbours_are_taken_where_others_are_lacking():
    names = [f"{number}.png" for number in range(20)]
    found = list(chosen(with_scores(1, 2, 3, 4, *[-1] * 16), 2, names))
    assert found == [("worst", 0), ("worst", 3), ("best", 2), ("best", 1)]  # 0 and 3 are three places apart, not two
