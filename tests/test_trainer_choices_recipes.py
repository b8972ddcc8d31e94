"""Recipes: their options are those of a run, and their text is a command line."""

from __future__ import annotations

import pytest

from trainer.choices.recipes import DEFAULT_RECIPE, RECIPES, options_text
from trainer.cli.train import train


@pytest.mark.parametrize("name", RECIPES)
def test_the_text_of_a_recipe_gives_its_options(name):
    context = train.make_context("train", options_text(name).split())
    assert {option: context.params[option] for option in RECIPES[name].options} == RECIPES[name].options


def test_the_default_recipe_is_one_of_them():
    assert DEFAULT_RECIPE in RECIPES
    assert options_text(DEFAULT_RECIPE).startswith("--loss crossentropy_dice --class-weights enet --logit-adjustment ")
