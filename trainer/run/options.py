"""Options: the options of a run against those of its recipe, and the command that repeats it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from typing import Any, NamedTuple

from trainer.choices.augments import AUGMENTS, AugmentConfig
from trainer.choices.recipes import DEFAULT_RECIPE, RECIPES
from trainer.config import TrainConfig

LEFT_OUT = ("data", "runs", "recipe", "strengths")  # where a run is and what it is called
STRENGTHS = tuple(field.name for field in dataclasses.fields(AugmentConfig))
# An option on the command line that changes what others are by default: these are then written out, too.
TOGETHER = {
    "optimizer": ("learning_rate",),
    "loss": ("class_weights", "label_smoothing"),
    "epochs": ("warmup",),
    "augment": (),
}


class Option(NamedTuple):
    """One option of a run.

    Attributes:
      name: as in the command line, without dashes before it.
      value: of the run.
      usual: of its recipe.
    """

    name: str
    value: Any
    usual: Any

    @property
    def is_changed(self) -> bool:
        """Whether the run differs from its recipe."""
        return bool(self.value != self.usual)


def recipe_of(config: TrainConfig) -> str:
    """Returns the name of the recipe that the options of a run are compared with."""
    return config.recipe if config.recipe in RECIPES else DEFAULT_RECIPE


def options_of(config: TrainConfig) -> list[Option]:
    """Returns all options of a run, in the order of the command line, those of the augmentation last."""
    usual = _usual(config)
    values = {name: value for name, value in vars(config).items() if name not in LEFT_OUT} | vars(config.strengths)
    return [Option(name.replace("_", "-"), value, usual[name]) for name, value in values.items()]


def words(value: Any) -> str:
    """Returns the value of an option as a text."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def repeat_command(config: TrainConfig) -> str:
    """Returns the command that trains once more with the same options: what differs from the recipe is written out."""
    changed = {option.name for option in options_of(config) if option.is_changed}
    for name, others in TOGETHER.items():
        if name in changed:
            changed |= {other.replace("_", "-") for other in others}
    parts = ["segconv train", f"--data {shlex.quote(str(config.data))}", f"--recipe {recipe_of(config)}"]
    parts += [text for option in options_of(config) if option.name in changed and (text := _text(option))]
    return " ".join(parts)


def changed_text(config: TrainConfig) -> str:
    """Returns the options that differ from the recipe, as on the command line, but for the model and its weights."""
    changed = (option for option in options_of(config) if option.is_changed and option.name not in ("model", "weights"))
    return " ".join(text for option in changed if (text := _text(option)))


def _text(option: Option) -> str:
    if option.name in {name.replace("_", "-") for name in STRENGTHS} and isinstance(option.value, bool):
        return f"--{option.name}" if option.value else f"--no-{option.name}"
    if isinstance(option.value, bool):
        return f"--{option.name}" if option.value else ""
    if option.value is None:
        return ""
    value = repr(option.value) if isinstance(option.value, float) else str(option.value)
    return f"--{option.name} {shlex.quote(value)}"


def _usual(config: TrainConfig) -> Mapping[str, Any]:
    """Returns the options of the recipe by name; its augmentation where the run has the same preset, else that."""
    recipe = RECIPES[recipe_of(config)].options
    usual: dict[str, Any] = {**vars(TrainConfig()), **recipe}
    strengths: dict[str, Any] = vars(AUGMENTS[config.augment])
    if config.augment == usual["augment"]:
        strengths = strengths | {name: recipe[name] for name in STRENGTHS if name in recipe}
    return {**usual, **strengths}
