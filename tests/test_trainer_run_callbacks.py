"""The end of an epoch: what is saved, and when training ends."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.errors import UsageError

pytestmark = NEEDS_TF


class FakeWait:
    """Replaces InputWait: a fixed number of seconds since the last call."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def take(self) -> float:
        """Returns the seconds."""
        return self.seconds


class FakeTrainer:
    """Replaces a SegTrainer: its confusion matrix and saved model are given."""

    def __init__(self, matrix: list[list[int]]) -> None:
        self.cells = np.array(matrix)
        self.confusion = SimpleNamespace(matrix=lambda: self.cells)
        self.finite_steps = SimpleNamespace(result=lambda: 5.0)
        self.loss = 1.0
        self.get_metrics_result = lambda: {"loss": self.loss}
        self.optimizer = SimpleNamespace(learning_rate=0.01, use_ema=False)
        self.net = SimpleNamespace(save=lambda path: path.write_text(str(self.cells.tolist())))
        self.stop_training = False


def scored(tmp_path, matrix=((4, 0), (0, 4)), waited=0.0):
    from trainer.run.callbacks import EpochScores

    scores = EpochScores(tmp_path, ("road", "tree"), 9, input_wait=FakeWait(waited))
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
        "epoch,loss,pixel_accuracy,miou,val_loss,val_pixel_accuracy,val_miou,learning_rate,input_wait,"
        "seconds,val_iou_road,val_iou_tree"
    )
    assert row.startswith("1,1,0.875,0.775,1,0.875,0.775,0.01,")


def test_waiting_for_input_is_told_once_with_a_remedy(tmp_path, caplog):
    scores = scored(tmp_path, waited=1e9)  # seconds, in an epoch of microseconds
    for epoch in range(2):
        assert end_epoch(scores, epoch)["input_wait"] > 0.1
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "waiting for records: put them on a local disk, pass --cache on" in warning


def bad_loss(tmp_path, num_devices=1):
    from trainer.run.callbacks import StopAtBadLoss

    stop = StopAtBadLoss(
        tmp_path,
        lambda epoch, step: [f"{epoch}-{step}-{i}.jpg" for i in range(2)],
        steps=9,
        learning_rate=0.04,  # which a schedule has reduced to 0.01
        num_devices=num_devices,
    )
    stop.set_model(FakeTrainer([[1]]))
    stop.on_epoch_begin(2)
    return stop


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_no_number_ends_training_and_names_the_records(tmp_path, loss):
    stop = bad_loss(tmp_path)
    with pytest.raises(UsageError) as caught:
        stop.on_train_batch_end(64, {"loss": loss})
    assert f"the loss is {loss} from step 6 of epoch 3 on" in caught.value.what
    assert "records 2-4-0.jpg, 2-4-1.jpg, 2-5-0.jpg, 2-5-1.jpg" in caught.value.what
    assert "smaller --learning-rate than 0.04, or" in caught.value.fix


def test_two_devices_count_their_steps_once(tmp_path):
    stop = bad_loss(tmp_path, num_devices=2)  # 3 finite steps on the one, 2 on the other
    stop.model.loss = float("nan")
    with pytest.raises(UsageError, match=r"from step 3 of epoch 3 on, with records 2-1-0\.jpg"):
        stop.on_test_begin()


def test_a_validation_loss_that_is_no_number_ends_training(tmp_path):
    with pytest.raises(UsageError, match="the validation loss of epoch 3 is nan"):
        bad_loss(tmp_path).on_epoch_end(2, {"val_loss": float("nan")})


def test_a_finite_loss_ends_nothing(tmp_path):
    stop = bad_loss(tmp_path)
    stop.on_train_batch_end(0, {"loss": 1.0})
    stop.on_test_begin()
    stop.on_epoch_end(2, {"val_loss": 1.0})
    assert not stop.model.stop_training


def test_what_a_callback_remembers_outlives_an_interruption(tmp_path, monkeypatch):
    import trainer.run.callbacks
    from trainer.backend import keras
    from trainer.run.callbacks import KeepState, StopWithoutProgress

    kept = []
    monkeypatch.setattr(trainer.run.callbacks, "state_arrays", lambda model, facts: facts)
    monkeypatch.setattr(trainer.run.callbacks, "write_state", lambda run, facts: kept.append(facts))
    stop, plateau = StopWithoutProgress(5), keras.callbacks.ReduceLROnPlateau(patience=7)
    keep = KeepState(tmp_path, [stop, plateau], {}, batch=4)
    for callback in (stop, keep):
        callback.set_model(FakeTrainer([[1]]))
    stop.on_epoch_end(0, {"val_loss": 0.5, "val_miou": 0.25})
    stop.on_epoch_end(1, {"val_loss": 0.5, "val_miou": 0.25})
    plateau.wait, plateau.best = 3, 0.125
    keep.on_epoch_end(1)
    keep.on_train_end()
    (facts,) = kept
    assert (facts["epoch"], facts["batch"], facts["stopped"]) == (2, 4, False)

    stop, plateau = StopWithoutProgress(5), keras.callbacks.ReduceLROnPlateau(patience=7)
    plateau.on_train_begin()
    KeepState(tmp_path, [stop, plateau], facts, batch=4).on_train_begin()
    assert (stop.best_loss, stop.best_miou, stop.waited, plateau.wait, plateau.best) == (0.5, 0.25, 1, 3, 0.125)


def test_a_state_is_written_while_training_goes_on_and_each_is_that_of_its_epoch(tmp_path, monkeypatch):
    import trainer.run.callbacks
    from converter.errors import MachineError
    from trainer.backend import keras
    from trainer.run.callbacks import KeepState

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.optimizer.build(model.trainable_variables)
    may_write, written = threading.Event(), []

    def write(run, arrays) -> None:
        assert may_write.wait(60)
        written.append(arrays["v1"][0])
        if len(written) == 2:
            raise MachineError(run, "disk full", "Free some.", "E_WRITE")

    monkeypatch.setattr(trainer.run.callbacks, "write_state", write)
    keep = KeepState(tmp_path, [], {}, batch=4)
    keep.set_model(model)
    bias = model.variables[1]
    bias.assign([1.0])
    keep.on_epoch_end(0)
    bias.assign([2.0])  # the next epoch trains on
    assert written == []
    may_write.set()
    keep.on_epoch_end(1)
    assert written[0] == 1.0
    with pytest.raises(MachineError, match="disk full"):  # in the thread that trains
        keep.on_train_end()
    keep.close()
    assert written == [1.0, 2.0]


def test_the_seconds_of_an_epoch_are_all_since_the_row_before(tmp_path, monkeypatch):
    import trainer.run.callbacks

    now = [0.0]
    monkeypatch.setattr(trainer.run.callbacks.time, "monotonic", lambda: now[0])
    scores = scored(tmp_path)
    scores.on_train_begin()
    now[0] += 2  # the first epoch
    assert end_epoch(scores, 0)["seconds"] == 2
    now[0] += 11.5  # images and state
    scores.on_epoch_begin(1)
    now[0] += 3
    assert end_epoch(scores, 1)["seconds"] == 14.5


def test_a_plateau_is_counted_after_the_warm_up():
    from trainer.backend import keras
    from trainer.run.callbacks import REMEMBERED, ReduceLROnPlateau

    plateau = ReduceLROnPlateau(patience=1, warmup=3)
    assert ReduceLROnPlateau.__name__ in REMEMBERED  # also the name in the states of older runs
    plateau.set_model(SimpleNamespace(optimizer=keras.optimizers.SGD(0.5)))
    plateau.on_train_begin()
    rates = []
    for epoch in range(6):
        plateau.on_epoch_end(epoch, {"val_loss": 1.0})
        rates.append(float(plateau.model.optimizer.learning_rate))
    assert rates == [0.5, 0.5, 0.5, 0.5, 0.25, 0.125]


def test_the_encoder_is_frozen_in_the_first_epochs_also_of_a_run_that_goes_on():
    from trainer.run.callbacks import FreezeEncoder

    frozen = []
    callback = FreezeEncoder(2)
    callback.set_model(SimpleNamespace(freeze_encoder=frozen.append))
    for epoch in range(1, 4):
        callback.on_epoch_begin(epoch)
    assert frozen == [True, False, False]


def test_best_is_kept_and_worse_is_not(tmp_path):
    from trainer.run.callbacks import SaveBest

    scores = scored(tmp_path)
    best = SaveBest(scores)
    best.set_model(scores.model)
    for epoch, right in enumerate((1, 3, 2, 3)):
        scores.model.cells = np.array([[right, 4 - right], [0, 4]])
        best.on_epoch_end(epoch, end_epoch(scores, epoch))
    assert best.epoch == 2
    assert (tmp_path / "best.keras").read_text() == "[[3, 1], [0, 4]]"
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("losses", "mious", "stopped_after"),
    [
        ([5, 4, 3, 2, 1], [0.1] * 5, None),  # mIoU stagnates, the loss falls
        ([1, 2, 3, 4, 5], [0.1, 0.2, 0.3, 0.4, 0.5], None),  # the loss rises, mIoU too
        ([1] * 5, [0.5] * 5, 3),
        ([1, 2, 0.5, 2, 2], [0.5] * 5, 5),  # progress restarts the count
    ],
)
def test_training_ends_when_neither_loss_nor_miou_gets_better(losses, mious, stopped_after):
    from trainer.run.callbacks import StopWithoutProgress

    stop = StopWithoutProgress(patience=2)
    stop.set_model(FakeTrainer([[1]]))
    ended = None
    for epoch, (loss, miou) in enumerate(zip(losses, mious, strict=True)):
        stop.on_epoch_end(epoch, {"val_loss": loss, "val_miou": miou})
        if stop.model.stop_training and ended is None:
            ended = epoch + 1
    assert ended == stopped_after


def test_the_bar_goes_to_stderr_and_leaves_nothing_behind(capsys):
    from trainer.run.callbacks import EpochBar

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


def test_the_bar_reads_the_loss_twice_a_second_and_not_every_step():
    from trainer.run.callbacks import EpochBar

    class Loss(float):
        reads = 0

        def __format__(self, spec: str) -> str:
            Loss.reads += 1
            return super().__format__(spec)

    now = [0.0]
    bar = EpochBar(clock=lambda: now[0])
    bar.set_params({"epochs": 1, "steps": 200})
    bar.on_epoch_begin(0)
    for batch in range(200):  # of 10 ms each
        bar.on_train_batch_end(batch, {"loss": Loss(0.5)})
        now[0] += 0.01
    bar.close()
    assert 3 <= Loss.reads <= 5
