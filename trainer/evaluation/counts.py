"""Counts: pixels of each class in each image -> scores, their intervals, and how certain a difference is.

Counts are int64 [..., 3, num_classes]: pixels that are correct, that are of the class, and that are predicted as it.
NumPy only, so that what was counted once can be read again without a model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000  # of the images, for the intervals
PERCENTILES = (2.5, 97.5)

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


def chosen(counts: np.ndarray, most: int) -> Iterator[tuple[str, int]]:
    """Yields ("worst", "median" or "best", number) of images to look at: those of the lowest mIoU come first.

    Args:
      counts: int64 [images, 3, num_classes]; an image without a valid pixel is never chosen.
      most: of each kind; fewer where there are not enough images for all three.
    """
    scores = mean_of(iou_and_accuracy(counts)[0])
    order = [number for number in np.argsort(scores, kind="stable").tolist() if not math.isnan(scores[number])]
    each = min(most, -(-len(order) // 3))
    middle = (len(order) - each) // 2
    places = {"worst": order[:each], "median": order[middle : middle + each], "best": order[::-1][:each]}
    seen: set[int] = set()
    for kind in ("worst", "best", "median"):  # where there are few, the ends of the scale are the first to be shown
        places[kind] = [number for number in places[kind] if number not in seen]
        seen.update(places[kind])
    for kind, numbers in places.items():
        yield from ((kind, number) for number in numbers)


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
