"""Timing: a time becomes a number of epochs, and the run is repeated by that."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import time

import pytest
from trainer_fixtures import NEEDS_TF, write_records

from converter.errors import UsageError
from trainer.config import TrainConfig

pytestmark = NEEDS_TF


@pytest.fixture
def small(tmp_path):
    write_records(tmp_path / "records", records={"train": [8], "val": [2]})
    return TrainConfig(tmp_path / "records", tmp_path / "runs", model="unet_small", batch=4)


def test_a_time_becomes_as_many_epochs_as_fit_in_nine_tenths_of_it(small, monkeypatch):
    import trainer.timing
    from trainer.setup import prepare

    setup = prepare(dataclasses.replace(small, time="1m", warmup=2))
    monkeypatch.setattr(trainer.timing, "FILES", 0.0)
    monkeypatch.setattr(trainer.timing, "seconds_per_epoch", lambda _: 7.0)
    for spent, epochs in ((0, 7), (13, 5), (100, 1)):
        fitted = trainer.timing.fit_to_time(setup, time.monotonic() - spent).config
        assert (fitted.epochs, fitted.time, fitted.warmup) == (epochs, None, min(2, epochs - 1))


def test_images_and_files_count_where_an_epoch_is_short_and_a_time_that_is_too_short_says_why(
    small, monkeypatch, caplog
):
    import trainer.timing
    from trainer.setup import prepare

    setup = prepare(dataclasses.replace(small, time="1m"))
    monkeypatch.setattr(trainer.timing, "seconds_per_epoch", lambda _: 0.8)
    assert trainer.timing.fit_to_time(setup, time.monotonic()).config.epochs == int(54 / 1.3)
    trainer.timing.fit_to_time(setup, time.monotonic() - 60)
    assert "--time 1m is too short: starting and timing took 60 s of it, and an epoch takes about 1 s." in caplog.text


def test_several_workers_cannot_choose_the_epochs_each_for_itself(small):
    from trainer.setup import prepare
    from trainer.timing import fit_to_time

    setup = prepare(dataclasses.replace(small, time="1m"))
    setup = dataclasses.replace(setup, devices=dataclasses.replace(setup.devices, num_workers=2))
    with pytest.raises(UsageError, match=r"--time: is 1m, but each of 2 workers would choose .* Pass --epochs"):
        fit_to_time(setup, time.monotonic())


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
