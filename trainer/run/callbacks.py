"""Callbacks: what happens at the end of an epoch, in this order: scores, best.keras, early stopping, images, state.

Keras passes one dict of metrics to all callbacks of a list in turn; `EpochScores` comes first and adds the values that
the others need. `KeepState` comes last and saves the state of the others.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converter.errors import UsageError
from converter.system.console import log
from converter.system.files import whole_file
from trainer.backend import keras
from trainer.input.waiting import InputWait
from trainer.learning.metrics import Scores, scores_from_confusion
from trainer.learning.optimizers import averaged_weights
from trainer.run.curves import draw_curves, read_metrics
from trainer.run.runs import BEST, CURVES, METRICS, append_metrics
from trainer.run.state import state_arrays, write_state

BAR_SECONDS = 0.5  # between two readings of the loss for the bar: each waits for the device
CHECK_STEPS = 32  # steps between two checks of the loss: each check waits for the device
WAIT_LIMIT = 0.1  # fraction of the time spent waiting for records above which a warning is logged
NAMED_RECORDS = 8
LEARNED = 0.99  # fraction of valid pixels that a correct model and loss memorise

# What is kept across an interruption, by callback: attributes that can be stored as JSON.
REMEMBERED = {
    "SaveBest": ("epoch", "matrix"),
    "StopWithoutProgress": ("best_loss", "best_miou", "waited"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
}


def _learning_rate(model: keras.Model) -> float:
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


class EpochScores(keras.callbacks.Callback):
    """Scores every epoch, for metrics.csv, the log, and the callbacks after it.

    Attributes:
      run: run folder.
      classes: class names in order of their indices.
      epochs: maximum number of epochs.
      input_wait: time spent waiting for the training batches.
      matrix: confusion matrix of the last validation, int64 [num_classes, num_classes].
    """

    def __init__(self, run: Path, classes: tuple[str, ...], epochs: int, *, input_wait: InputWait) -> None:
        super().__init__()
        self.run = run
        self.classes = classes
        self.epochs = epochs
        self.input_wait = input_wait
        self.matrix = np.zeros((len(classes), len(classes)), np.int64)
        self._train: Scores | None = None
        self._wait_share = 0.0
        self._start = 0.0
        self._row = time.monotonic()  # when the last row was written
        self._warned = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts timing the first epoch."""
        self._row = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts timing the steps of the epoch."""
        self._start = time.monotonic()
        self.input_wait.take()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Reads the training matrix: validation, which begins here, reuses it from 0."""
        self._train = scores_from_confusion(self.model.confusion.matrix())
        self._wait_share = self.input_wait.take() / max(time.monotonic() - self._start, 1e-9)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Completes `logs`, appends them to metrics.csv, and logs two lines."""
        self.matrix = self.model.confusion.matrix()
        train, val = self._train, scores_from_confusion(self.matrix)
        assert train is not None  # noqa: S101 - validation came before the end of the epoch
        before, self._row = self._row, time.monotonic()
        row = {
            "epoch": epoch + 1,
            "loss": logs["loss"],
            "pixel_accuracy": train.pixel_accuracy,
            "miou": train.miou,
            "val_loss": logs["val_loss"],
            "val_pixel_accuracy": val.pixel_accuracy,
            "val_miou": val.miou,
            "learning_rate": float(f"{_learning_rate(self.model):.7g}"),  # without the rounding of float32
            "input_wait": self._wait_share,
            "seconds": self._row - before,  # also those of the images and the state after the last row
        }
        row |= {f"val_iou_{name}": iou for name, iou in zip(self.classes, val.iou, strict=True)}
        append_metrics(self.run, row)
        logs.update(row)
        log.info(
            "epoch %d/%d: loss %.4f, val loss %.4f, val accuracy %.4f, val mIoU %.4f, learning rate %.3g, "
            "%.1f s, %.0f %% of the training time waiting for input",
            *(epoch + 1, self.epochs, row["loss"], row["val_loss"], val.pixel_accuracy, val.miou),
            *(row["learning_rate"], row["seconds"], 100 * self._wait_share),
        )
        ious = zip(self.classes, val.iou, strict=True)
        log.info(
            "  val IoU: %s", ", ".join(f"{name} {'n/a' if math.isnan(iou) else f'{iou:.3f}'}" for name, iou in ious)
        )
        self._warn_of_waiting()

    def _warn_of_waiting(self) -> None:
        """Warns once where the device has to wait for records, with ways to speed up the input."""
        if self._wait_share > WAIT_LIMIT and not self._warned:
            self._warned = True
            log.warning(
                "%.0f %% of the training time was spent waiting for records: put them on a local disk, pass --cache on "
                "if memory allows, give the process more cores, or build smaller records.",
                100 * self._wait_share,
            )


class StopAtBadLoss(keras.callbacks.Callback):
    """Ends training as soon as the loss is not finite, and names the records of the step.

    Attributes:
      run: run folder.
      names: function of (epoch, step), both counted from 0, to the names of the records in that batch.
      steps: steps per epoch.
      num_devices: devices that share a batch, each with its own count of steps.
      learning_rate: the peak, which the user chose; a schedule has another one in most steps.
    """

    def __init__(
        self,
        run: Path,
        names: Callable[[int, int], Sequence[str]],
        *,
        steps: int,
        learning_rate: float,
        num_devices: int = 1,
    ) -> None:
        super().__init__()
        self.run = run
        self.names = names
        self.steps = steps
        self.learning_rate = learning_rate
        self.num_devices = num_devices
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stores the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Checks the loss every CHECK_STEPS steps."""
        if batch % CHECK_STEPS == 0:
            self._check(logs["loss"])

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Checks the loss of the whole epoch, before validation resets it."""
        self._check(self.model.get_metrics_result()["loss"])

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Checks the validation loss.

        Raises:
          UsageError: it is not finite.
        """
        if not math.isfinite(logs["val_loss"]):
            self._end(f"the validation loss of epoch {epoch + 1} is {logs['val_loss']}")

    def _check(self, loss: Any) -> None:
        if math.isfinite(float(loss)):
            return
        step = min(int(float(self.model.finite_steps.result()) // self.num_devices), self.steps - 1)
        # Weights that one step ruined show in the logits of the next one.
        suspects = [name for index in (step - 1, step) if index >= 0 for name in self.names(self._epoch, index)]
        more = f" and {len(suspects) - NAMED_RECORDS} more" if len(suspects) > NAMED_RECORDS else ""
        records = ", ".join(suspects[:NAMED_RECORDS]) + more
        where = f"step {step + 1} of epoch {self._epoch + 1}"
        self._end(f"the loss is {float(loss)} from {where} on, with records {records}", "; check these records, too")

    def _end(self, what: str, records: str = "") -> None:
        fix = f"Pass a smaller --learning-rate than {self.learning_rate:g}, or --clip-norm 1{records}."
        raise UsageError(self.run, f"{what}: training has diverged", fix, "E_DIVERGED")


class ReduceLROnPlateau(keras.callbacks.ReduceLROnPlateau):
    """Halves the learning rate where the validation loss has not fallen for some epochs, counted after the warm-up.

    Attributes:
      warmup: epochs of warm-up, in which the learning rate is not what it rises to.
    """

    def __init__(self, patience: int, warmup: int = 0) -> None:
        super().__init__(monitor="val_loss", factor=0.5, patience=patience, min_delta=0)
        self.warmup = warmup

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Counts this epoch, and halves the rate at `patience`."""
        if epoch >= self.warmup:
            super().on_epoch_end(epoch, logs)


class FreezeEncoder(keras.callbacks.Callback):
    """Leaves the encoder as it is in the first epochs.

    Attributes:
      epochs: how many.
    """

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Freezes the encoder, or lets it learn; nothing of this has to be kept for a run that is resumed."""
        self.model.freeze_encoder(epoch < self.epochs)


class SaveBest(keras.callbacks.Callback):
    """Saves the model of the epoch with the highest validation mIoU as best.keras.

    Attributes:
      scores: callback with the last validation.
      epoch: the best epoch so far, counted from 1; 0 before the first.
      matrix: its confusion matrix, as nested lists; None before the first.
    """

    def __init__(self, scores: EpochScores) -> None:
        super().__init__()
        self.scores = scores
        self.epoch = 0
        self.matrix: list[list[int]] | None = None

    @property
    def best(self) -> Scores | None:
        """The validation scores of the best epoch; None before the first."""
        return None if self.matrix is None else scores_from_confusion(np.array(self.matrix))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Saves the model, without the trainer around it, where this epoch is the best so far."""
        # NaN where there was no valid pixel: any score is better.
        if self.best is None or math.isnan(self.best.miou) or logs["val_miou"] > self.best.miou:
            self.matrix, self.epoch = self.scores.matrix.tolist(), epoch + 1
            with averaged_weights(self.model), whole_file(self.scores.run / BEST) as path:
                self.model.net.save(path)


class StopWithoutProgress(keras.callbacks.Callback):
    """Ends training when, for `patience` epochs, neither the validation loss fell nor the validation mIoU rose.

    Either alone is misleading: mIoU stagnates at first, while rare classes are not predicted yet; the loss rises late,
    as the model becomes overconfident, while mIoU still improves.

    Attributes:
      patience: epochs without progress before training stops.
      best_loss: lowest validation loss so far.
      best_miou: highest validation mIoU so far.
      waited: epochs without progress so far.
    """

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self.best_loss = math.inf
        self.best_miou = -math.inf
        self.waited = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Counts epochs without progress, and stops at `patience`."""
        progress = logs["val_loss"] < self.best_loss or logs["val_miou"] > self.best_miou
        self.waited = 0 if progress else self.waited + 1
        self.best_loss = min(self.best_loss, logs["val_loss"])
        self.best_miou = max(self.best_miou, logs["val_miou"])
        if self.waited >= self.patience:
            log.info("No progress: training stops after epoch %d.", epoch + 1)
            self.model.stop_training = True


class StopWhenLearned(keras.callbacks.Callback):
    """Ends an overfit run as soon as the records are memorised."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Stops at LEARNED."""
        if logs["val_pixel_accuracy"] >= LEARNED:
            self.model.stop_training = True


class Pictures(keras.callbacks.Callback):
    """Redraws curves.png and predictions.png after every epoch.

    Attributes:
      run: run folder.
      title: title of the curves.
      draw: function that draws the predictions.
    """

    def __init__(self, run: Path, title: str, draw: Callable[[], None]) -> None:
        super().__init__()
        self.run = run
        self.title = title
        self.draw = draw

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Draws both."""
        with whole_file(self.run / CURVES) as path:
            draw_curves(read_metrics(self.run / METRICS), self.title).save(path)
        with averaged_weights(self.model):
            self.draw()


class KeepState(keras.callbacks.Callback):
    """Saves, after every epoch, everything that a resumed run needs; restores the state of the other callbacks.

    The values are copied at the end of the epoch, and written by a thread while the next one trains.

    Attributes:
      run: run folder.
      others: all callbacks before this one.
      before: facts of a resumed run, from `state.read_facts`; empty for a new one.
      batch: records per step.
    """

    def __init__(
        self, run: Path, others: Sequence[keras.callbacks.Callback], before: dict[str, Any], *, batch: int
    ) -> None:
        super().__init__()
        self.run = run
        self.batch = batch
        self.others = {type(other).__name__: other for other in others}
        self.before = before
        self._writer: threading.Thread | None = None
        self._errors: list[Exception] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restores the state: here, since Keras' own callbacks reset theirs when training begins."""
        for name, memory in self.before.get("memory", {}).items():
            for attribute, value in memory.items():
                setattr(self.others[name], attribute, value)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts to write state.npz, once the last one is written."""
        memory = {
            name: {attribute: getattr(other, attribute) for attribute in REMEMBERED[name]}
            for name, other in self.others.items()
            if name in REMEMBERED
        }
        facts = {"epoch": epoch + 1, "batch": self.batch, "stopped": bool(self.model.stop_training), "memory": memory}
        self._finish()
        arrays = state_arrays(self.model, facts)
        self._writer = threading.Thread(target=self._write, args=(arrays,), name="state")
        self._writer.start()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Waits for the last state."""
        self._finish()

    def close(self) -> None:
        """Waits for the last state, and ignores its errors: for a run that has ended with another one."""
        if self._writer is not None:
            self._writer.join()

    def _write(self, arrays: dict[str, Any]) -> None:
        try:
            write_state(self.run, arrays)
        except Exception as error:  # noqa: BLE001 - raised again by the thread that trains
            self._errors.append(error)

    def _finish(self) -> None:
        """Waits for the writer, and raises its error."""
        self.close()
        if self._errors:
            raise self._errors.pop()


class EpochBar(keras.callbacks.Callback):
    """Shows a progress bar with the loss on stderr during an epoch. For terminals.

    Args:
      clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._bar: Any = None
        self._clock = clock
        self._read = -math.inf  # when the loss was last read

    def close(self) -> None:
        """Removes the bar, if there is one."""
        if self._bar is not None:
            self._bar.close()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Opens the bar."""
        from tqdm import tqdm

        title = f"epoch {epoch + 1}/{self.params['epochs']}"
        self._bar = tqdm(total=self.params["steps"], desc=title, unit="step", leave=False, file=sys.stderr)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Advances the bar by one step, and reads the loss twice a second: each reading waits for the device."""
        now = self._clock()
        if now - self._read >= BAR_SECONDS:
            self._read = now
            self._bar.set_postfix(loss=f"{logs['loss']:.4f}", refresh=False)
        self._bar.update(1)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the bar before the lines of the epoch are written."""
        self.close()
