"""TrainConfig: the recipe of the tutorial, options without effect, and invalid ones, which are refused."""

from __future__ import annotations

import dataclasses

import pytest

from converter.errors import UsageError
from trainer.choices.augments import AUGMENTS, AugmentConfig
from trainer.choices.recipes import RECIPES
from trainer.config import SCHEDULE_NAMES, TrainConfig, of_recipe, parse_time, without_effect


def test_the_recipe_of_the_tutorial_is_the_tutorial():
    config = TrainConfig(**RECIPES["tutorial"].options)
    assert (config.model, config.epochs, config.batch, config.learning_rate) == ("resnet50_segnet", 50, 8, 1e-3)
    assert (config.optimizer, config.schedule, config.loss) == ("adam", "plateau", "crossentropy")
    assert (config.plateau_patience, config.stop_patience) == (5, 10)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("1.5h", 5400)])
def test_a_time_is_a_number_and_a_unit(text, seconds):
    assert parse_time(text) == seconds
    assert TrainConfig(time=text).time == text


def test_config_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().epochs = 3


@pytest.mark.parametrize(
    ("choice", "value"),
    [
        ("model", "vnet"),
        ("encoder", "resnet18"),
        ("loss", "hinge"),
        ("class_weights", "sqrt"),
        ("optimizer", "lion"),
        ("schedule", "step"),
        ("precision", "int8"),
        ("cache", "disk"),
        ("devices", "gpu"),
        ("devices", "cpu:"),
        ("devices", "0"),
        ("overfit", -1),
        ("warmup", -1),
        ("freeze", -1),
        ("encoder_rate", -0.1),
        ("encoder_rate", 1.1),
        ("encoder_rate", float("nan")),
        ("aux_loss", -0.1),
        ("aux_loss", float("inf")),
        ("logit_adjustment", -0.1),
        ("logit_adjustment", 1.1),
        ("logit_adjustment", float("nan")),
        ("label_smoothing", 1.0),
        ("weight_decay", -0.1),
        ("clip_norm", float("nan")),
        ("ema", 1.0),
        ("augment", "heavy"),
        ("epochs", 0),
        ("batch", -1),
        ("plateau_patience", 0),
        ("stop_patience", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("learning_rate", float("inf")),
        ("seed", -1),
    ],
)
def test_a_senseless_choice_is_refused_with_its_option_and_value(choice, value):
    with pytest.raises(UsageError) as caught:
        TrainConfig(**{choice: value})
    assert caught.value.exit_code == 2
    assert caught.value.where == "--" + choice.replace("_", "-")
    assert repr(value) in caught.value.what


@pytest.mark.parametrize("choice", [{"model": "mine.nets:small"}, {"devices": "cpu:2"}, {"devices": "4"}])
def test_a_sound_choice_is_taken(choice):
    TrainConfig(**choice)


def test_an_optimizer_has_its_own_learning_rate():
    assert [TrainConfig(optimizer=name).learning_rate for name in ("adam", "adamw", "sgd")] == [1e-3, 1e-3, 0.01]
    assert TrainConfig(optimizer="sgd", learning_rate=0.5).learning_rate == 0.5
    assert dataclasses.replace(TrainConfig(), optimizer="sgd").learning_rate == 1e-3  # which is a choice by now


def test_options_without_effect_are_known():
    weighted = TrainConfig(class_weights="enet")
    for model in ("fcn8s", "package:function"):
        assert without_effect(TrainConfig(model=model))["aux_loss"] == f"--model {model}"
    assert without_effect(dataclasses.replace(weighted, optimizer="adamw")) == {}
    assert without_effect(weighted) == {"weight_decay": "--optimizer adam"}
    assert without_effect(TrainConfig())["logit_adjustment"] == "--class-weights none"
    poly = dataclasses.replace(weighted, optimizer="adamw", schedule="poly")
    assert without_effect(poly) == {"plateau_patience": "--schedule poly"}
    assert without_effect(TrainConfig(overfit=4))["rotation"] == "--overfit 4"
    assert without_effect(TrainConfig(batch=1))["copy_paste"] == "--batch 1"
    still = TrainConfig(augment="none", strengths=AugmentConfig(flip_horizontal=True))
    assert without_effect(still)["class_windows"] == "--zoom 0 and no --crop"
    assert without_effect(still)["omit"] == "all changes disabled"
    for turned in ({"quarter_turns": True}, {"rotation": 45}):  # an oblong record has room for a window of its height
        assert "class_windows" not in without_effect(dataclasses.replace(still, strengths=AugmentConfig(**turned)))
    windowed = dataclasses.replace(still, crop="64x64", strengths=AugmentConfig(noise=1))
    assert not {"class_windows", "omit"} & set(without_effect(windowed))


def test_a_recipe_is_its_options_unless_some_are_changed():
    default = of_recipe("default")
    assert (default.loss, default.aux_loss, default.augment) == ("crossentropy_dice", 0.4, "light")
    assert default.strengths == dataclasses.replace(AUGMENTS["light"], zoom=0.5, class_windows=0.5, translation=0.0)
    assert of_recipe("tutorial", epochs=3).strengths == AUGMENTS["light"]
    strong = of_recipe("default", augment="strong", batch=2)
    assert strong == dataclasses.replace(default, augment="strong", strengths=AUGMENTS["strong"], batch=2)


@pytest.mark.parametrize("schedule", SCHEDULE_NAMES)
def test_every_schedule_has_a_warm_up(schedule):
    assert TrainConfig(warmup=1, schedule=schedule).warmup == 1
