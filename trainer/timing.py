"""Timing: how long training steps and validations take on this machine, and how many epochs fit in a given time."""

from __future__ import annotations

import time

from converter.errors import UsageError
from converter.system.console import log
from trainer.config import parse_time
from trainer.failures import step_errors
from trainer.run.pace import duration, whole_run
from trainer.setup import TrainingSetup

TIMED_STEPS = 3  # enough for a mean: steps of one run differ little
SHARE = 0.9  # of the time is for epochs; the rest for the end of the run and other work on the machine
FILES = 0.5  # seconds of an epoch for its images and its state: what matters where an epoch has a few steps


def seconds_per_step(setup: TrainingSetup, steps: int = TIMED_STEPS) -> float:
    """Returns how long a training step takes that is compiled already; the weights change."""
    steps = min(steps, setup.steps_per_epoch)
    batches = setup.devices.distribute(setup.train_batches(0).dataset)
    start = time.monotonic()
    setup.trainer.fit(batches, steps_per_epoch=steps, verbose=0, shuffle=False)
    return (time.monotonic() - start) / steps


def seconds_per_epoch(setup: TrainingSetup) -> float:
    """Returns how long an epoch takes with its validation; the weights change."""
    val = setup.val_batches()
    timed = min(TIMED_STEPS, val.steps)
    batches = setup.devices.distribute(val.dataset)
    setup.trainer.fit(
        setup.devices.distribute(setup.train_batches(0).dataset),
        validation_data=batches,
        steps_per_epoch=1,
        validation_steps=1,
        verbose=0,
        shuffle=False,
    )
    per_step = seconds_per_step(setup)
    start = time.monotonic()
    setup.trainer.evaluate(batches, steps=timed, verbose=0)
    per_val_step = (time.monotonic() - start) / timed
    return per_step * setup.steps_per_epoch + per_val_step * val.steps


def fit_to_time(setup: TrainingSetup, started: float) -> TrainingSetup:
    """Returns the same setup, untrained, with as many epochs as fit in the time that its config gives.

    The config then has these epochs and no time: the run can be repeated anywhere.

    Args:
      setup: whose config has a time.
      started: when the run began, as of time.monotonic.

    Raises:
      UsageError: several workers train together, each of which would choose a number of its own.
      SegconvError: as `step_errors`.
    """
    assert setup.config.time is not None  # noqa: S101 - by the caller
    if setup.devices.num_workers > 1:
        what = f"is {setup.config.time}, but each of {setup.devices.num_workers} workers would choose its own epochs"
        raise UsageError("--time", what, "Pass --epochs, the same to each.")
    log.info("Timing a few steps, to choose the number of epochs ...")
    with step_errors(setup):
        per_epoch = seconds_per_epoch(setup) + FILES
    left = parse_time(setup.config.time) * SHARE - (time.monotonic() - started)
    epochs = max(1, int(left / per_epoch))
    log.info(
        "--time %s: %s. The run is repeated with --epochs %d.", setup.config.time, whole_run(per_epoch, epochs), epochs
    )
    if left < per_epoch:
        what = "--time %s is too short: starting and timing took %s of it, and an epoch takes about %s."
        log.warning(what, setup.config.time, duration(time.monotonic() - started), duration(per_epoch))
    return setup.having(epochs=epochs, time=None, warmup=min(setup.config.warmup, epochs - 1))
