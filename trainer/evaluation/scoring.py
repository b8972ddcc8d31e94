"""Scoring: pairs of truth and prediction -> all scores, those of single images, and how certain they are.

Everything is counted in integers, over valid pixels only; the files that are written name the dataset and the split.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converter.errors import UsageError
from converter.schema import IGNORE_INDEX
from converter.system.console import log, table
from converter.system.files import whole_file, write_whole
from trainer.learning.boundaries import boundary_counts
from trainer.learning.metrics import Scores, confusion_matrix, scores_from_confusion
from trainer.run.heatmap import draw_confusion

RESAMPLES = 1000  # of the images, for the intervals
PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Intervals:
    """95 % confidence intervals: percentiles of the scores over images drawn with replacement, as (low, high).

    Attributes:
      miou: of the mean IoU.
      pixel_accuracy: of the pixel accuracy.
      iou: of the IoU of each class; NaN for one that does not occur.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile intervals).
    """

    miou: tuple[float, float]
    pixel_accuracy: tuple[float, float]
    iou: tuple[tuple[float, float], ...]


class Tally:
    """Counts images one by one.

    Attributes:
      num_classes: number of classes.
      matrix: int64 [num_classes, num_classes], rows truth, columns prediction.
      names: of the images.
    """

    def __init__(self, num_classes: int, *, has_boundaries: bool = False) -> None:
        self.num_classes = num_classes
        self.matrix = np.zeros((num_classes, num_classes), np.int64)
        self.names: list[str] = []
        self._counts: list[np.ndarray] = []
        self._boundaries = np.zeros((2, num_classes), np.int64) if has_boundaries else None

    def add(self, name: str, truth: np.ndarray, prediction: np.ndarray) -> None:
        """Counts one image.

        Args:
          name: of its file.
          truth: uint8 [H, W], class indices and IGNORE_INDEX.
          prediction: uint8 [H, W], class indices.
        """
        matrix = confusion_matrix(truth, prediction, self.num_classes)
        self.matrix += matrix
        self.names.append(name)
        self._counts.append(np.stack([matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)]))
        if self._boundaries is not None:
            self._boundaries += boundary_counts(truth, prediction, self.num_classes)

    @property
    def counts(self) -> np.ndarray:
        """Correct, true and predicted pixels of each class in each image, int64 [images, 3, num_classes]."""
        return np.stack(self._counts)

    @property
    def boundary_iou(self) -> tuple[float, ...] | None:
        """Boundary IoU of each class, over all images; NaN for one that does not occur; None if not counted."""
        return None if self._boundaries is None else tuple(_ratio(*self._boundaries).tolist())

    def intervals(self, seed: int = 0) -> Intervals:
        """Returns the confidence intervals of the scores; the same seed gives the same ones."""
        counts = self.counts
        rng = np.random.default_rng(seed)
        draws = rng.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), RESAMPLES)
        sums = (draws @ counts.reshape(len(counts), -1)).reshape(RESAMPLES, 3, self.num_classes)
        iou, accuracy = _iou_and_accuracy(sums)
        occurs = ~np.isnan(iou).all(axis=0)
        ends = np.full((2, self.num_classes), np.nan)
        ends[:, occurs] = np.nanpercentile(iou[:, occurs], PERCENTILES, axis=0)
        means, shares = [values[~np.isnan(values)] for values in (_mean_of(iou), accuracy)]
        return Intervals(_ends(means), _ends(shares), tuple((low, high) for low, high in ends.T.tolist()))

    def to_csv(self, classes: Sequence[str]) -> str:
        """Returns one line for each image: pixel accuracy, mIoU, IoU of each class; empty where it has no score."""
        iou, accuracy = _iou_and_accuracy(self.counts)
        rows: list[list[object]] = [["file", "pixel_accuracy", "miou", *classes]]
        for name, *scores in zip(self.names, accuracy.tolist(), _mean_of(iou).tolist(), iou.tolist(), strict=True):
            numbers = [*scores[:2], *scores[2]]
            rows.append([name, *("" if math.isnan(number) else f"{number:.6f}" for number in numbers)])
        return _csv(rows)


@dataclass(frozen=True)
class Evaluation:
    """The scores of a model on one split.

    Attributes:
      run: run folder of the model.
      data: folder of the records, or of the dataset itself.
      split: name of the split.
      records: number of records in it.
      classes: names of the model's classes in order of their indices.
      matrix: int64 [num_classes, num_classes], rows truth, columns prediction.
      scores: all scores of `matrix`.
      at: "stored" where they are counted at the size of records, "source" at that of the photographs.
      intervals: confidence intervals of the scores; None where there are none.
      boundary_iou: boundary IoU of each class; None where it was not asked for.
    """

    run: Path
    data: Path
    split: str
    records: int
    classes: tuple[str, ...]
    matrix: np.ndarray
    scores: Scores
    at: str = "stored"
    intervals: Intervals | None = None
    boundary_iou: tuple[float, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `--json` prints; an undefined score is None."""
        columns = ("iou", "precision", "recall", "f1")
        scores, intervals, boundary = self.scores, self.intervals, self.boundary_iou
        answer = {
            "run": str(self.run),
            "data": str(self.data),
            "split": self.split,
            "records": self.records,
            "at": self.at,
            "miou": _or_none(scores.miou),
            "fwiou": _or_none(scores.fwiou),
            "pixel_accuracy": _or_none(scores.pixel_accuracy),
            "classes": [
                {"id": index, "name": name}
                | {column: _or_none(getattr(scores, column)[index]) for column in columns}
                | {"pixels": scores.pixels[index]}
                | ({"iou_interval": list(map(_or_none, intervals.iou[index]))} if intervals else {})
                | ({"boundary_iou": _or_none(boundary[index])} if boundary else {})
                for index, name in enumerate(self.classes)
            ],
        }
        if intervals:
            for name in ("miou", "pixel_accuracy"):
                answer[f"{name}_interval"] = list(map(_or_none, getattr(intervals, name)))
        return answer

    def to_text(self) -> str:
        """Returns the scores as a table."""
        scores = self.scores
        columns = {"IoU": scores.iou, "precision": scores.precision, "recall": scores.recall, "F1": scores.f1}
        if self.boundary_iou is not None:
            columns["boundary IoU"] = self.boundary_iou
        rows: list[tuple[str, ...]] = [("class", *columns, "pixels")]
        for index, name in enumerate(self.classes):
            rows.append((name, *(percent(column[index]) for column in columns.values()), str(scores.pixels[index])))
        interval = f" ({'..'.join(map(percent, self.intervals.miou))})" if self.intervals else ""
        means = f"mIoU {percent(scores.miou)}{interval}, frequency-weighted IoU {percent(scores.fwiou)}"
        means += f", pixel accuracy {percent(scores.pixel_accuracy)}"
        place = ", at the size of the photographs" if self.at == "source" else ""
        return f"{table(rows)}\n\n{means}, {self.records} records of split {self.split!r}{place}, {self.run}"


def matched_classes(known: Sequence[str], found: Sequence[str], where: object) -> np.ndarray:
    """Returns which class of a model each class of a dataset is, by their names; a warning says what differs.

    Args:
      known: names of the model's classes.
      found: names of the dataset's classes.
      where: the dataset, for messages.

    Returns:
      uint8 [256], by class index of the dataset; IGNORE_INDEX where the model has no class of that name.

    Raises:
      UsageError: they have no class in common.
    """
    table = np.full(256, IGNORE_INDEX, np.uint8)
    for index, name in enumerate(found):
        if name in known:
            table[index] = list(known).index(name)
    unknown = [name for name in found if name not in known]
    lacking = [name for name in known if name not in found]
    if len(lacking) == len(known):
        what = f"has the classes {', '.join(found)}, and the model others: {', '.join(known)}"
        raise UsageError(where, what, "Name the classes as those of the run: --classes FILE.", "E_CLASSES")
    if unknown:
        log.warning("Warning: %s: the model does not know %s: those pixels are not scored.", where, ", ".join(unknown))
    if lacking:
        log.warning("Warning: %s: it has no %s: where the model predicts that, it is wrong.", where, ", ".join(lacking))
    if not unknown and not lacking and tuple(found) != tuple(known):
        log.warning("Warning: %s: its classes are in another order, %s: matched by name.", where, ", ".join(found))
    return table


def scored(evaluation: Evaluation, tally: Tally, label: str, title: str) -> Evaluation:
    """Writes the scores of a tally into the run folder and returns the evaluation with its intervals.

    Args:
      evaluation: without intervals.
      tally: of all its images.
      label: part of the names of the files.
      title: of the picture of the confusion matrix.

    Raises:
      MachineError: they cannot be written.
    """
    evaluation = with_intervals(evaluation, tally)
    run, classes, matrix = evaluation.run, evaluation.classes, tally.matrix
    text = json.dumps(evaluation.to_json(), indent=1, ensure_ascii=False) + "\n"
    write_whole(run / f"evaluation-{label}.json", text.encode())
    write_whole(run / f"images-{label}.csv", tally.to_csv(classes).encode("utf-8", "backslashreplace"))
    rows: list[list[object]] = [
        ["truth", *classes],
        *([name, *row] for name, row in zip(classes, matrix.tolist(), strict=True)),
    ]
    write_whole(run / f"confusion-{label}.csv", _csv(rows).encode())
    with whole_file(run / f"confusion-{label}.png") as path:
        draw_confusion(matrix, classes, f"{title}: mIoU {percent(evaluation.scores.miou)}; rows in percent").save(path)
    return evaluation


def evaluated(run: Path, data: Path, split: str, classes: tuple[str, ...], tally: Tally, at: str) -> Evaluation:
    """Returns the evaluation of all images in a tally, without intervals."""
    scores = scores_from_confusion(tally.matrix)
    return Evaluation(run, data, split, len(tally.names), classes, tally.matrix, scores, at)


def with_intervals(evaluation: Evaluation, tally: Tally) -> Evaluation:
    """Returns the evaluation of a tally with its intervals, and boundary IoU where that was counted."""
    return dataclasses.replace(evaluation, intervals=tally.intervals(), boundary_iou=tally.boundary_iou)


def percent(share: float) -> str:
    """Returns a score in percent with one decimal, or n/a."""
    return "n/a" if math.isnan(share) else f"{share:.1%}"


def _or_none(number: float) -> float | None:
    return None if math.isnan(number) else number


def _csv(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Returns part / whole in float64, NaN where the whole is 0."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _iou_and_accuracy(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns IoU [..., num_classes] and pixel accuracy [...] of counts [..., 3, num_classes] as in a Tally."""
    right, true, predicted = np.moveaxis(counts, -2, 0)
    return _ratio(right, true + predicted - right), _ratio(right.sum(axis=-1), true.sum(axis=-1))


def _mean_of(iou: np.ndarray) -> np.ndarray:
    """Returns the mean over the classes that have a score, NaN where none has."""
    has_score = ~np.isnan(iou)
    return _ratio(np.where(has_score, iou, 0).sum(axis=-1), has_score.sum(axis=-1))


def _ends(values: np.ndarray) -> tuple[float, float]:
    if not len(values):
        return math.nan, math.nan
    low, high = np.percentile(values, PERCENTILES).tolist()
    return low, high
