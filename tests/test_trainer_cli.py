"""The commands: their defaults, and what they print where."""

from __future__ import annotations

import dataclasses
import json

import pytest
from click.testing import CliRunner
from trainer_fixtures import IGNORE_KERAS_COPY, write_records

from trainer.cli import evaluate, train
from trainer.config import TrainConfig


def test_every_choice_has_an_option_with_the_default_of_the_config():
    options = {option.name: option.default for option in train.params}
    assert options == {field.name: field.default for field in dataclasses.fields(TrainConfig)}


@pytest.mark.parametrize("command", [train, evaluate])
def test_help_is_one_sentence_and_an_example(command):
    text = CliRunner().invoke(command, ["--help"]).output
    first = command.help.partition("\n")[0]
    assert len(first) < 60
    assert first.endswith(".")
    assert f"Example:\n    segconv {command.name}" in text
    assert "[default: " in text


@pytest.mark.tf
@IGNORE_KERAS_COPY
def test_train_prints_the_run_and_evaluate_finds_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [4], "val": [2]})
    runner = CliRunner()
    trained = runner.invoke(train, ["--model", "unet_small", "--epochs", "1"], catch_exceptions=False)
    (run,) = (tmp_path / "runs").iterdir()
    assert trained.stdout == f"runs/{run.name}\n"
    answer = runner.invoke(evaluate, ["--json"], catch_exceptions=False)
    assert json.loads(answer.stdout)["run"] == f"runs/{run.name}"
    table = runner.invoke(evaluate, [str(run)], catch_exceptions=False)
    assert "mIoU" in table.stdout
