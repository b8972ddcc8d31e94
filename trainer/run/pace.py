"""Pace: how long an epoch and a whole run take, told after the first steps, and where an epoch is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from converter.system.console import log
from trainer.backend import keras

TELL_AFTER = 3.0  # seconds of steps after the first, in which all is compiled
LINE_SECONDS = 30.0  # between two lines about the same epoch
WORTH_TELLING = 60.0  # seconds: a shorter run is over before its length matters


def duration(seconds: float) -> str:
    """Returns a duration in one unit: "0.4 s", "45 s", "12 min", "8.3 h"."""
    if 0.05 <= seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 100 * 60 else f"{seconds / 3600:.1f} h"


def whole_run(seconds_per_epoch: float, epochs: int) -> str:
    """Returns how long an epoch takes, and all of them: "an epoch takes about 10 min and all 50 about 8.3 h"."""
    whole = duration(seconds_per_epoch * epochs)
    return f"an epoch takes about {duration(seconds_per_epoch)} and all {epochs} about {whole}"


class Pace(keras.callbacks.Callback):
    """Logs how long the run will take, once; without a bar, also where an epoch is, every LINE_SECONDS.

    Args:
      batch: records per step.
      has_bar: whether a bar shows where an epoch is.
      clock: returns the time in seconds.
    """

    def __init__(self, batch: int, *, has_bar: bool, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._batch = batch
        self._has_bar = has_bar
        self._clock = clock
        self._epoch = 0
        self._first: float | None = None  # when the first step of this epoch was done
        self._told = 0.0
        self._is_announced = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts with the epoch."""
        self._epoch, self._first = epoch, None

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Logs what is due after this step; counts from 0."""
        now = self._clock()
        if self._first is None:
            self._first = self._told = now
            return
        per_step = (now - self._first) / batch
        steps, epochs = self.params["steps"], self.params["epochs"]
        if not self._is_announced and now - self._first >= TELL_AFTER:
            self._is_announced = True
            if per_step * steps * (epochs - self._epoch) >= WORTH_TELLING:
                told = whole_run(per_step * steps, epochs)
                log.info("Without validation, %s, at %.3g images/s.", told, self._batch / per_step)
        if not self._has_bar and now - self._told >= LINE_SECONDS:
            self._told = now
            log.info(
                "epoch %d/%d: step %d of %d, %.3g images/s, %s left",
                *(self._epoch + 1, epochs, batch + 1, steps, self._batch / per_step),
                duration((steps - batch - 1) * per_step),
            )
