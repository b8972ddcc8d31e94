"""Compare: the scores of several runs on the same records, side by side, and how certain their differences are."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converter.errors import DataError, UsageError, shown
from converter.system.console import table
from trainer.evaluation.counts import Intervals, Means, differences, intervals, means
from trainer.evaluation.drawing import percent
from trainer.evaluation.files import Scored, read_counts
from trainer.reporting.scores import scored_run
from trainer.run.info import RunInfo, read_run
from trainer.run.options import options_of, words

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MIOU, ACCURACY = "mIoU", "pixel accuracy"
POINTS_WIDTH = 5  # of a difference such as +12.3


@dataclass(frozen=True)
class Difference:
    """How much higher a score is than that of the first run.

    Attributes:
      value: the difference.
      low: lower end of its 95 % interval, by a paired bootstrap over images.
      high: upper end.
    """

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Returns "higher" or "lower" where the interval leaves 0 out, else ""."""
        return "higher" if self.low > 0 else "lower" if self.high < 0 else ""


@dataclass(frozen=True)
class ComparedRun:
    """One of the runs.

    Attributes:
      letter: by which it is called.
      run: its folder.
      info: its config.json.
      means: its scores, classes in the order of the first run.
      intervals: of these scores.
      differences: by the name of the score; empty for the first run.
    """

    letter: str
    run: Path
    info: RunInfo
    means: Means
    intervals: Intervals
    differences: dict[str, Difference]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes:
      dataset: name of the dataset of the first run.
      split: on which all were scored.
      seal: of the records on which all were scored.
      images: number of images in it.
      classes: their names.
      runs: in the order in which they were named.
    """

    dataset: str
    split: str
    seal: str
    images: int
    classes: tuple[str, ...]
    runs: tuple[ComparedRun, ...]

    @property
    def scores(self) -> list[tuple[str, list[float]]]:
        """(name, value of each run) of mIoU, pixel accuracy and the IoU of each class."""
        rows = [(MIOU, [each.means.miou for each in self.runs])]
        rows.append((ACCURACY, [each.means.pixel_accuracy for each in self.runs]))
        rows += [(name, [each.means.iou[index] for each in self.runs]) for index, name in enumerate(self.classes)]
        return rows

    @property
    def options(self) -> list[tuple[str, list[str]]]:
        """(name, value of each run as a text) of the options that differ."""
        every = [{option.name: words(option.value) for option in options_of(each.info.config)} for each in self.runs]
        rows = [(name, [options[name] for options in every]) for name in every[0]]
        return [(name, values) for name, values in rows if len(set(values)) > 1]

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `--json` prints; an undefined score is None."""
        return {
            "split": self.split,
            "seal": self.seal,
            "images": self.images,
            "runs": [_run_json(each, self.classes) for each in self.runs],
            "options": dict(self.options),
        }

    def to_text(self) -> str:
        """Returns the comparison as a table."""
        first, *others = self.runs
        head = ["", first.letter]
        for each in others:
            head += [each.letter, f"{each.letter} - {first.letter}", "95 % interval", ""]
        rows = [tuple(head)]
        for name, values in self.scores:
            cells = [name, percent(values[0])]
            for each, value in zip(others, values[1:], strict=True):
                difference, interval, verdict = difference_texts(each.differences[name])
                cells += [percent(value), difference.rjust(POINTS_WIDTH), interval, verdict]
            rows.append(tuple(cells))
        names = "\n".join(f"{each.letter}  {shown(each.run)}" for each in self.runs)
        where = f"{self.images} images of split {self.split!r}; differences in percentage points"
        options = [
            ("option", *(each.letter for each in self.runs)),
            *((name, *values) for name, values in self.options),
        ]
        differing = table(options) if len(options) > 1 else "The options are the same."
        return f"{names}\n\n{table(rows)}\n\n{where}\n{NOTE}\n\n{differing}"


NOTE = (
    "An interval says how far a difference would move with other images, not with another --seed of the training. "
    "Where two models are equal, one interval of twenty leaves 0 out all the same."
)


def difference_texts(difference: Difference) -> tuple[str, str, str]:
    """Returns a difference in percentage points, its interval, and "higher", "lower" or ""."""
    if math.isnan(difference.value):
        return "n/a", "", ""
    value, low, high = (f"{100 * part:+.1f}" for part in (difference.value, difference.low, difference.high))
    return value, f"{low}..{high}", difference.verdict


def compare(runs: Sequence[Path], split: str = "val", data: Path | None = None) -> Comparison:
    """Compares runs; one that has no scores on that split is scored first.

    Args:
      runs: two or more run folders, the first of which the others are compared with.
      split: name of the split.
      data: folder of records to score all of them on; None for each run's own, which must be the same.

    Raises:
      UsageError: fewer than two runs, or runs of other records or classes.
      DataError: a run, its model or a shard is damaged.
      MachineError: a run folder cannot be written to.
    """
    if len(runs) < 2 or len(runs) > len(LETTERS):
        what = f"takes 2 to {len(LETTERS)} runs, not {len(runs)}"
        raise UsageError("segconv compare", what, "Name them: segconv compare runs/ONE runs/OTHER")
    infos = [read_run(run) for run in runs]
    _check_same(runs, infos, split, data)
    scored = [scored_run(run, split, data) for run in runs]
    tables = [counts_in_order(run, each, scored[0]) for run, each in zip(runs, scored, strict=True)]
    first_names, first = tables[0]
    for run, (names, _) in zip(runs[1:], tables[1:], strict=True):
        if names != first_names:
            what = f"was scored on other images than {shown(runs[0])}"
            raise UsageError(
                run, what, f"Score both again: {evaluate_command(runs[0], split)} and {evaluate_command(run, split)}"
            )
    classes = tuple(each.name for each in scored[0].classes)
    found = [
        ComparedRun(letter, run, info, means(counts), intervals(counts), _differences(first, counts, classes))
        for letter, run, info, (_, counts) in zip(LETTERS, runs, infos, tables, strict=False)
    ]
    return Comparison(infos[0].dataset, split, scored[0].seal, len(first), classes, tuple(found))


def _check_same(runs: Sequence[Path], infos: Sequence[RunInfo], split: str, data: Path | None) -> None:
    """Refuses runs whose scores cannot be compared, before minutes of scoring.

    Raises:
      UsageError: they know other classes, or their own records differ and no others are named.
    """
    check_classes(runs, infos)
    for run, info in zip(runs[1:], infos[1:], strict=True):
        if data is None and info.records != infos[0].records:
            here, there = (each.records[:8] or "unknown" for each in (info, infos[0]))
            what = f"was trained on other records (seal {here}) than {shown(runs[0])} (seal {there})"
            names = " ".join(shlex.quote(str(each)) for each in runs)
            of_one_size = [each for each in infos if each.config.crop is None]  # others take records of any
            records = f"--data {shlex.quote(str((of_one_size or infos)[0].config.data))} --split {shlex.quote(split)}"
            fix = f"Score all on the same records: segconv compare {names} {records}"
            sizes = ["x".join(map(str, size)) for size in dict.fromkeys(each.size for each in of_one_size)]
            if len(sizes) > 1:
                what += f", and the models take records of {' and '.join(sizes)}"
                fix = "Score each on the photographs: segconv evaluate RUN --src DIR"
            raise UsageError(run, what, fix, "E_RECORDS")


def check_classes(runs: Sequence[Path], infos: Sequence[RunInfo]) -> None:
    """Raises UsageError where a run knows other classes than the first."""
    for run, info in zip(runs[1:], infos[1:], strict=True):
        if set(info.classes) != set(infos[0].classes):
            here, there = (", ".join(each.classes) for each in (info, infos[0]))
            what = f"knows the classes {here}, and {shown(runs[0])} others: {there}"
            records = shlex.quote(str(infos[0].config.data))
            fix = f"Train it on the same records: segconv train --config {shlex.quote(str(run))} --data {records}"
            raise UsageError(run, what, fix, "E_CLASSES")


def counts_in_order(run: Path, scored: Scored, first: Scored) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns names and counts of the images of a run, its classes in the order of the first run."""
    names, counts = read_counts(run, scored)
    here = [each.name for each in scored.classes]
    try:
        return names, counts[:, :, [here.index(each.name) for each in first.classes]]
    except ValueError:
        what = "was scored for other classes than its config.json has"
        raise DataError(run, what, f"Score it again: {evaluate_command(run, scored.split)}", "E_EVALUATION") from None


def evaluate_command(run: Path, split: str) -> str:
    """Returns the command that scores a run."""
    return f"segconv evaluate {shlex.quote(str(run))} --split {shlex.quote(split)}"


def _differences(first: np.ndarray, counts: np.ndarray, classes: Sequence[str]) -> dict[str, Difference]:
    """Returns the differences of all scores from those of the first run; none of the first run itself."""
    if counts is first:
        return {}
    before, after, ends = means(first), means(counts), differences(first, counts)
    rows = [(MIOU, before.miou, after.miou, ends.miou)]
    rows.append((ACCURACY, before.pixel_accuracy, after.pixel_accuracy, ends.pixel_accuracy))
    rows += zip(classes, before.iou, after.iou, ends.iou, strict=True)
    return {name: Difference(new - old, low, high) for name, old, new, (low, high) in rows}


def _run_json(each: ComparedRun, classes: Sequence[str]) -> dict[str, Any]:
    scores: list[tuple[str, float, tuple[float, float]]] = [
        (MIOU, each.means.miou, each.intervals.miou),
        (ACCURACY, each.means.pixel_accuracy, each.intervals.pixel_accuracy),
        *zip(classes, each.means.iou, each.intervals.iou, strict=True),
    ]
    rows = []
    for name, value, interval in scores:
        row: dict[str, Any] = {"name": name, "value": _or_none(value), "interval": [_or_none(end) for end in interval]}
        if name in each.differences:
            difference = each.differences[name]
            row["difference"] = _or_none(difference.value)
            row["difference_interval"] = [_or_none(difference.low), _or_none(difference.high)]
        rows.append(row)
    head, classes_rows = dict(zip(("miou", "pixel_accuracy"), rows[:2], strict=True)), rows[2:]
    return {"letter": each.letter, "run": str(each.run), **head, "classes": classes_rows}


def _or_none(number: float) -> float | None:
    return None if math.isnan(number) else number
