"""Config: the fraction of val is one, and 0 workers are one for each CPU."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.annotations.config import MasksConfig
from converter.errors import UsageError
from converter.system.cpus import usable_cpus


@pytest.mark.parametrize("val", [-0.1, 1.0, float("nan")])
def test_a_fraction_of_val_is_within_0_and_1(val):
    with pytest.raises(UsageError, match="--val"):
        MasksConfig(Path("a"), val=val)


def test_0_workers_are_one_for_each_cpu():
    assert MasksConfig(Path("a")).num_workers == usable_cpus()
    assert MasksConfig(Path("a"), workers=3).num_workers == 3
