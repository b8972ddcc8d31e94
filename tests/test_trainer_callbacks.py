"""The end of an epoch: what is kept, and when training ends."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.errors import UsageError

pytestmark = NEEDS_TF


class FakeTrainer:
    """Stands for a SegTrainer whose confusion matrix and saved model are given."""

    def __init__(self, matrix: list[list[int]]) -> None:
        self.cells = np.array(matrix)
        self.confusion = SimpleNamespace(matrix=lambda: self.cells)
        self.optimizer = SimpleNamespace(learning_rate=0.01)
        self.net = SimpleNamespace(save=lambda path: path.write_text(str(self.cells.tolist())))
        self.stop_training = False


def scored(tmp_path, matrix=((4, 0), (0, 4))):
    from trainer.callbacks import EpochScores

    scores = EpochScores(tmp_path, ("road", "tree"), epochs=9)
    scores.set_model(FakeTrainer([list(row) for row in matrix]))
    return scores


def end_epoch(scores, epoch: int, loss: float = 1.0) -> dict[str, float]:
    logs = {"loss": loss, "val_loss": loss}
    scores.on_epoch_begin(epoch)
    scores.on_test_begin()
    scores.on_epoch_end(epoch, logs)
    return logs


def test_an_epoch_gives_all_figures_to_the_callbacks_behind_and_to_metrics_csv(tmp_path):
    scores = scored(tmp_path, [[3, 1], [0, 4]])
    logs = end_epoch(scores, 0)
    assert logs["val_miou"] == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert logs["val_iou_tree"] == pytest.approx(4 / 5)
    header, row = (tmp_path / "metrics.csv").read_text().splitlines()
    assert header == (
        "epoch,loss,pixel_accuracy,miou,val_loss,val_pixel_accuracy,val_miou,learning_rate,seconds,"
        "val_iou_road,val_iou_tree"
    )
    assert row.startswith("1,1,0.875,0.775,1,0.875,0.775,0.01,")


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_training_with_a_remedy(tmp_path, loss):
    with pytest.raises(UsageError, match=f"the loss of epoch 3 is {loss}.* smaller --learning-rate than 0.01"):
        end_epoch(scored(tmp_path), 2, loss)


def test_best_is_kept_and_worse_is_not(tmp_path):
    from trainer.callbacks import SaveBest

    scores = scored(tmp_path)
    best = SaveBest(scores)
    best.set_model(scores.model)
    for epoch, right in enumerate((1, 3, 2)):
        scores.model.cells = np.array([[right, 4 - right], [0, 4]])
        best.on_epoch_end(epoch, end_epoch(scores, epoch))
    assert best.epoch == 2
    assert (tmp_path / "best.keras").read_text() == "[[3, 1], [0, 4]]"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("losses", "mious", "stopped_after"),
    [
        ([5, 4, 3, 2, 1], [0.1] * 5, None),  # mIoU stands still, the loss falls
        ([1, 2, 3, 4, 5], [0.1, 0.2, 0.3, 0.4, 0.5], None),  # the loss rises, mIoU too
        ([1] * 5, [0.5] * 5, 3),
        ([1, 2, 0.5, 2, 2], [0.5] * 5, 5),  # progress starts the count again
    ],
)
def test_training_ends_when_neither_loss_nor_miou_gets_better(losses, mious, stopped_after):
    from trainer.callbacks import StopWithoutProgress

    stop = StopWithoutProgress(patience=2)
    stop.set_model(FakeTrainer([[1]]))
    ended = None
    for epoch, (loss, miou) in enumerate(zip(losses, mious, strict=True)):
        stop.on_epoch_end(epoch, {"val_loss": loss, "val_miou": miou})
        if stop.model.stop_training and ended is None:
            ended = epoch + 1
    assert ended == stopped_after


def test_the_bar_goes_to_stderr_and_leaves_nothing_behind(capsys):
    from trainer.callbacks import EpochBar

    bar = EpochBar()
    bar.set_params({"epochs": 2, "steps": 3})
    bar.on_epoch_begin(0)
    for batch in range(3):
        bar.on_train_batch_end(batch, {"loss": 0.5})
    bar.on_test_begin()
    out, err = capsys.readouterr()
    assert out == ""
    assert "epoch 1/2" in err
    assert err.endswith("\r")
