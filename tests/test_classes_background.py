"""Background: which class an image without a mask is."""

from __future__ import annotations

import pytest

from converter.classes.background import missing_index
from converter.classes.class_map import ClassMap
from converter.errors import UsageError
from converter.schema import IGNORE_INDEX


def classes(*names, default=None):
    return ClassMap(names, {number: number for number in range(len(names))}, {}, {}, default=default)


@pytest.mark.parametrize(("found", "expected"), [
    (classes("background", "road"), 0),
    (classes("road", "Background"), 1),
    (classes("_background_", "pea"), 0),
    (classes("road", "other", default=1), 1),
    (classes("road", "background", default=IGNORE_INDEX), 1),
])  # fmt: skip
def test_background_is_the_class_of_that_name_or_of_the_row_for_everything_else(found, expected):
    assert missing_index(found, "background") == expected


@pytest.mark.parametrize("found", [
    classes("road", "tree"),  # class 0 is a class like any other
    classes("road", "tree", default=IGNORE_INDEX),
    classes("bg", "background"),
])  # fmt: skip
def test_without_one_background_nothing_is_guessed(found):
    with pytest.raises(UsageError, match="--missing-mask: background needs one class called background") as caught:
        missing_index(found, "background")
    assert caught.value.code == "E_CLASSES"


def test_ignore_needs_no_class():
    assert missing_index(classes("road"), "ignore") == IGNORE_INDEX
