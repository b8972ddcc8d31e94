"""The table of losses and class weights: every name resolves to a function."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest
from trainer_fixtures import NEEDS_TF

from trainer.choices.losses import CLASS_WEIGHTS, LOSSES

pytestmark = NEEDS_TF


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_has_a_part_and_is_smoothed_only_where_it_has_one_over_pixels(name):
    row = LOSSES[name]
    parts = [part for part in (row.pixel, row.region) if part is not None]
    assert parts
    assert all(callable(resolve_name(part)) for part in parts)
    assert row.is_weighted or not row.is_smoothed


def test_only_none_weighs_nothing():
    assert [name for name, spec in CLASS_WEIGHTS.items() if spec is None] == ["none"]
    assert all(callable(resolve_name(spec)) for spec in CLASS_WEIGHTS.values() if spec)
