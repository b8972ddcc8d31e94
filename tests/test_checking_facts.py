"""Facts: what follows from the values of all masks and the class map, without reading a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from facts_by_hand import GOOD, NAMES, fact, grey, rgb

from converter.checking.facts import DatasetFacts, is_binary, levels_between
from converter.checking.survey import PairFacts
from converter.classes.find import FoundClasses
from converter.classes.native import parse_class_map
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.schema import IGNORE_INDEX
from converter.sources.layouts.layout import Layout

COLOURS = "name,value\nroad,128 64 128\ncar,0 0 142\n"


def facts_of(facts: list[PairFacts], classes: str | None = NAMES, tolerance: int = 0) -> DatasetFacts:
    refs: dict[str, tuple[object, ...]] = {}
    for one in facts:
        refs[one.ref.split] = (*refs.get(one.ref.split, ()), one.ref)
    found = FoundClasses(parse_class_map(classes, "classes.csv"), "classes.csv", "classes.csv") if classes else None
    config = BuildConfig(SourceConfig(Path("d")), pair=PairConfig(tolerance=tolerance))
    return DatasetFacts(config, Layout("list", ("train.txt",), refs), facts, found)  # type: ignore[arg-type]


def test_pixels_are_counted_for_each_class_and_split_and_unlisted_ones_are_not():
    known = facts_of([fact(1, GOOD), fact(2, {grey(1): 5, grey(7): 9}), fact(1, {grey(255): 3}, "val")])
    assert known.pixels == {"train": {0: 50, 1: 35, 2: 20}, "val": {IGNORE_INDEX: 3}}
    assert known.index_of(grey(7)) is None


def test_without_a_class_map_no_value_has_a_class():
    known = facts_of([fact(1, GOOD)], None)
    assert known.mapper is None
    assert known.pixels == {"train": {}}
    assert known.nearest(grey(1)) is None
    assert known.greyed == ""


def test_the_nearest_colour_differs_least_in_its_worst_channel():
    assert levels_between((1, 2, 3), (4, 2, 9)) == 6
    known = facts_of([], COLOURS)
    assert known.nearest(rgb(120, 70, 130)) == ((128, 64, 128), 0)
    assert facts_of([], NAMES).nearest(rgb(2, 2, 3)) == ((2, 2, 2), 2)


@pytest.mark.parametrize(
    ("values", "binary"),
    [
        ({grey(0): 1, grey(255): 1}, True),
        ({rgb(0, 0, 0): 1, rgb(255, 255, 255): 1}, True),
        ({grey(0): 1, grey(1): 1}, False),
        ({grey(0): 1}, False),
        ({grey(0): 1, grey(255): 1, grey(3): 1}, False),
    ],
)
def test_masks_of_0_and_255_alone_are_binary(values, binary):
    assert is_binary(facts_of([fact(1, values)])) is binary


def test_the_proposed_tolerance_takes_in_what_is_damaged():
    near = {rgb(128, 64, 128): 90_000, rgb(0, 0, 142): 90_000, rgb(126, 64, 128): 3, rgb(0, 3, 142): 2}
    known = facts_of([fact(1, near)], COLOURS)
    assert known.strays.keys() == {rgb(126, 64, 128), rgb(0, 3, 142)}
    assert known.unlisted_strays == {rgb(126, 64, 128): 2, rgb(0, 3, 142): 3}
    assert known.tolerance == 3
    assert "pass --tolerance 3 and add the row `ignore,*`" in known.blend_fix
    assert facts_of([fact(1, near)], COLOURS, tolerance=5).unlisted_strays == {}


def test_masks_that_are_the_greys_of_their_colours_are_recognised():
    greys = {grey(90): 9, grey(16): 9}  # 0.299 red + 0.587 green + 0.114 blue
    assert "lists colours, but the masks hold their grey levels" in facts_of([fact(1, greys)], COLOURS).greyed
    assert facts_of([fact(1, {grey(90): 9})], COLOURS).greyed == ""  # one value may be a coincidence
