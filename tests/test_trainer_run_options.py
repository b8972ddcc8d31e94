"""Options of a run: the command that repeats it is taken by click, and gives the same options."""

from __future__ import annotations

import dataclasses
import shlex
import sys
import types
from pathlib import Path

import pytest
from click.testing import CliRunner

from trainer.choices.augments import AUGMENTS
from trainer.choices.recipes import RECIPES
from trainer.cli.train import train
from trainer.config import TrainConfig
from trainer.run.options import STRENGTHS, changed_text, options_of, recipe_of, repeat_command, words


def of_recipe(name: str) -> TrainConfig:
    """Returns the config of a recipe as the command line makes it."""
    options = dict(RECIPES[name].options)
    strengths = {key: options.pop(key) for key in STRENGTHS if key in options}
    augment = options.get("augment", TrainConfig.augment)
    return TrainConfig(recipe=name, strengths=dataclasses.replace(AUGMENTS[augment], **strengths), **options)


def parsed(command: str, monkeypatch) -> TrainConfig:
    """Returns the config that the command line makes of a command; trains nothing."""
    seen = []

    def train_nothing(config, run):
        seen.append(config)
        return types.SimpleNamespace(run=Path("no/run"))

    module = types.ModuleType("trainer.training")
    module.train = train_nothing
    monkeypatch.setitem(sys.modules, "trainer.training", module)
    program, name, *rest = shlex.split(command)
    assert (program, name) == ("segconv", "train")
    CliRunner().invoke(train, rest, catch_exceptions=False)
    (config,) = seen
    return config


CONFIGS = {
    "default": of_recipe("default"),
    "tutorial": of_recipe("tutorial"),
    "older version, without a recipe": TrainConfig(model="unet_small"),
    "another loss": dataclasses.replace(of_recipe("default"), loss="lovasz", class_weights="none"),
    "another optimizer": dataclasses.replace(of_recipe("default"), optimizer="sgd", learning_rate=0.002),
    "few epochs": dataclasses.replace(of_recipe("default"), epochs=1, warmup=0),
    "few epochs and no warm-up": dataclasses.replace(of_recipe("default"), epochs=7, warmup=0),
    "another preset": dataclasses.replace(of_recipe("default"), augment="nadir", strengths=AUGMENTS["nadir"]),
    "a preset and a strength": dataclasses.replace(
        of_recipe("best"),
        augment="nadir",
        strengths=dataclasses.replace(AUGMENTS["nadir"], hue=7.5, flip_vertical=False),
    ),
    "the preset's own strengths": dataclasses.replace(of_recipe("default"), strengths=AUGMENTS["light"]),
    "everything else": dataclasses.replace(
        of_recipe("default"),
        data=Path("a folder/records"),
        model="encoder_unet",
        encoder="mobilenetv2",
        weights="none",
        crop="64x96",
        batch=3,
        seed=5,
        ema=0.99,
        deterministic=True,
        tensorboard=True,
        tta="flips",
        learning_rate=0.0012345678901,
        stop_patience=99,
    ),
}


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_command_repeats_every_option_of_the_run(config, monkeypatch):
    found = parsed(repeat_command(config), monkeypatch)
    assert dataclasses.replace(found, recipe=config.recipe) == config


def test_only_what_differs_from_the_recipe_is_written_out():
    assert repeat_command(of_recipe("default")) == "segconv train --data records --recipe default"
    changed = [option.name for option in options_of(CONFIGS["another optimizer"]) if option.is_changed]
    assert changed == ["optimizer"]


def test_what_differs_is_told_without_the_model_that_was_chosen():
    assert changed_text(of_recipe("default")) == ""
    config = dataclasses.replace(of_recipe("best"), model="unet_small", weights="none", loss="dice", batch=4)
    strengths = dataclasses.replace(config.strengths, flip_vertical=True)
    told = changed_text(dataclasses.replace(config, strengths=strengths, class_weights="none"))
    assert told == "--batch 4 --loss dice --class-weights none --flip-vertical"


def test_an_unknown_recipe_counts_as_the_default_one():
    assert recipe_of(TrainConfig()) == "default"
    assert [words(value) for value in (None, True, False, 0.5, "x", 3)] == ["none", "yes", "no", "0.5", "x", "3"]
