"""Options: what is refused before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.errors import UsageError
from trainer.prediction.options import PredictConfig, parse_scale


def test_a_scale_is_a_word_or_a_factor():
    assert [parse_scale(text) for text in ("auto", "fit", "0.5")] == ["auto", "fit", 0.5]


@pytest.mark.parametrize("text", ["half", "0", "-1", "nan", "inf", "65"])
def test_another_scale_is_refused(text):
    with pytest.raises(UsageError, match="expected auto, fit, or a factor within"):
        parse_scale(text)


@pytest.mark.parametrize(
    ("choices", "text"),
    [
        ({"save": ("index", "colour")}, "expected one or more of index, color, overlay, confidence"),
        ({"save": ()}, "expected one or more of"),
        ({"pixel_size": 0.0}, "expected a number of metres above 0"),
        ({"scale": "x"}, "expected auto, fit"),
    ],
)
def test_options_that_mean_nothing_are_refused(choices, text):
    with pytest.raises(UsageError, match=text):
        PredictConfig(Path("run"), ("photos",), Path("out"), **choices)
