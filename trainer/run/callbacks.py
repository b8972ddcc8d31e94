"""Callbacks: what happens at the end of an epoch, in this order: scores, best.keras, when to stop, pictures, state.

Keras hands one dict of figures to all callbacks of a list in turn; `EpochScores` stands first and puts into it what
the others decide by. `KeepState` stands last and writes what the others remember.
"""

from __future__ import annotations

import math
import sys
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
from trainer.run.state import save_state

CHECK_STEPS = 32  # steps between two looks at the loss: each look waits for the device
WAIT_LIMIT = 0.1  # share of the time from which on the device stands idle for want of records
NAMED_RECORDS = 8
LEARNED = 0.99  # share of valid pixels that a sound model and loss learn by heart

# What outlives an interruption, by callback: attributes that JSON takes.
REMEMBERED = {
    "SaveBest": ("epoch", "matrix"),
    "StopWithoutProgress": ("best_loss", "best_miou", "waited"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
}


def _learning_rate(model: keras.Model) -> float:
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


class EpochScores(keras.callbacks.Callback):
    """Scores every epoch, for metrics.csv, the log, and the callbacks behind it.

    Attributes:
      run: run folder.
      classes: class names in order of their indices.
      epochs: at most so many.
      input_wait: of the training batches.
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
        self._warned = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._start = time.monotonic()
        self.input_wait.take()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Takes the training matrix: validation, which begins here, counts into the same one from 0."""
        self._train = scores_from_confusion(self.model.confusion.matrix())
        self._wait_share = self.input_wait.take() / max(time.monotonic() - self._start, 1e-9)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Completes `logs`, appends them to metrics.csv, and logs two lines."""
        self.matrix = self.model.confusion.matrix()
        train, val = self._train, scores_from_confusion(self.matrix)
        assert train is not None  # noqa: S101 - validation came before the end of the epoch
        row = {
            "epoch": epoch + 1,
            "loss": logs["loss"],
            "pixel_accuracy": train.pixel_accuracy,
            "miou": train.miou,
            "val_loss": logs["val_loss"],
            "val_pixel_accuracy": val.pixel_accuracy,
            "val_miou": val.miou,
            "learning_rate": float(f"{_learning_rate(self.model):.7g}"),  # as written, not as in float32
            "input_wait": self._wait_share,
            "seconds": time.monotonic() - self._start,
        }
        row |= {f"val_iou_{name}": iou for name, iou in zip(self.classes, val.iou, strict=True)}
        append_metrics(self.run, row)
        logs.update(row)
        log.info(
            "epoch %d/%d: loss %.4f, val loss %.4f, val accuracy %.4f, val mIoU %.4f, learning rate %.3g, "
            "%.1f s, %.0f %% of the training waiting for input",
            *(epoch + 1, self.epochs, row["loss"], row["val_loss"], val.pixel_accuracy, val.miou),
            *(row["learning_rate"], row["seconds"], 100 * self._wait_share),
        )
        ious = zip(self.classes, val.iou, strict=True)
        log.info(
            "  val IoU: %s", ", ".join(f"{name} {'n/a' if math.isnan(iou) else f'{iou:.3f}'}" for name, iou in ious)
        )
        self._warn_of_waiting()

    def _warn_of_waiting(self) -> None:
        """Says once how records could come faster, where the device has to wait for them."""
        if self._wait_share > WAIT_LIMIT and not self._warned:
            self._warned = True
            log.warning(
                "%.0f %% of the training time went by waiting for records: put them on a local disk, pass --cache on "
                "where memory allows it, give the process more cores, or build the records smaller.",
                100 * self._wait_share,
            )


class StopAtBadLoss(keras.callbacks.Callback):
    """Ends training as soon as the loss is no finite number any more, and names the records of the step.

    Attributes:
      run: run folder.
      names: (epoch, step), both counted from 0, to the names of the records in that batch.
      steps: per epoch.
      num_devices: that share a batch, and count each of their own.
    """

    def __init__(
        self, run: Path, names: Callable[[int, int], Sequence[str]], *, steps: int, num_devices: int = 1
    ) -> None:
        super().__init__()
        self.run = run
        self.names = names
        self.steps = steps
        self.num_devices = num_devices
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Looks at the loss now and then."""
        if batch % CHECK_STEPS == 0:
            self._check(logs["loss"])

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Looks at the loss of the whole epoch, before validation counts anew."""
        self._check(self.model.get_metrics_result()["loss"])

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Looks at the validation loss.

        Raises:
          UsageError: it is no finite number.
        """
        if not math.isfinite(logs["val_loss"]):
            self._end(f"the validation loss of epoch {epoch + 1} is {logs['val_loss']}")

    def _check(self, loss: Any) -> None:
        if math.isfinite(float(loss)):
            return
        # All logits may be finite, and the loss is not: then it is the last step that shows.
        step = min(int(float(self.model.finite_steps.result()) // self.num_devices), self.steps - 1)
        # Weights that one step spoilt show in the logits of the next one.
        suspects = [name for index in (step - 1, step) if index >= 0 for name in self.names(self._epoch, index)]
        more = f" and {len(suspects) - NAMED_RECORDS} more" if len(suspects) > NAMED_RECORDS else ""
        records = ", ".join(suspects[:NAMED_RECORDS]) + more
        where = f"step {step + 1} of epoch {self._epoch + 1}"
        self._end(f"the loss is {float(loss)} from {where} on, with records {records}", "; look at these records, too")

    def _end(self, what: str, records: str = "") -> None:
        rate = _learning_rate(self.model)
        fix = f"Pass a smaller --learning-rate than {rate:g}, or --clip-norm 1{records}."
        raise UsageError(self.run, f"{what}: training has diverged", fix, "E_DIVERGED")


class SaveBest(keras.callbacks.Callback):
    """Keeps the model of the epoch with the highest validation mIoU as best.keras.

    Attributes:
      scores: where the last validation is found.
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
        # Not a number where no valid pixel was seen: any score is better.
        if self.best is None or math.isnan(self.best.miou) or logs["val_miou"] > self.best.miou:
            self.matrix, self.epoch = self.scores.matrix.tolist(), epoch + 1
            with averaged_weights(self.model), whole_file(self.scores.run / BEST) as path:
                self.model.net.save(path)


class StopWithoutProgress(keras.callbacks.Callback):
    """Ends training when, for `patience` epochs, neither the validation loss fell nor the validation mIoU rose.

    Either alone misleads: mIoU stands still at first, while rare classes are not predicted yet; the loss rises late,
    as the model grows too sure of itself, while mIoU still improves.

    Attributes:
      patience: epochs without progress that are borne.
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
            log.info("No progress in the last of %d epochs: training ends here.", epoch + 1)
            self.model.stop_training = True


class StopWhenLearned(keras.callbacks.Callback):
    """Ends an overfit run as soon as the records are known by heart."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Stops at LEARNED."""
        if logs["val_pixel_accuracy"] >= LEARNED:
            self.model.stop_training = True


class Pictures(keras.callbacks.Callback):
    """Redraws the curves and the page of predictions after every epoch.

    Attributes:
      run: run folder.
      title: of the curves.
      draw: draws the page of predictions.
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
    """Writes, after every epoch, all that a resumed run needs; gives the others back what they remembered.

    Attributes:
      run: run folder.
      others: all callbacks before this one.
      before: facts of the run that goes on, from `state.read_facts`; empty for a new one.
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

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Gives back: here, since Keras' own callbacks forget all when training begins."""
        for name, memory in self.before.get("memory", {}).items():
            for attribute, value in memory.items():
                setattr(self.others[name], attribute, value)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes state.npz."""
        memory = {
            name: {attribute: getattr(other, attribute) for attribute in REMEMBERED[name]}
            for name, other in self.others.items()
            if name in REMEMBERED
        }
        facts = {"epoch": epoch + 1, "batch": self.batch, "stopped": bool(self.model.stop_training), "memory": memory}
        save_state(self.run, self.model, facts)


class EpochBar(keras.callbacks.Callback):
    """Shows a bar with the loss on stderr while an epoch runs. For terminals."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Any = None

    def close(self) -> None:
        """Takes the bar away, if there is one."""
        if self._bar is not None:
            self._bar.close()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Opens the bar."""
        from tqdm import tqdm

        title = f"epoch {epoch + 1}/{self.params['epochs']}"
        self._bar = tqdm(total=self.params["steps"], desc=title, unit="step", leave=False, file=sys.stderr)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Moves the bar by one step."""
        self._bar.set_postfix(loss=f"{logs['loss']:.4f}", refresh=False)
        self._bar.update(1)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the bar before the lines of the epoch are written."""
        self.close()
