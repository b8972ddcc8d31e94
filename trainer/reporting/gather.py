"""Gather: everything that is known of a run, read from its folder. What is missing is noted, not an error."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from converter.dataset.parse import read_manifest
from converter.errors import DataError, SegconvError
from converter.limits import MAX_METRICS_BYTES
from converter.system.console import log
from converter.system.files import read_regular
from trainer.evaluation.files import (
    Scored,
    ShownExample,
    labels_in,
    model_digest,
    read_confusion,
    read_examples,
)
from trainer.reporting.scores import any_scored, label_for, scored_run
from trainer.run.curves import read_metrics
from trainer.run.info import RunInfo, read_run, seal_of_records
from trainer.run.runs import LOG, METRICS

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d (.*)")


@dataclass(frozen=True)
class RunFacts:
    """A run, as far as its folder says.

    Attributes:
      run: its folder.
      info: its config.json.
      epochs: the rows of metrics.csv.
      log: the lines of log.txt, without their times.
      scored: its evaluation; None where there is none, and none could be made.
      is_current: whether the evaluation is that of the model in the folder.
      matrix: confusion matrix of the evaluation, int64 [num_classes, num_classes]; None where it is missing.
      examples: of the evaluation.
      others: all other evaluations in the folder.
      records: what there is to say of the records: "" if they are as they were in training.
      missing: why something is not there, by the name of its section.
    """

    run: Path
    info: RunInfo
    epochs: list[dict[str, float]] = field(default_factory=list)
    log: tuple[str, ...] = ()
    scored: Scored | None = None
    is_current: bool = True
    matrix: np.ndarray | None = None
    examples: tuple[ShownExample, ...] = ()
    others: tuple[Scored, ...] = ()
    records: str = ""
    missing: dict[str, str] = field(default_factory=dict)


def gather(run: Path, split: str = "val", data: Path | None = None) -> RunFacts:
    """Returns what is known of a run; scores it where it has no evaluation of that split.

    Args:
      run: the run folder.
      split: name of the split.
      data: folder of the records; None for where the run had them.

    Raises:
      UsageError: no run, no such split, or no records in `data`.
      DataError: its config.json is damaged.
    """
    info = read_run(run)
    missing: dict[str, str] = {}
    label = label_for(run, split, data)
    try:
        scored: Scored | None = scored_run(run, split, data)
    except SegconvError as error:
        if error.code == "E_NO_SPLIT":  # a page without scores would replace a good one
            raise
        missing["scores"] = str(error)
        scored = any_scored(run, label)
        log.warning("The page has %s: %s", "no scores" if scored is None else "older scores", error)
    matrix, examples = None, []
    if scored is not None:
        try:
            matrix = read_confusion(run, scored)
        except DataError as error:
            missing["confusion"] = str(error)
        try:
            examples = read_examples(run, scored)
        except DataError as error:
            missing["examples"] = str(error)
    epochs: list[dict[str, float]] = []
    try:
        epochs = read_metrics(run / METRICS)
    except FileNotFoundError:
        missing["curves"] = f"{run / METRICS} is not there: no epoch was finished."
    except DataError as error:
        missing["curves"] = str(error)
    others = [found for other in labels_in(run) if other != label and (found := any_scored(run, other))]
    model = model_digest(run)
    return RunFacts(
        run=run,
        info=info,
        epochs=epochs,
        log=_log(run),
        scored=scored,
        is_current=scored is None or scored.model in ("", model) or not model,
        matrix=matrix,
        examples=tuple(examples),
        others=tuple(others),
        records=_records(info, data),
        missing=missing,
    )


def _log(run: Path) -> tuple[str, ...]:
    try:
        text = read_regular(run / LOG, MAX_METRICS_BYTES).decode("utf-8", "replace")
    except OSError:
        return ()
    return tuple(match[1] for line in text.split("\n") if (match := LOG_LINE.fullmatch(line)))


def _records(info: RunInfo, data: Path | None) -> str:
    """Returns what has changed about the records of a run since it was trained."""
    folder = info.config.data if data is None else data
    try:
        manifest = read_manifest(folder)
    except (SegconvError, OSError):
        return "They are no longer where they were." if data is None else ""
    if data is None and info.records and seal_of_records(manifest) != info.records:
        return "They were rebuilt since, with another content."
    return ""
