"""TensorBoard: the metrics and images of each epoch as event files.

They are in tensorboard/train and tensorboard/val of the run folder: TensorBoard then plots the two curves of a metric
together. A step is an epoch, counted from 1. Writing them also needs the package `tensorboard`, which TensorFlow no
longer installs; it does not need TensorFlow.
"""

from __future__ import annotations

import io
import math
import time
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

from converter.errors import UsageError
from converter.system.files import write_error
from trainer.backend import keras
from trainer.run.runs import PREDICTIONS

FOLDER = "tensorboard"  # in the run folder
SPLITS = ("train", "val")


def require_tensorboard() -> None:
    """Refuses --tensorboard where event files cannot be written; to be called before a run folder is created.

    Raises:
      UsageError: the package is not installed.
    """
    try:
        import_module("tensorboard.compat.proto.event_pb2")
        import_module("tensorboard.summary.writer.record_writer")
    except ImportError as error:
        what = f"needs the package tensorboard, which is not installed ({error})"
        raise UsageError(
            "--tensorboard", what, "Install it: pip install 'segconv[tensorboard]'", "E_NO_TENSORBOARD"
        ) from None


def by_split(figures: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Returns the metrics of an epoch as train and val -> tag -> value; values that are not finite are left out.

    Args:
      figures: metrics by their names in metrics.csv. `loss` and `val_loss` become `epoch_loss` of train and of val,
        as with Keras' own callback, `val_iou_road` becomes `iou/road`.
    """
    splits: dict[str, dict[str, float]] = {split: {} for split in SPLITS}
    for name, value in figures.items():
        if name.startswith("val_iou_"):
            split, tag = "val", f"iou/{name.removeprefix('val_iou_')}"
        else:
            split, tag = "val" if name.startswith("val_") else "train", f"epoch_{name.removeprefix('val_')}"
        if name != "epoch" and math.isfinite(value):
            splits[split][tag] = float(value)
    return splits


class EventWriter:
    """Writes one new event file; earlier files of the same curve stay, and TensorBoard reads them first.

    Attributes:
      path: path of the file.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        """Starts the file.

        Args:
          folder: folder of the curve.
          first_step: first step of the file. TensorBoard discards it and all later steps of earlier files: a killed run
            may have written more epochs than it resumes from.

        Raises:
          MachineError: the file cannot be written.
        """
        self._event_pb2: Any = import_module("tensorboard.compat.proto.event_pb2")
        records: Any = import_module("tensorboard.summary.writer.record_writer")
        # TensorBoard reads the files with "tfevents" in their names in the order of their names.
        self.path = folder / f"events.out.tfevents.{time.time_ns():020d}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb")
        except OSError as error:
            raise write_error(self.path, error) from error
        self._records = records.RecordWriter(self._file)
        start = self._event_pb2.SessionLog(status=self._event_pb2.SessionLog.START)
        self._write(file_version="brain.Event:2")
        self._write(step=first_step, session_log=start)

    def scalars(self, step: int, figures: Mapping[str, float]) -> None:
        """Writes the value of each tag.

        Raises:
          MachineError: the file cannot be written.
        """
        self._write(step=step, summary={"value": [{"tag": tag, "simple_value": v} for tag, v in figures.items()]})

    def image(self, step: int, tag: str, png: bytes) -> None:
        """Writes an image, given as the bytes of a PNG file.

        Raises:
          MachineError: the file cannot be written.
        """
        width, height = Image.open(io.BytesIO(png)).size
        image = {"width": width, "height": height, "colorspace": 3, "encoded_image_string": png}
        self._write(step=step, summary={"value": [{"tag": tag, "image": image}]})

    def close(self) -> None:
        """Closes the file. It is also complete after every other call."""
        self._file.close()

    def _write(self, **content: Any) -> None:
        event = self._event_pb2.Event(wall_time=time.time(), **content)
        try:
            self._records.write(event.SerializeToString())
            self._records.flush()
        except OSError as error:
            raise write_error(self.path, error) from error


class TensorBoardLog(keras.callbacks.Callback):
    """Writes the metrics that EpochScores put into `logs`, and images of the run folder; comes after those callbacks.

    Attributes:
      run: run folder.
      pictures: names of PNG files in it, which are redrawn every epoch; a missing one is left out.
    """

    def __init__(self, run: Path, pictures: tuple[str, ...] = (PREDICTIONS,)) -> None:
        super().__init__()
        self.run = run
        self.pictures = pictures
        self._writers: dict[str, EventWriter] = {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the event files before the first epoch, which is a later one in a resumed run."""
        if not self._writers:
            self._writers = {split: EventWriter(self.run / FOLDER / split, epoch + 1) for split in SPLITS}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any]) -> None:
        """Writes the epoch."""
        for split, figures in by_split(logs).items():
            self._writers[split].scalars(epoch + 1, figures)
        for name in self.pictures:
            if (path := self.run / name).is_file():
                self._writers["val"].image(epoch + 1, path.stem, path.read_bytes())

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Closes the files."""
        for writer in self._writers.values():
            writer.close()
        self._writers = {}
