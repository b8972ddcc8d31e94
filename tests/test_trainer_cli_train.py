"""The commands: their defaults and their output."""

from __future__ import annotations

import dataclasses
import json

import pytest
from click.testing import CliRunner
from trainer_fixtures import IGNORE_KERAS_COPY, write_records

from converter.dataset.manifest import ClassInfo, Manifest
from converter.errors import UsageError
from trainer.choices.augments import AUGMENTS, AugmentConfig
from trainer.choices.recipes import RECIPES
from trainer.cli.bench import bench
from trainer.cli.evaluate import evaluate
from trainer.cli.train import train
from trainer.config import TrainConfig
from trainer.run.runs import create_run

MANIFEST = Manifest("streets", (96, 128), "pad", (ClassInfo(0, "road", (1, 2, 3)),), {})


def test_every_choice_has_an_option():
    fields = {field.name for field in dataclasses.fields(TrainConfig)} - {"strengths"}
    strengths = {field.name for field in dataclasses.fields(AugmentConfig)}
    assert {option.name for option in train.params} == fields | strengths | {"config", "resume", "dry_run"}


def config_of(tmp_path, monkeypatch, *options: str) -> TrainConfig:
    """Returns the config that a command line results in."""
    import trainer.dry_run

    seen = []
    monkeypatch.setattr(trainer.dry_run, "dry_run", lambda config: seen.append(config) or "")
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(train, [*options, "--dry-run"], catch_exceptions=False)
    return seen[0]


def of_recipe(name: str, **choices) -> TrainConfig:
    """Returns the config that a recipe stands for."""
    options = RECIPES[name].options | choices
    known = {field.name for field in dataclasses.fields(AugmentConfig)} & options.keys()
    preset = AUGMENTS[options.get("augment", TrainConfig().augment)]
    strengths = dataclasses.replace(preset, **{key: options[key] for key in known})
    others = {key: value for key, value in options.items() if key not in known}
    return TrainConfig(recipe=name, strengths=strengths, **others)


@pytest.mark.tf
@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_what_its_table_says_and_any_option_overrides_it(tmp_path, monkeypatch, name):
    assert config_of(tmp_path, monkeypatch, "--recipe", name) == of_recipe(name)
    changed = config_of(tmp_path, monkeypatch, "--epochs", "7", "--recipe", name, "--model", "fcn8s")
    assert changed == of_recipe(name, epochs=7, model="fcn8s")


@pytest.mark.tf
def test_a_recipe_may_come_from_the_environment(monkeypatch):
    assert train.make_context("train", [], auto_envvar_prefix="X").params["model"] == "auto"
    monkeypatch.setenv("X_RECIPE", "tutorial")
    assert train.make_context("train", [], auto_envvar_prefix="X").params["model"] == "resnet50_segnet"


def test_the_default_recipe_is_used_without_a_name_and_shown_in_the_help(tmp_path, monkeypatch):
    assert config_of(tmp_path, monkeypatch) == of_recipe("default")
    shown = " ".join(CliRunner().invoke(train, ["--help"]).output.split())
    for name in ("class_weights", "schedule", "loss"):
        assert f"[default: {getattr(of_recipe('default'), name)}]" in shown.partition(f"--{name.replace('_', '-')}")[2]


@pytest.mark.tf
def test_a_loss_without_class_weights_does_without_those_of_a_recipe(tmp_path, monkeypatch):
    assert config_of(tmp_path, monkeypatch, "--loss", "dice").class_weights == "none"
    assert config_of(tmp_path, monkeypatch, "--loss", "dice", "--class-weights", "enet").class_weights == "enet"


@pytest.mark.tf
def test_of_few_epochs_one_is_left_after_the_warm_up_of_a_recipe(tmp_path, monkeypatch):
    assert [config_of(tmp_path, monkeypatch, "--epochs", epochs).warmup for epochs in ("1", "2", "9")] == [0, 1, 1]
    assert config_of(tmp_path, monkeypatch, "--epochs", "1", "--warmup", "1").warmup == 1  # refused by the schedule


@pytest.mark.parametrize(
    ("options", "option"),
    [
        (("--recipe", "best", "--config", "RUN"), "--recipe"),
        (("--config", "RUN", "--recipe", "best"), "--recipe"),
        (("--time", "30m", "--epochs", "3"), "--epochs"),
        (("--time", "soon"), "--time"),
        (("--time", "0s"), "--time"),
        (("--crop", "8x8"), "--crop"),
        (("--crop", "wide"), "--crop"),
    ],
)
def test_options_that_contradict_each_other_or_say_nothing_are_refused(tmp_path, options, option):
    run = create_run(TrainConfig(tmp_path / "records", tmp_path / "runs"), MANIFEST)
    with pytest.raises(UsageError) as caught:
        CliRunner().invoke(train, [str(run) if word == "RUN" else word for word in options], catch_exceptions=False)
    assert caught.value.where == option


@pytest.mark.tf
def test_a_strength_changes_the_preset_that_it_stands_beside(tmp_path, monkeypatch):
    config = config_of(tmp_path, monkeypatch, "--augment", "nadir", "--rotation", "30", "--no-flip-vertical")
    assert config.strengths == dataclasses.replace(AUGMENTS["nadir"], rotation=30.0, flip_vertical=False)
    assert config_of(tmp_path, monkeypatch, "--augment", "light").strengths == AUGMENTS["light"]
    changed = config_of(tmp_path, monkeypatch, "--rotation", "30").strengths
    assert changed == dataclasses.replace(of_recipe("default").strengths, rotation=30.0)


@pytest.mark.tf
def test_an_option_without_effect_is_a_warning_of_one_line(tmp_path, monkeypatch, caplog):
    chosen = ("--schedule", "poly", "--plateau-patience", "3", "--weight-decay", "0.1", "--omit", "0")
    config_of(tmp_path, monkeypatch, *chosen, "--augment", "none")
    assert [record.getMessage() for record in caplog.records] == [
        "--weight-decay has no effect with --optimizer adam.",
        "--plateau-patience has no effect with --schedule poly.",
    ]
    monkeypatch.setenv("X_WEIGHT_DECAY", "0.1")
    CliRunner().invoke(train, ["--dry-run"], auto_envvar_prefix="X", catch_exceptions=False)
    assert caplog.records.pop().getMessage() == "--weight-decay has no effect with --optimizer adam."
    assert config_of(tmp_path, monkeypatch, "--optimizer", "sgd").learning_rate == 0.01
    assert config_of(tmp_path, monkeypatch, "--optimizer", "sgd", "--learning-rate", "0.3").learning_rate == 0.3
    assert len(caplog.records) == 2


@pytest.mark.tf
def test_a_run_is_repeated_from_its_folder_and_options_change_it(tmp_path, monkeypatch):
    config = TrainConfig(
        tmp_path / "records", model="unet", batch=3, loss="dice", strengths=AugmentConfig(hue=7), deterministic=True
    )
    run = create_run(dataclasses.replace(config, runs=tmp_path / "old"), MANIFEST)
    for path in (run, run / "config.json"):
        assert config_of(tmp_path, monkeypatch, "--config", str(path)) == config
    changed = config_of(tmp_path, monkeypatch, "--config", str(run), "--batch", "5", "--noise", "2")
    assert changed == dataclasses.replace(config, batch=5, strengths=AugmentConfig(hue=7, noise=2))
    preset = config_of(tmp_path, monkeypatch, "--config", str(run), "--augment", "strong")
    assert preset.strengths == AUGMENTS["strong"]


def test_a_run_that_goes_on_cannot_be_changed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for options in (["--batch", "2"], ["--no-flip-vertical"], ["--dry-run"]):
        with pytest.raises(
            UsageError, match="cannot be used with --resume; only --epochs, --data, --cache and --runs can"
        ):
            CliRunner().invoke(train, ["--resume", *options], catch_exceptions=False)
    with pytest.raises(UsageError, match="holds no run"):
        CliRunner().invoke(train, ["--resume"], catch_exceptions=False)


def test_the_help_of_train_comes_in_parts():
    text = CliRunner().invoke(train, ["--help"]).output
    parts = ["Records and run:", "Model:", "Loss:", "Optimizer and schedule:", "Augmentation:", "Machine:"]
    assert [line for line in text.splitlines() if line in parts] == parts


@pytest.mark.parametrize("command", [train, evaluate, bench])
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
