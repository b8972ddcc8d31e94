"""Callbacks: what happens at the end of an epoch, in this order: scores, best.keras, when to stop.

Keras hands one dict of figures to all callbacks of a list in turn; `EpochScores` stands first and puts into it what
the others decide by.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Any

from converter.console import log
from converter.errors import UsageError
from converter.storage import whole_file
from trainer.backend import keras
from trainer.metrics import Scores, scores_from_confusion
from trainer.runs import BEST, append_metrics


class EpochScores(keras.callbacks.Callback):
    """Scores every epoch, for metrics.csv, the log, and the callbacks behind it.

    Attributes:
      run: run folder.
      classes: class names in order of their indices.
      epochs: at most so many.
      val: scores of the last validation.
    """

    def __init__(self, run: Path, classes: tuple[str, ...], epochs: int) -> None:
        super().__init__()
        self.run = run
        self.classes = classes
        self.epochs = epochs
        self.val: Scores | None = None
        self._train: Scores | None = None
        self._start = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock."""
        self._start = time.monotonic()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Takes the training matrix: validation, which begins here, counts into the same one from 0."""
        self._train = scores_from_confusion(self.model.confusion.matrix())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Completes `logs`, appends them to metrics.csv, and logs two lines.

        Raises:
          UsageError: the loss is not a number any more, so no further epoch can be better.
        """
        if not math.isfinite(logs["loss"]):
            what = f"the loss of epoch {epoch + 1} is {logs['loss']}: training has diverged"
            mend = f"Pass a smaller --learning-rate than {float(self.model.optimizer.learning_rate):g}."
            raise UsageError(self.run, what, mend, "E_DIVERGED")
        train, val = self._train, scores_from_confusion(self.model.confusion.matrix())
        assert train is not None  # noqa: S101 - validation came before the end of the epoch
        self.val = val
        row = {
            "epoch": epoch + 1,
            "loss": logs["loss"],
            "pixel_accuracy": train.pixel_accuracy,
            "miou": train.miou,
            "val_loss": logs["val_loss"],
            "val_pixel_accuracy": val.pixel_accuracy,
            "val_miou": val.miou,
            "learning_rate": float(f"{float(self.model.optimizer.learning_rate):.7g}"),  # as written, not as in float32
            "seconds": time.monotonic() - self._start,
        }
        row |= {f"val_iou_{name}": iou for name, iou in zip(self.classes, val.iou, strict=True)}
        append_metrics(self.run, row)
        logs.update(row)
        log.info(
            "epoch %d/%d: loss %.4f, val loss %.4f, val accuracy %.4f, val mIoU %.4f, learning rate %.3g, %.1f s",
            *(epoch + 1, self.epochs, row["loss"], row["val_loss"], val.pixel_accuracy, val.miou),
            *(row["learning_rate"], row["seconds"]),
        )
        ious = zip(self.classes, val.iou, strict=True)
        log.info(
            "  val IoU: %s", ", ".join(f"{name} {'n/a' if math.isnan(iou) else f'{iou:.3f}'}" for name, iou in ious)
        )


class SaveBest(keras.callbacks.Callback):
    """Keeps the model of the epoch with the highest validation mIoU as best.keras.

    Attributes:
      scores: where the last validation scores are found.
      epoch: the best epoch so far, counted from 1; 0 before the first.
      best: its validation scores.
    """

    def __init__(self, scores: EpochScores) -> None:
        super().__init__()
        self.scores = scores
        self.epoch = 0
        self.best: Scores | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves the model, without the trainer around it, where this epoch is the best so far."""
        val = self.scores.val
        if val is not None and (self.best is None or val.miou > self.best.miou):
            self.best, self.epoch = val, epoch + 1
            with whole_file(self.scores.run / BEST) as path:
                self.model.net.save(path)


class StopWithoutProgress(keras.callbacks.Callback):
    """Ends training when, for `patience` epochs, neither the validation loss fell nor the validation mIoU rose.

    Either alone misleads: mIoU stands still at first, while rare classes are not predicted yet; the loss rises late,
    as the model grows too sure of itself, while mIoU still improves.

    Attributes:
      patience: epochs without progress that are borne.
    """

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self._best_loss = math.inf
        self._best_miou = -math.inf
        self._waited = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Counts epochs without progress, and stops at `patience`."""
        progress = logs["val_loss"] < self._best_loss or logs["val_miou"] > self._best_miou
        self._waited = 0 if progress else self._waited + 1
        self._best_loss = min(self._best_loss, logs["val_loss"])
        self._best_miou = max(self._best_miou, logs["val_miou"])
        if self._waited >= self.patience:
            log.info("No progress for %d epochs: training ends here.", self.patience)
            self.model.stop_training = True


class EpochBar(keras.callbacks.Callback):
    """Shows a bar with the loss on stderr while an epoch runs. For terminals."""

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
        self._bar.close()
