"""Counts: pixels of each class in each image -> scores, their intervals, and how certain a difference is.

Counts are int64 [..., 3, num_classes]: pixels that are correct, that are of the class, and that are predicted as it.
NumPy only, so that what was counted once can be read again without a model.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000  # of the images, for the intervals
PERCENTILES = (2.5, 97.5)
NEIGHBOURS = 5  # places in the order of names: frames of a video, or tiles of a photograph
_NUMBER = re.compile(r"([0-9]{1,18})")

Interval = tuple[float, float]


@dataclass(frozen=True)
class Intervals:
    """95 % confidence intervals: percentiles of the scores over images drawn with replacement, as (low, high).

    Attributes:
      miou: of the mean IoU.
      pixel_accuracy: of the pixel accuracy.
      iou: of the IoU of each class; NaN for one that does not occur.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile intervals).
    """

    miou: Interval
    pixel_accuracy: Interval
    iou: tuple[Interval, ...]


@dataclass(frozen=True)
class Means:
    """Scores of many images together, each 0..1; NaN where a score is undefined.

    Attributes:
      miou: mean of `iou` over the classes that occur in the truth or in the prediction.
      pixel_accuracy: fraction of valid pixels that are correct.
      iou: of each class.
    """

    miou: float
    pixel_accuracy: float
    iou: tuple[float, ...]


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Returns part / whole in float64, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=np.asarray(whole) > 0)


def iou_and_accuracy(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns IoU [..., num_classes] and pixel accuracy [...] of counts [..., 3, num_classes]."""
    right, true, predicted = np.moveaxis(counts, -2, 0)
    return ratio(right, true + predicted - right), ratio(right.sum(axis=-1), true.sum(axis=-1))


def mean_of(iou: np.ndarray) -> np.ndarray:
    """Returns the mean over the classes that have a score, NaN where none has."""
    has_score = ~np.isnan(iou)
    return ratio(np.where(has_score, iou, 0).sum(axis=-1), has_score.sum(axis=-1))


def means(counts: np.ndarray) -> Means:
    """Returns the scores of all images together, of counts [images, 3, num_classes]."""
    iou, accuracy = iou_and_accuracy(counts.sum(axis=0))
    return Means(float(mean_of(iou)), float(accuracy), tuple(iou.tolist()))


def intervals(counts: np.ndarray, seed: int = 0) -> Intervals:
    """Returns the confidence intervals of the scores; the same seed gives the same ones.

    Args:
      counts: int64 [images, 3, num_classes].
      seed: of the draws.
    """
    iou, accuracy = iou_and_accuracy(_drawn(counts, seed))
    return Intervals(_ends(mean_of(iou)), _ends(accuracy), tuple(map(_ends, iou.T)))


def differences(first: np.ndarray, other: np.ndarray, seed: int = 0) -> Intervals:
    """Returns the intervals of how much higher the scores of another model are, on the same images.

    Each draw takes the same images for both models (paired), which leaves out how much harder one image is than
    another. The interval says nothing of what another seed of the training would change.

    Args:
      first: int64 [images, 3, num_classes].
      other: of the same images, in the same order, and the same classes.
      seed: of the draws.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and 13.
    """
    drawn = [iou_and_accuracy(_drawn(counts, seed)) for counts in (first, other)]
    (iou, accuracy), (other_iou, other_accuracy) = drawn
    miou = mean_of(other_iou) - mean_of(iou)
    return Intervals(_ends(miou), _ends(other_accuracy - accuracy), tuple(map(_ends, (other_iou - iou).T)))


def chosen(counts: np.ndarray, most: int, names: Sequence[str] = ()) -> Iterator[tuple[str, int]]:
    """Yields ("worst", "median" or "best", number) of images to look at: those of the lowest mIoU come first.

    Of neighbouring images, such as the frames of a video, one of a kind is enough: two whose names differ in numbers
    alone, and are NEIGHBOURS places or fewer apart in the order of names, are only both taken where others are lacking.
    In a split of few images, neighbours are a tenth of them at most.

    Args:
      counts: int64 [images, 3, num_classes]; an image without a valid pixel is never chosen.
      most: of each kind; fewer where there are not enough images for all three.
      names: of the images; () where nothing is known of neighbours.
    """
    scores = mean_of(iou_and_accuracy(counts)[0])
    order = [number for number in np.argsort(scores, kind="stable").tolist() if not math.isnan(scores[number])]
    each = min(most, -(-len(order) // 3))
    middle = (len(order) - each) // 2
    from_middle = sorted(range(len(order)), key=lambda place: max(middle - place, place - (middle + each - 1), 0))
    is_near = _neighbours(names)
    seen: set[int] = set()
    found = {}
    # Where there are few, the ends of the scale are the first to be shown.
    for kind, candidates in (
        ("worst", order),
        ("best", order[::-1]),
        ("median", [order[place] for place in from_middle]),
    ):
        found[kind] = _apart([number for number in candidates if number not in seen], each, is_near)
        seen.update(found[kind])
    found["median"].sort(key=order.index)
    for kind in ("worst", "median", "best"):
        yield from ((kind, number) for number in found[kind])


def _apart(candidates: list[int], most: int, is_near: Callable[[int, int], bool]) -> list[int]:
    """Returns the first candidates of which no two are near; then, where they are too few, the first others."""
    taken: list[int] = []
    for number in candidates:
        if len(taken) < most and not any(is_near(number, other) for other in taken):
            taken.append(number)
    others = [number for number in candidates if number not in taken]
    rank = {number: place for place, number in enumerate(candidates)}
    return sorted([*taken, *others[: most - len(taken)]], key=rank.__getitem__)


def _neighbours(names: Sequence[str]) -> Callable[[int, int], bool]:
    """Returns what says of two images, by their numbers, whether they are neighbours."""
    reach = min(NEIGHBOURS, len(names) // 10)
    parts = [_NUMBER.split(name) for name in names]  # text, number, text, ...
    keys = [[int(part) if place % 2 else part for place, part in enumerate(each)] for each in parts]
    places = {number: place for place, number in enumerate(sorted(range(len(names)), key=keys.__getitem__))}

    def is_near(first: int, other: int) -> bool:
        return bool(reach) and parts[first][::2] == parts[other][::2] and abs(places[first] - places[other]) <= reach

    return is_near


def _drawn(counts: np.ndarray, seed: int) -> np.ndarray:
    """Returns the counts of RESAMPLES draws of images with replacement, int64 [RESAMPLES, 3, num_classes]."""
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), RESAMPLES)
    return (draws @ counts.reshape(len(counts), -1)).reshape(RESAMPLES, *counts.shape[1:])


def _ends(values: np.ndarray) -> Interval:
    values = values[~np.isnan(values)]
    if not len(values):
        return math.nan, math.nan
    low, high = np.percentile(values, PERCENTILES).tolist()
    return low, high
