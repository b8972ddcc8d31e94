"""Recipes: named sets of training options, `segconv train --recipe NAME`. Any single option overrides its part.

To add one, write one line in RECIPES; options that it does not name have their defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """One recipe.

    Attributes:
      help: what it is for.
      options: the options that differ from the defaults, by the names of TrainConfig and AugmentConfig.
    """

    help: str
    options: Mapping[str, Any] = field(default_factory=dict)


DEFAULT_RECIPE = "default"
_MEASURED = {
    "loss": "crossentropy_dice",
    "class_weights": "enet",
    "logit_adjustment": 0.75,
    "aux_loss": 0.4,
    "learning_rate": 2e-3,
    "schedule": "cosine",
    "warmup": 1,
    "stop_patience": 20,  # the rate falls to the end of the run, and the score rises with it
    "augment": "light",
    "zoom": 0.5,
    "class_windows": 0.5,
    "translation": 0.0,  # a window of an enlarged record is anywhere in it
}
RECIPES: dict[str, Recipe] = {
    "default": Recipe("the best that was measured", _MEASURED),
    "fast": Recipe("the same in 15 epochs", {**_MEASURED, "epochs": 15}),
    "best": Recipe(
        "three times as long, strong augmentation, test-time augmentation",
        # A good epoch early on would end a long run before its rate has fallen.
        {**_MEASURED, "epochs": 150, "stop_patience": 50, "augment": "strong", "tta": "scales"},
    ),
    # Its loss is per-pixel crossentropy: the binary crossentropy that it is written with scales with the batch.
    "tutorial": Recipe(
        "the tutorial to the letter",
        {
            "model": "resnet50_segnet",
            "epochs": 50,
            "batch": 8,
            "loss": "crossentropy",
            "class_weights": "none",
            "optimizer": "adam",
            "learning_rate": 1e-3,
            "schedule": "plateau",
            "plateau_patience": 5,
            "stop_patience": 10,
            "warmup": 0,
            "ema": 0.0,
            "augment": "light",
        },
    ),
}


def options_text(recipe: str) -> str:
    """Returns what a recipe stands for, as on the command line."""
    return " ".join(map(_option_text, RECIPES[recipe].options.items()))


def _option_text(option: tuple[str, Any]) -> str:
    name = option[0].replace("_", "-")
    if isinstance(option[1], bool):
        return f"--{name}" if option[1] else f"--no-{name}"
    return f"--{name} {option[1]}"
