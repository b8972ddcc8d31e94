"""The table of optimizers: each builds with its own options."""

from __future__ import annotations

from pkgutil import resolve_name

import pytest
from trainer_fixtures import NEEDS_TF

from trainer.choices.optimizers import OPTIMIZERS

pytestmark = NEEDS_TF


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_takes_its_options_and_a_weight_decay_where_it_says_so(name):
    import trainer.backend  # noqa: F401 - a quiet start

    row = OPTIMIZERS[name]
    decay = {"weight_decay": 0.5} if row.has_weight_decay else {}
    config = resolve_name(row.builder)(**row.options, **decay).get_config()
    assert config.items() >= (row.options | decay).items()
