"""The augmentations: invalid strengths are refused, and every row is complete."""

from __future__ import annotations

import dataclasses
from pkgutil import resolve_name

import pytest

from converter.errors import UsageError
from trainer.choices.augments import AUGMENTATIONS, AUGMENTS, AugmentConfig


@pytest.mark.parametrize("name", [name for name, row in AUGMENTATIONS.items() if row.highest is not None])
def test_a_strength_beyond_its_limits_is_refused(name):
    highest = AUGMENTATIONS[name].highest
    AugmentConfig(**{name: highest})
    for strength in (highest * 1.01, -0.01, float("nan")):
        with pytest.raises(UsageError) as caught:
            AugmentConfig(**{name: strength})
        assert caught.value.where == f"--{name}"


def test_none_changes_nothing_and_only_views_from_above_are_turned_upside_down():
    assert AUGMENTS["none"] == AugmentConfig()
    assert [name for name, strengths in AUGMENTS.items() if strengths.flip_vertical or strengths.quarter_turns] == [
        "nadir"
    ]


def test_every_row_is_a_switch_or_a_strength_with_its_help_and_unit():
    for field in dataclasses.fields(AugmentConfig):
        row = AUGMENTATIONS[field.name]
        assert row.help.endswith(".")
        assert field.default is (False if row.highest is None else 0.0) or field.default == 0.0
        assert (row.highest is None) == (not row.unit)


@pytest.mark.tf
@pytest.mark.parametrize("name", [name for name, row in AUGMENTATIONS.items() if row.change])
def test_what_a_row_names_is_a_function(name):
    assert callable(resolve_name(AUGMENTATIONS[name].change))
