"""Scoring: pairs of truth and prediction -> all scores, those of single images, and how certain they are.

Everything is counted in integers, over valid pixels only; the files that are written name the dataset and the split.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converter.dataset.manifest import ClassInfo
from converter.errors import UsageError
from converter.schema import IGNORE_INDEX
from converter.system.console import log, table
from converter.system.files import whole_file, write_whole
from trainer.evaluation.calibration import Bin, Calibration, calibration_error
from trainer.evaluation.counts import Intervals, intervals, iou_and_accuracy, mean_of, means, ratio
from trainer.evaluation.drawing import Example, examples_json, examples_sheet, nearest, percent
from trainer.evaluation.files import CONFUSION, COUNTS, EVALUATION, EXAMPLES, counts_text, csv_text, model_digest
from trainer.evaluation.reliability import draw_reliability
from trainer.learning.boundaries import boundary_counts
from trainer.learning.metrics import Scores, confusion_matrix, scores_from_confusion
from trainer.run.heatmap import draw_confusion


class Tally:
    """Counts images one by one.

    Attributes:
      num_classes: number of classes.
      matrix: int64 [num_classes, num_classes], rows truth, columns prediction.
      names: of the images.
      calibration: of the pixels of all images that were added with a confidence.
    """

    def __init__(self, num_classes: int, *, has_boundaries: bool = False) -> None:
        self.num_classes = num_classes
        self.matrix = np.zeros((num_classes, num_classes), np.int64)
        self.names: list[str] = []
        self.calibration = Calibration()
        self._counts: list[np.ndarray] = []
        self._boundaries = np.zeros((2, num_classes), np.int64) if has_boundaries else None

    def add(self, name: str, truth: np.ndarray, prediction: np.ndarray, confidence: np.ndarray | None = None) -> None:
        """Counts one image.

        Args:
          name: of its file.
          truth: uint8 [H, W], class indices and IGNORE_INDEX.
          prediction: uint8 [H, W], class indices.
          confidence: uint16 [H, W], as in Calibration; None where it is not known.
        """
        matrix = confusion_matrix(truth, prediction, self.num_classes)
        self.matrix += matrix
        self.names.append(name)
        self._counts.append(np.stack([matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)]))
        if self._boundaries is not None:
            self._boundaries += boundary_counts(truth, prediction, self.num_classes)
        if confidence is not None:
            self.calibration.add(truth, prediction, confidence, self.num_classes)

    @property
    def counts(self) -> np.ndarray:
        """Correct, true and predicted pixels of each class in each image, int64 [images, 3, num_classes]."""
        return np.stack(self._counts)

    @property
    def boundary_iou(self) -> tuple[float, ...] | None:
        """Boundary IoU of each class, over all images; NaN for one that does not occur; None if not counted."""
        return None if self._boundaries is None else tuple(ratio(*self._boundaries).tolist())

    def intervals(self, seed: int = 0) -> Intervals:
        """Returns the confidence intervals of the scores; the same seed gives the same ones."""
        return intervals(self.counts, seed)

    def example(self, kind: str, number: int, image: np.ndarray, maps: tuple[np.ndarray, np.ndarray]) -> Example:
        """Returns one of the images as an example.

        Args:
          kind: "worst", "median" or "best".
          number: of the image, in the order in which they were added.
          image: uint8 [H, W, 3], as it is drawn.
          maps: its truth and its prediction, uint8 [h, w] each.
        """
        own = means(self._counts[number][None])
        truth, prediction = (nearest(indices, (image.shape[0], image.shape[1])) for indices in maps)
        return Example(kind, self.names[number], image, truth, prediction, own.miou, own.pixel_accuracy, own.iou)

    def to_csv(self, classes: Sequence[str]) -> str:
        """Returns one line for each image: pixel accuracy, mIoU, IoU of each class; empty where it has no score."""
        iou, accuracy = iou_and_accuracy(self.counts)
        rows: list[list[object]] = [["file", "pixel_accuracy", "miou", *classes]]
        for name, *scores in zip(self.names, accuracy.tolist(), mean_of(iou).tolist(), iou.tolist(), strict=True):
            numbers = [*scores[:2], *scores[2]]
            rows.append([name, *("" if math.isnan(number) else f"{number:.6f}" for number in numbers)])
        return csv_text(rows)


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
      seal: of the records; "" of a source folder.
      model: SHA-256 of the model, in hex; "" where it was not read from a file.
      calibration: accuracy by confidence; empty where the confidence is not known.
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
    seal: str = ""
    model: str = ""
    calibration: tuple[Bin, ...] = ()

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
        if self.calibration:
            bins = [each._asdict() for each in self.calibration]
            answer["calibration"] = {"ece": calibration_error(self.calibration), "bins": bins}
        return answer | {name: value for name in ("seal", "model") if (value := getattr(self, name))}

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
        if self.calibration:
            means += f", calibration error {percent(calibration_error(self.calibration))}"
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
      title: of the pictures.

    Raises:
      MachineError: they cannot be written.
    """
    run, classes, matrix = evaluation.run, evaluation.classes, tally.matrix
    evaluation = dataclasses.replace(
        with_intervals(evaluation, tally), model=model_digest(run), calibration=tally.calibration.bins
    )
    write_whole(run / f"images-{label}.csv", tally.to_csv(classes).encode("utf-8", "backslashreplace"))
    counts = counts_text(tally.names, tally.counts, classes)
    write_whole(run / COUNTS.format(label), counts.encode("utf-8", "backslashreplace"))
    rows: list[list[object]] = [
        ["truth", *classes],
        *([name, *row] for name, row in zip(classes, matrix.tolist(), strict=True)),
    ]
    write_whole(run / CONFUSION.format(label), csv_text(rows).encode())
    with whole_file(run / f"confusion-{label}.png") as path:
        draw_confusion(matrix, classes, f"{title}: mIoU {percent(evaluation.scores.miou)}; rows in percent").save(path)
    if evaluation.calibration:
        with whole_file(run / f"reliability-{label}.png") as path:
            draw_reliability(evaluation.calibration, title).save(path)
    text = json.dumps(evaluation.to_json(), indent=1, ensure_ascii=False) + "\n"
    write_whole(run / EVALUATION.format(label), text.encode())  # last: whoever finds it finds the others
    return evaluation


def write_examples(
    run: Path, examples: Sequence[Example], classes: Sequence[ClassInfo], *, label: str, title: str
) -> None:
    """Writes the examples of an evaluation into the run folder: for people, and for the page of the run.

    Raises:
      MachineError: they cannot be written.
    """
    if not examples:
        return
    with whole_file(run / f"examples-{label}.png") as path:
        examples_sheet(examples, classes, title).save(path)
    write_whole(run / EXAMPLES.format(label), examples_json(examples, classes).encode("utf-8", "backslashreplace"))


def evaluated(run: Path, data: Path, split: str, classes: tuple[str, ...], tally: Tally, at: str) -> Evaluation:
    """Returns the evaluation of all images in a tally, without intervals."""
    scores = scores_from_confusion(tally.matrix)
    return Evaluation(run, data, split, len(tally.names), classes, tally.matrix, scores, at)


def with_intervals(evaluation: Evaluation, tally: Tally) -> Evaluation:
    """Returns the evaluation of a tally with its intervals, and boundary IoU where that was counted."""
    return dataclasses.replace(evaluation, intervals=tally.intervals(), boundary_iou=tally.boundary_iou)


def _or_none(number: float) -> float | None:
    return None if math.isnan(number) else number
