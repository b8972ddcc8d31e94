"""Split plan: options that make no sense are refused, and shares are those of pixels."""

from __future__ import annotations

import pytest
from divided_pairs import divided, pair

from converter.checking.split_plan import SplitConfig
from converter.errors import UsageError


def test_shares_of_classes_are_those_of_pixels():
    facts = [pair("a", {0: 60, 1: 40}), pair("b", {0: 100})]
    plan = divided(facts, SplitConfig(val=0.5))
    assert plan.classes == ("0", "1")
    assert plan.class_shares() == (0.8, 0.2)
    assert sorted(plan.class_shares(split) for split in plan.refs) == [(0.6, 0.4), (1.0, 0.0)]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"val": 0.0}, "--val"),
        ({"val": 1.0}, "--val"),
        ({"val": float("nan")}, "--val"),
        ({"test": -0.1}, "--test"),
        ({"val": 0.5, "test": 0.5}, "leaves none to train on"),
        ({"group": "("}, "is not a regular expression"),
        ({"group": "a\nb"}, "that a line of a list cannot hold"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, word):
    with pytest.raises(UsageError, match=word):
        SplitConfig(**options)
