"""Training on windows of records of several sizes, and for a given time, from records to scores."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import time

import numpy as np
import pytest
from PIL import Image
from trainer_fixtures import NEEDS_TF, stored_pairs, write_records

from converter.errors import UsageError
from converter.schema import IGNORE_INDEX
from trainer.choices.augments import AUGMENTS
from trainer.config import TrainConfig
from trainer.input.reading import InputConfig

pytestmark = NEEDS_TF

SIZES = ((40, 70), (64, 33), (20, 90))


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("windows") / "records"
    return folder, write_records(folder, *SIZES, records={"train": [7, 5], "val": [3, 2]})


@pytest.mark.parametrize("cache", ["on", "off"])
def test_records_of_several_sizes_are_padded_to_the_largest_and_come_with_their_own(records, cache):
    from trainer.input.batches import eval_batches, train_batches

    folder, manifest = records
    config = InputConfig(manifest, folder, "train", batch=5, cache=cache)
    assert config.size == (64, 90)
    whole = stored_pairs(folder, manifest, "train")
    assert len(whole) == 12
    for batches in (eval_batches(config), train_batches(config, seed=1, epochs=2)):
        seen = []
        for (batch,) in batches.dataset:
            image, mask, size = (batch[key].numpy() for key in ("image", "mask", "size"))
            assert image.shape == (5, 64, 90, 3) and mask.shape == (5, 64, 90) and size.shape == (5, 2)
            for one, its_mask, (height, width) in zip(image, mask, size.astype(int), strict=True):
                seen.append((one[:height, :width].tobytes(), its_mask[:height, :width].tobytes()))
                its_mask[:height, :width], one[:height, :width] = IGNORE_INDEX, 127
                assert (its_mask == IGNORE_INDEX).all() and (one == 127).all()
        blank = (np.zeros((64, 90, 3), np.uint8).tobytes(), np.full((64, 90), IGNORE_INDEX, np.uint8).tobytes())
        assert set(seen) - {blank} <= set(whole)
        assert len(set(seen) - {blank}) >= 10


def test_the_largest_size_is_found_where_the_manifest_lists_none(tmp_path):
    manifest = write_records(tmp_path / "records", *SIZES, records={"train": [4]}, listed=False)
    assert InputConfig(manifest, tmp_path / "records", "train", batch=2).size == (64, 90)


def test_a_run_on_windows_is_scored_on_every_valid_pixel_of_whole_records(records, tmp_path):
    from trainer.evaluation import evaluate
    from trainer.training import train

    folder, manifest = records
    strengths = dataclasses.replace(AUGMENTS["light"], zoom=1.0, class_windows=0.5)
    config = TrainConfig(
        folder, tmp_path / "runs", model="unet_small", crop="32x48", epochs=2, batch=4, strengths=strengths, tta="flips"
    )
    report = train(config)
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


def test_without_windows_records_of_several_sizes_are_refused_with_both_ways_out(records, tmp_path):
    from trainer.setup import prepare

    with pytest.raises(UsageError, match=r"--size HEIGHTxWIDTH, or train on windows: segconv train --crop 256x256\."):
        prepare(TrainConfig(records[0], tmp_path / "runs", model="unet_small"))


@pytest.fixture
def small(tmp_path):
    write_records(tmp_path / "records", records={"train": [8], "val": [2]})
    return TrainConfig(tmp_path / "records", tmp_path / "runs", model="unet_small", batch=4)


def test_a_time_becomes_as_many_epochs_as_fit_in_nine_tenths_of_it(small, monkeypatch):
    import trainer.timing
    from trainer.setup import prepare

    setup = prepare(dataclasses.replace(small, time="1m", warmup=2))
    monkeypatch.setattr(trainer.timing, "seconds_per_epoch", lambda _: 7.0)
    for spent, epochs in ((0, 7), (13, 5), (100, 1)):
        fitted = trainer.timing.fit_to_time(setup, time.monotonic() - spent).config
        assert (fitted.epochs, fitted.time, fitted.warmup) == (epochs, None, min(2, epochs - 1))


def test_a_run_for_a_time_is_repeated_exactly_by_its_config(small):
    from trainer.run.info import read_run
    from trainer.training import train

    first = train(dataclasses.replace(small, time="4s"))
    config = read_run(first.run).config
    assert config.time is None and config.epochs >= 1
    second = train(config)
    for left, right in itertools.zip_longest(*map(scores_of, (first.run, second.run))):
        assert left == right


def scores_of(run) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as file:
        return [
            {key: value for key, value in row.items() if "seconds" not in key and "wait" not in key}
            for row in csv.DictReader(file)
        ]


def test_the_seconds_of_an_epoch_are_those_of_its_steps_and_its_validation(small):
    import trainer.timing
    from trainer.setup import prepare

    setup = prepare(small)
    per_epoch = trainer.timing.seconds_per_epoch(setup)
    assert 0 < trainer.timing.seconds_per_step(setup) * setup.steps_per_epoch < 5 * per_epoch


@pytest.mark.parametrize(
    ("choices", "at_hand", "found"),
    [
        ({}, True, ("encoder_unet", "imagenet")),
        ({}, False, ("unet_small", "none")),
        ({"weights": "none"}, True, ("unet_small", "none")),
        ({"encoder": "mobilenetv2", "weights": "none"}, True, ("encoder_unet", "none")),
        ({"model": "unet_small"}, True, ("unet_small", "none")),
        ({"model": "fcn8s"}, True, ("fcn8s", "imagenet")),
    ],
)
def test_the_automatic_model_is_pretrained_where_weights_are_at_hand(small, monkeypatch, choices, at_hand, found):
    import trainer.setup

    monkeypatch.setattr(trainer.setup, "find_published", lambda name: small.data if at_hand else None)
    devices = trainer.setup.prepare_devices(small)
    config = trainer.setup._with_model(dataclasses.replace(small, **{"model": "auto", **choices}), devices)
    assert (config.model, config.weights) == found


def test_the_automatic_model_of_the_weights_of_a_run_is_that_of_the_run(small):
    import trainer.setup
    from trainer.run.runs import create_run

    manifest = trainer.setup.open_records(small.data, ("train",))
    run = create_run(dataclasses.replace(small, model="deeplabv3plus", encoder="mobilenetv2"), manifest)
    auto = dataclasses.replace(small, model="auto", weights=str(run / "best.keras"))
    config = trainer.setup._with_model(auto, trainer.setup.prepare_devices(small))
    assert (config.model, config.encoder, config.weights) == ("deeplabv3plus", "mobilenetv2", auto.weights)
