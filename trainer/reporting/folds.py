"""Folds: the scores of a cross-validation: of each fold, their mean and deviation, and of all images together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from converter.errors import UsageError, shown
from converter.system.console import table
from trainer.evaluation.counts import Intervals, Means, intervals, means
from trainer.evaluation.drawing import percent
from trainer.reporting.compare import ACCURACY, LETTERS, MIOU, check_classes, counts_in_order, evaluate_command
from trainer.reporting.scores import scored_run
from trainer.run.info import read_run


@dataclass(frozen=True)
class Folds:
    """The runs of a cross-validation.

    Attributes:
      runs: their folders.
      split: on which each was scored, on its own records.
      classes: their names.
      means: scores of each run.
      together: scores of the images of all runs.
      intervals: of these scores.
      images: number of images of each run.
    """

    runs: tuple[Path, ...]
    split: str
    classes: tuple[str, ...]
    means: tuple[Means, ...]
    together: Means
    intervals: Intervals
    images: tuple[int, ...]

    @property
    def scores(self) -> list[tuple[str, list[float], float, tuple[float, float]]]:
        """(name, value of each run, value of all images together, its 95 % interval)."""
        together, ends = self.together, self.intervals
        rows = [
            (MIOU, [each.miou for each in self.means], together.miou, ends.miou),
            (ACCURACY, [each.pixel_accuracy for each in self.means], together.pixel_accuracy, ends.pixel_accuracy),
        ]
        for index, name in enumerate(self.classes):
            rows.append((name, [each.iou[index] for each in self.means], together.iou[index], ends.iou[index]))
        return rows

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `--json` prints; an undefined score is None."""
        rows = []
        for name, values, together, ends in self.scores:
            mean, deviation = mean_and_deviation(values)
            numbers = {"mean": mean, "deviation": deviation, "together": together}
            rows.append(
                {
                    "name": name,
                    "values": [_or_none(value) for value in values],
                    **{key: _or_none(value) for key, value in numbers.items()},
                    "interval": [_or_none(end) for end in ends],
                }
            )
        return {
            "split": self.split,
            "runs": [str(run) for run in self.runs],
            "images": list(self.images),
            "scores": rows,
        }

    def to_text(self) -> str:
        """Returns the scores as a table."""
        letters = LETTERS[: len(self.runs)]
        rows = [("", *letters, "mean", "deviation", "together", "95 % interval")]
        for name, values, together, (low, high) in self.scores:
            shares = (percent(value) for value in (*values, *mean_and_deviation(values), together))
            rows.append((name, *shares, "n/a" if np.isnan(low) else f"{percent(low)}..{percent(high)}"))
        names = "\n".join(
            f"{letter}  {shown(run)}: {count} images"
            for letter, run, count in zip(letters, self.runs, self.images, strict=True)
        )
        return f"{names}\n\n{table(rows)}\n\n{sum(self.images)} images of split {self.split!r}, each in one fold"


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    """Returns the mean of the defined values and their sample standard deviation; NaN where there are too few."""
    found = np.array([value for value in values if not np.isnan(value)])
    return (
        float(found.mean()) if len(found) else float("nan"),
        float(found.std(ddof=1)) if len(found) > 1 else float("nan"),
    )


def read_folds(runs: Sequence[Path], split: str = "val") -> Folds:
    """Returns the scores of a cross-validation; a run that has no scores on its split is scored first.

    Args:
      runs: two or more run folders, each trained on the records of another fold.
      split: name of the split.

    Raises:
      UsageError: fewer than two runs, runs of other classes, or an image that two of them were scored on.
      DataError: a run, its model or a shard is damaged.
      MachineError: a run folder cannot be written to.
    """
    if len(runs) < 2 or len(runs) > len(LETTERS):
        what = f"takes 2 to {len(LETTERS)} runs, not {len(runs)}"
        raise UsageError("segconv compare --folds", what, "Name them: segconv compare --folds runs/ONE runs/OTHER")
    check_classes(runs, [read_run(run) for run in runs])
    scored = [scored_run(run, split) for run in runs]
    seen: dict[str, Path] = {}
    counts = []
    for run, each in zip(runs, scored, strict=True):
        names, found = counts_in_order(run, each, scored[0])
        counts.append(found)
        twice = next((name for name in names if name in seen), None)
        if twice is not None:
            what = f"was scored on {shown(twice)}, and so was {shown(seen[twice])}: they are no folds of one dataset"
            fix = f"Leave --folds out; or score each on its own fold: {evaluate_command(run, split)}"
            raise UsageError(run, what, fix, "E_RECORDS")
        seen |= dict.fromkeys(names, run)
    everything = np.concatenate(counts)
    return Folds(
        runs=tuple(runs),
        split=split,
        classes=tuple(each.name for each in scored[0].classes),
        means=tuple(map(means, counts)),
        together=means(everything),
        intervals=intervals(everything),
        images=tuple(map(len, counts)),
    )


def _or_none(number: float) -> float | None:
    return None if np.isnan(number) else number
