"""Event files, read back by TensorBoard's own reader."""

from __future__ import annotations

import io
import math
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.errors import MachineError, UsageError

pytestmark = NEEDS_TF
needs_tensorboard = pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
WRITERS = ("tensorboard.compat.proto.event_pb2", "tensorboard.summary.writer.record_writer")


def logs(epoch: int, loss: float) -> dict[str, float]:
    """Returns the logs of EpochScores for two classes, one of which occurs in no record."""
    return {
        "epoch": epoch,
        "loss": loss,
        "val_loss": loss + 1,
        "miou": 0.5,
        "val_miou": 0.25,
        "learning_rate": 1e-3,
        "val_iou_traffic light": 0.125,
        "val_iou_tree": math.nan,
    }


def write_run(run, epochs, loss: float) -> None:
    """Writes the epochs, counted from 0 as Keras does."""
    from trainer.run.tensorboard import TensorBoardLog

    log = TensorBoardLog(run)
    for epoch in epochs:
        log.on_epoch_begin(epoch)
        log.on_epoch_end(epoch, logs(epoch + 1, loss))
    log.on_train_end()


def read_back(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0}).Reload()


def steps_and_values(reader, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in reader.Scalars(tag)]


def draw_png(value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((3, 5, 3), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def test_figures_become_the_by_split_training_and_of_validation():
    from trainer.run.tensorboard import by_split

    assert by_split(logs(7, 2.0)) == {
        "train": {"epoch_loss": 2.0, "epoch_miou": 0.5, "epoch_learning_rate": 1e-3},
        "val": {"epoch_loss": 3.0, "epoch_miou": 0.25, "iou/traffic light": 0.125},
    }


@pytest.mark.parametrize("missing", WRITERS)
def test_without_tensorboard_one_line_says_what_to_install(monkeypatch, missing):
    from trainer.run.tensorboard import require_tensorboard

    monkeypatch.setitem(sys.modules, missing, None)  # as if it were not installed
    with pytest.raises(UsageError, match=r"^--tensorboard: .*pip install 'segconv\[tensorboard\]'$") as caught:
        require_tensorboard()
    assert caught.value.code == "E_NO_TENSORBOARD"


@needs_tensorboard
def test_with_tensorboard_nothing_is_said():
    from trainer.run.tensorboard import require_tensorboard

    require_tensorboard()


@needs_tensorboard
def test_tensorboard_reads_the_figures_of_every_epoch(tmp_path):
    write_run(tmp_path, range(3), loss=0.5)
    train, val = (read_back(tmp_path / "tensorboard" / curve) for curve in ("train", "val"))
    assert steps_and_values(train, "epoch_loss") == [(1, 0.5), (2, 0.5), (3, 0.5)]
    assert steps_and_values(val, "epoch_loss") == [(1, 1.5), (2, 1.5), (3, 1.5)]
    assert sorted(train.Tags()["scalars"]) == ["epoch_learning_rate", "epoch_loss", "epoch_miou"]
    assert sorted(val.Tags()["scalars"]) == ["epoch_loss", "epoch_miou", "iou/traffic light"]


@needs_tensorboard
def test_a_run_that_goes_on_replaces_the_epochs_behind_its_saved_state(tmp_path):
    write_run(tmp_path, range(5), loss=0.5)
    write_run(tmp_path, range(3, 6), loss=0.25)
    reader = read_back(tmp_path / "tensorboard" / "train")
    assert steps_and_values(reader, "epoch_loss") == [(1, 0.5), (2, 0.5), (3, 0.5), (4, 0.25), (5, 0.25), (6, 0.25)]


@needs_tensorboard
def test_tensorboard_reads_each_picture_as_it_lay_in_the_run_folder(tmp_path):
    from trainer.run.tensorboard import TensorBoardLog

    log = TensorBoardLog(tmp_path, ("predictions.png", "curves.png"))
    for epoch in range(3):
        log.on_epoch_begin(epoch)
        if epoch:  # not drawn yet after the first
            (tmp_path / "predictions.png").write_bytes(draw_png(epoch))
        log.on_epoch_end(epoch, logs(epoch + 1, 1.0))
    log.on_train_end()
    reader = read_back(tmp_path / "tensorboard" / "val")
    assert reader.Tags()["images"] == ["predictions"]
    images = reader.Images("predictions")
    assert [(i.step, i.height, i.width) for i in images] == [(2, 3, 5), (3, 3, 5)]
    assert [i.encoded_image_string for i in images] == [draw_png(1), draw_png(2)]


@needs_tensorboard
def test_an_epoch_can_be_seen_before_the_run_ends(tmp_path):
    from trainer.run.tensorboard import TensorBoardLog

    log = TensorBoardLog(tmp_path)
    log.on_epoch_begin(0)
    log.on_epoch_end(0, logs(1, 0.5))
    assert steps_and_values(read_back(tmp_path / "tensorboard" / "train"), "epoch_loss") == [(1, 0.5)]
    log.on_train_end()


@needs_tensorboard
def test_tensorflow_reads_the_same_events_with_checksums(tmp_path):
    from tensorboard.compat.proto.event_pb2 import Event

    from trainer.backend import tf
    from trainer.run.tensorboard import EventWriter

    writer = EventWriter(tmp_path, 4)
    writer.scalars(4, {"epoch_loss": 0.75})
    writer.close()
    version, start, epoch = (Event.FromString(e.numpy()) for e in tf.data.TFRecordDataset(str(writer.path)))
    assert version.file_version == "brain.Event:2"
    assert (start.step, start.session_log.status) == (4, start.session_log.START)
    assert (epoch.step, epoch.summary.value[0].tag, epoch.summary.value[0].simple_value) == (4, "epoch_loss", 0.75)


@needs_tensorboard
def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    from trainer.run.tensorboard import EventWriter

    (tmp_path / "tensorboard").write_text("a file of that name")
    with pytest.raises(MachineError, match="cannot be written"):
        EventWriter(tmp_path / "tensorboard" / "train", 1)


@needs_tensorboard
def test_a_full_disk_is_one_line(tmp_path):
    from trainer.run.tensorboard import EventWriter

    writer = EventWriter(tmp_path, 1)
    full = open("/dev/full", "wb")  # noqa: SIM115, PTH123 - closed below
    writer._records._writer = full
    with pytest.raises(MachineError, match="No space left on device"):
        writer.scalars(1, {"epoch_loss": 1.0})
    writer.close()
    with pytest.raises(OSError, match="No space left"):
        full.close()
