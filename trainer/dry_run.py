"""Dry run: one step of training and validation, and the memory that a run would need. Writes nothing."""

from __future__ import annotations

import math
import time

from converter.system.console import log
from trainer.config import TrainConfig
from trainer.failures import step_errors
from trainer.learning.footprint import calls_of, hidden_in, memory_parts, sliding_bytes
from trainer.run.pace import whole_run
from trainer.setup import TrainingSetup, prepare
from trainer.timing import fit_to_time, seconds_per_step


def dry_run(config: TrainConfig) -> str:
    """Trains and validates one step, and returns the result as text.

    Raises:
      UsageError, DataError, MachineError: as `setup.prepare`, `step_errors` and, with a time, `fit_to_time`.
    """
    started = time.monotonic()
    setup = prepare(config)
    config, devices, trainer = setup.config, setup.devices, setup.trainer
    with step_errors(setup):
        logs = trainer.fit(
            devices.distribute(setup.train_batches(0).dataset),
            validation_data=devices.distribute(setup.val_batches().dataset),
            steps_per_epoch=1,
            validation_steps=1,
            verbose=0,
            shuffle=False,
        ).history
        per_step = seconds_per_step(setup)
    if config.time is not None:
        config = fit_to_time(setup, started).config
    if not math.isfinite(logs["loss"][0] + logs["val_loss"][0]):
        log.warning("The loss is not finite after one step. Pass a smaller --learning-rate.")
    lines = [
        f"{config.model}, {config.batch} records of {_text(setup.size)} per step, {devices.describe()}",
        f"one step succeeded: loss {logs['loss'][0]:.4f}, val loss {logs['val_loss'][0]:.4f}",
        "estimated memory per device:",
        *_memory(setup),
        "without validation, " + whole_run(per_step * setup.steps_per_epoch, config.epochs),
        f"an epoch has {setup.steps_per_epoch} steps; nothing was written",
    ]
    return "\n".join(lines)


def _memory(setup: TrainingSetup) -> list[str]:
    """Returns the lines on the memory, and warns where the model hides what takes it."""
    config, trainer, replicas = setup.config, setup.trainer, setup.devices.num_replicas
    hidden = hidden_in(list(calls_of(trainer.net, setup.size)))
    if hidden:
        names = ", ".join(hidden)
        log.warning("Of %s only input and output are in the estimate of the memory: its layers are not known.", names)
    whole = None if config.crop is None else setup.train_records.size
    parts = memory_parts(trainer, setup.size, config.batch // replicas, config.loss, whole)
    parts["total"] = sum(parts.values())
    lines = [f"  {name:<12}{num_bytes / 1e6:10,.1f} MB" for name, num_bytes in parts.items()]
    if config.crop is None:
        return lines
    val = setup.val_records
    sliding = sliding_bytes(setup.manifest.num_classes, val.size, val.batch // replicas)
    records = f"windows over whole records, of {_text(val.size)} at most and {val.batch} at a time"
    return [*lines, f"and in validation, with {records}: {(parts['weights'] + sliding) / 1e6:,.1f} MB"]


def _text(size: tuple[int, int]) -> str:
    return "x".join(map(str, size))
