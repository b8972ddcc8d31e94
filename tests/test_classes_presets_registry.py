"""The registry of presets: every row can be built, and listing the names imports nothing expensive."""

from __future__ import annotations

import subprocess
import sys

import pytest

from converter.classes.class_map import ClassMap
from converter.classes.presets import PREFIX, PRESETS, names_for, preset
from converter.classes.presets import registry as presets
from converter.classes.presets.tables import by_color, by_number
from converter.errors import UsageError
from converter.sources.layouts.registry import RULES


@pytest.mark.parametrize("name", PRESETS)
def test_a_row_builds_its_class_map_and_describes_it_in_one_line(name):
    row = PRESETS[name]
    assert isinstance(row.class_map(), ClassMap)
    assert row.class_map() == preset(name)
    assert 0 < len(row.text) < 60
    assert row.text.isprintable()


def test_the_names_are_listed_without_numpy_and_without_a_class_map():
    code = (
        "import sys; from converter.classes.presets import PREFIX, PRESETS; print(PREFIX, *PRESETS); "
        "loaded = {'numpy', 'PIL', 'converter.classes.presets.voc', 'converter.classes.presets.tables'}; "
        "sys.exit(bool(loaded & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [PREFIX, *PRESETS]


def test_every_layout_with_a_preset_has_one_of_its_name():
    assert {name for name, rule in RULES.items() if rule.has_preset} <= set(PRESETS)


def test_only_a_preset_of_colours_that_everybody_draws_with_needs_all_of_them():
    assert {name: row.min_share for name, row in PRESETS.items() if row.min_share != 0.5} == {
        "voc": 1.0,
        "potsdam": 1.0,
        "deepglobe": 1.0,
    }


def traffic() -> ClassMap:
    return by_color((("red", (201, 2, 3)), ("amber", (202, 3, 4)), ("green", (203, 4, 5))), (0, 0, 1))


def test_one_more_row_is_one_more_preset(monkeypatch):
    monkeypatch.setitem(PRESETS, "traffic", presets.Preset("Traffic lights", f"{__name__}:traffic", min_share=0.7))
    assert preset("traffic") == traffic()
    assert names_for([(201, 2, 3), (202, 3, 4)]) is None  # two of three are below its share
    assert names_for([*traffic().rgb]) == (
        "traffic",
        {(201, 2, 3): "red", (202, 3, 4): "amber", (203, 4, 5): "green", (0, 0, 1): "ignore"},
    )
    with pytest.raises(UsageError, match=r"Name one of voc, .*, deepglobe, traffic"):
        preset("trafic")


def test_classes_by_number_count_from_the_first():
    assert by_number(["a", "b"], 5, 9) == ClassMap(("a", "b"), {5: 0, 6: 1, 9: 255}, {}, {})
