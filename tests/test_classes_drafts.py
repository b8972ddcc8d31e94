"""Drafts: one that nobody edited is a warning of check and build, with the preset that has its values."""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_datasets import draw, report_on, rows

from converter.classes.class_map import ClassMap
from converter.classes.drafts import draft_command, draft_warning, preset_of, taking
from converter.classes.find import find_class_map
from converter.classes.presets import index_preset, is_named, preset
from converter.config import SourceConfig
from converter.sources.layouts.find import find_layout

DRAFT = "# Draft of a class map from 3 masks. Check every name.\n#\nname,value\n"
UNEDITED = DRAFT + "background,0\n" + "".join(f"class_{n},{n}\n" for n in range(1, 12))


def warnings_of(folder: Path) -> list[str]:
    source = SourceConfig(folder)
    return [f"{one.code} {one.what}. {one.fix}" for one in find_class_map(source, find_layout(source)).warnings]


def test_a_draft_that_nobody_edited_is_a_warning_with_the_preset_that_has_its_values(tmp_path):
    folder = draw(tmp_path / "data", [rows(*range(12))] * 3, {"classes.csv": UNEDITED})
    (warning,) = warnings_of(folder)
    what = "is a draft that nobody edited: it still names class_1, class_2, class_3 and 8 more"
    assert warning.startswith(f"W_DRAFT {what}.")
    assert f"if these are masks of CamVid, 11 classes by index, run `segconv check --src {folder}" in warning
    assert "--classes preset:camvid-index" in warning
    report = report_on(folder)
    assert "W_DRAFT" in {problem.code for problem in report.problems}
    assert "preset" not in report.next_command  # numbers prove nothing


def test_a_folder_with_the_name_of_the_dataset_puts_the_preset_into_the_next_command(tmp_path):
    folder = draw(tmp_path / "CamVid_v2", [rows(*range(12))] * 3)
    expected = f"segconv check --src {folder} --classes preset:camvid-index --size 24x32"
    assert report_on(folder).next_command == expected
    (folder / "classes.csv").write_text(UNEDITED)
    assert report_on(folder).next_command == expected
    assert report_on(folder, classes="preset:camvid-index").ok


@pytest.mark.parametrize(
    "text",
    [
        UNEDITED.replace("# Draft of a class map", "# My classes"),
        "name,value\nclass_1,0\nclass_2,1\n",
        DRAFT + "background,0\nforeground,255\n",
        DRAFT + "sky,0\nroad,1\n",
    ],
)
def test_a_map_with_names_of_its_own_or_without_the_remark_is_no_draft(tmp_path, text):
    assert warnings_of(draw(tmp_path, [rows(0, 1)] * 2, {"classes.csv": text})) == []


def test_one_made_up_name_is_enough_and_a_guess_by_place_as_well(tmp_path):
    folder = draw(tmp_path, [rows(0, 1)] * 2, {"classes.csv": DRAFT + "sky,0\nclass_1,1\n"})
    assert "still names class_1. " in warnings_of(folder)[0]
    remark = "# a: this is a guess to check, since b\n"
    (folder / "classes.csv").write_text(f"# Draft of a class map\n{remark}name,value\nx,0\n")
    assert "is a draft whose classes are a guess" in warnings_of(folder)[0]


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        (range(12), "camvid-index"),
        (range(11), "camvid-index"),
        ([*range(21), 255], "voc"),
        ([*range(19), 255], "cityscapes-train"),
        (range(19), "cityscapes-train"),
        (range(34), "cityscapes"),
        (range(151), "ade20k"),
        (range(8), "loveda"),
        (range(7), None),
        (range(3), None),
        ([0, 255], None),
        ([*range(12), 40], None),
    ],
)
def test_the_preset_of_numbers(numbers, name):
    assert index_preset(list(numbers)) == name


def test_the_preset_of_a_class_map_and_the_command_that_takes_it():
    assert preset_of(preset("camvid")) == "camvid"
    assert preset_of(ClassMap(("a", "b"), {0: 0, 1: 1}, {}, {})) is None
    source = SourceConfig(Path("my data/VOC2012"), follow_links=True)
    clause = taking("voc", source)
    command = "segconv check --src 'my data/VOC2012' --classes preset:voc --follow-links"
    assert clause == f"take preset:voc, which has these values: `{command}`"
    assert taking("loveda", source).startswith("if these are masks of LoveDA, by index, run `segconv check")
    assert draft_command(source) == "segconv classes --src 'my data/VOC2012' --follow-links --write"


@pytest.mark.parametrize(
    ("name", "path", "expected"),
    [
        ("voc", "VOC2012", True),
        ("camvid-index", "data/CamVid", True),
        ("cityscapes-train", "my_cityscapes", True),
        ("voc", "vocal", False),
        ("loveda", "x", False),
    ],
)
def test_a_dataset_is_named_by_a_word_of_its_path(name, path, expected):
    assert is_named(name, path) is expected


def test_an_unnamed_draft_without_a_preset_is_to_be_named():
    classes = ClassMap(("a", "class_7"), {0: 0, 7: 1}, {}, {})
    warning = draft_warning(classes, Path("classes.csv"), SourceConfig(Path("d")))
    assert warning is not None
    assert warning.fix == "Name the classes in it, and remove its first line."
