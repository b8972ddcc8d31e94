"""Find: which class file is used, where each format is searched for, and the message if there is none."""

from __future__ import annotations

import os

import pytest
from class_file_texts import CLASS_DICT, CVAT, FORMATS, ROBOFLOW

from converter.classes.find import FoundClasses, find_class_map
from converter.classes.presets import preset
from converter.config import SourceConfig
from converter.errors import UsageError
from converter.sources.layouts.layout import Layout

LAYOUT = Layout("list", (), {})


def found_in(folder, layout: Layout = LAYOUT, **source: object) -> FoundClasses:
    return find_class_map(SourceConfig(folder, **source), layout)


def put(folder, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labelmap.txt", "cvat"),
        ("class_dict.csv", "class_dict"),
        ("label_colors.txt", "label_colors"),
        ("class_names.txt", "class_names"),
        ("labels.txt", "coco_stuff"),
        ("labels.txt", "class_names"),
        ("classes.txt", "numbered names"),
        ("objectInfo150.txt", "object_info"),
        ("data.yaml", "ultralytics"),
        ("dataset_meta.json", "datumaro"),
        ("obj_class_to_machine_color.json", "supervisely"),
        ("label_classes.json", "hasty"),
        ("dataset.json", "nnunet"),
        ("_classes.csv", "roboflow"),
        ("train/_classes.csv", "roboflow"),
        ("valid/_classes.csv", "roboflow"),
        ("classes.csv", "native"),
        ("classes.csv", "class_dict"),
    ],
)
def test_a_class_file_is_found_where_its_format_puts_it(tmp_path, name, content):
    put(tmp_path, name, FORMATS[content][0])
    found = found_in(tmp_path)
    assert found.classes == FORMATS[content][1].classes
    assert found.origin == str(tmp_path / name)


def test_what_is_named_stands_above_what_lies_there_and_that_above_the_preset(tmp_path):
    with_preset = Layout("voc", (), {}, preset="voc")
    assert found_in(tmp_path, with_preset) == FoundClasses(preset("voc"), "preset:voc", "preset")
    put(tmp_path, "labelmap.txt", CVAT)
    assert found_in(tmp_path, with_preset).kind == "CVAT labelmap.txt"
    put(tmp_path, "classes.csv", "name,value\na,1\n")
    assert found_in(tmp_path, with_preset).kind == "classes.csv"
    assert found_in(tmp_path, with_preset, classes="preset:camvid").origin == "preset:camvid"
    assert found_in(tmp_path, with_preset, classes=str(tmp_path / "labelmap.txt")).kind == "CVAT labelmap.txt"


def test_an_unknown_preset_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"preset:camvod: is not a preset\. Name one of voc, "):
        found_in(tmp_path, classes="preset:camvod")


def test_a_source_without_a_class_map_is_told_how_to_make_one(tmp_path):
    with pytest.raises(UsageError) as caught:
        found_in(tmp_path)
    assert caught.value.code == "E_CLASSES"
    assert "classes.csv: does not exist, nor any other class file" in str(caught.value)
    assert f"segconv classes --src {tmp_path} --write" in caught.value.fix
    assert "--classes preset:NAME" in caught.value.fix


def test_the_class_files_of_all_splits_must_agree(tmp_path):
    put(tmp_path, "train/_classes.csv", ROBOFLOW)
    put(tmp_path, "valid/_classes.csv", ROBOFLOW)
    assert found_in(tmp_path).classes.num_classes == 2
    put(tmp_path, "test/_classes.csv", ROBOFLOW.replace("cat", "dog"))
    with pytest.raises(UsageError, match="contains class files that disagree") as caught:
        found_in(tmp_path)
    for split in ("train", "valid", "test"):
        assert f"{split}{os.sep}_classes.csv" in caught.value.what
    assert "--classes" in caught.value.fix


def test_two_files_of_different_formats_that_disagree_are_both_named(tmp_path):
    put(tmp_path, "labelmap.txt", CVAT)
    put(tmp_path, "class_dict.csv", CLASS_DICT)
    with pytest.raises(UsageError, match=r"labelmap\.txt, .*class_dict\.csv"):
        found_in(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("labels.txt", "road\ntree\n", "labels.txt does not say which value is which class"),
        ("dataset.json", '{"train": ["a.jpg", "b.jpg", "c.jpg"]}', "dataset.json does not say"),
        ("dataset.json", '{"labels": [["a.png", 6]]}', "dataset.json does not say"),
        ("dataset.json", "{", "dataset.json is not valid JSON"),
        ("data.yaml", "path: x\n", "data.yaml does not say"),
    ],
)
def test_a_file_that_only_has_the_name_of_a_class_file_is_passed_over_and_said(tmp_path, name, text, reason):
    put(tmp_path, name, text)
    with pytest.raises(UsageError) as caught:
        found_in(tmp_path)
    assert reason in caught.value.what
    put(tmp_path, "labelmap.txt", CVAT)
    assert found_in(tmp_path).kind == "CVAT labelmap.txt"


@pytest.mark.parametrize("name", ["labelmap.txt", "class_dict.csv", "train/_classes.csv", "label_colors.txt"])
def test_a_file_whose_name_promises_a_class_map_must_hold_one(tmp_path, name):
    put(tmp_path, name, "road;1;2\n")
    with pytest.raises(UsageError, match="begins with 'road;1;2', which fits no known class file format"):
        found_in(tmp_path)


@pytest.mark.parametrize("name", ["classes.csv", "labelmap.txt", "labels.txt"])
def test_a_link_out_of_the_source_is_followed_only_on_request(tmp_path, name):
    put(tmp_path, "elsewhere", CVAT)
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError, match="is a link out of the source folder"):
        found_in(tmp_path / "source")
    assert found_in(tmp_path / "source", follow_links=True).kind == "CVAT labelmap.txt"


def test_a_pipe_in_the_place_of_a_class_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "labelmap.txt")
    with pytest.raises(UsageError, match="is not a regular file"):
        found_in(tmp_path)
