"""Scores: the evaluation of a run, as it lies in its folder, or scored now where it is not there."""

from __future__ import annotations

from pathlib import Path

from converter.dataset.parse import read_manifest
from converter.errors import DataError
from converter.system.console import log
from trainer.evaluation.files import Scored, label_of, model_digest, read_counts, read_examples, read_scored
from trainer.run.info import read_run


def label_for(run: Path, split: str, data: Path | None) -> str:
    """Returns the label of the evaluation of a run on a split of its own records, or of those in `data`.

    Raises:
      UsageError: no run, or no records in `data`.
      DataError: either is damaged.
    """
    return split if data is None else label_of(read_run(run), read_manifest(data), split)


def scored_run(run: Path, split: str, data: Path | None = None) -> Scored:
    """Returns the evaluation of the best model of a run; scores it where there is none, or that of another model.

    Args:
      run: the run folder.
      split: name of the split.
      data: folder of records; None for the run's.

    Raises:
      UsageError: as `trainer.evaluate`; or TensorFlow, which scoring needs, is not installed.
      DataError: a shard or the model is damaged.
      MachineError: the run folder cannot be written to.
    """
    label = label_for(run, split, data)
    found = complete(run, label)
    if found is not None:
        return found
    log.info("Scoring %s on split %r, which takes a model; the next time it does not.", run, split)
    from trainer.evaluation.records import evaluate  # needs TensorFlow

    evaluate(run, split, data=data)
    return read_scored(run, label)


def complete(run: Path, label: str) -> Scored | None:
    """Returns an evaluation whose files are all there and are those of the model in the run folder; else None."""
    try:
        found = read_scored(run, label)
        read_counts(run, found)
        read_examples(run, found)
    except (FileNotFoundError, DataError):
        return None
    model = model_digest(run)
    return found if not model or found.model == model else None


def any_scored(run: Path, label: str) -> Scored | None:
    """Returns an evaluation that may be that of an older version or of another model; None where there is none."""
    try:
        return read_scored(run, label)
    except (FileNotFoundError, DataError):
        return None
