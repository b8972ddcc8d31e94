"""Search: class files are found by content wherever they are, in bounds, and a list of images is never one."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.classes.class_map import ClassMap
from converter.classes.find import find_class_map
from converter.classes.search import has_class_word, is_plausible, search_class_files
from converter.config import SourceConfig
from converter.errors import UsageError
from converter.limits import MAX_CLASS_FILE_BYTES, MAX_CLASS_FILE_DEPTH, MAX_CLASS_FILES, MAX_FOLDER_CLASS_FILES
from converter.sources.layouts.layout import Layout

LAYOUT = Layout("dirs", (), {})
MAPILLARY = """{"labels": [{"name": "unlabeled", "color": [0, 0, 0]}, {"name": "paved", "color": [1, 0, 0]},
 {"name": "grass", "color": [2, 0, 0]}]}"""
PBTXT = "item { id: 0 name: 'unlabeled' }\nitem { id: 1 name: 'paved' }\nitem { id: 2 name: 'grass' }\n"
DICT = "name, r, g, b\nunlabeled, 0, 0, 0\npaved, 255, 0, 0\ngrass, 0, 255, 0\n"


def put(folder: Path, *names: str, text: str = DICT) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def names_in(folder: Path) -> tuple[str, ...]:
    return find_class_map(SourceConfig(folder), LAYOUT).classes.names


def test_of_two_class_files_the_one_that_contains_the_other_is_used(tmp_path):
    put(tmp_path, "part/colors.csv", text="name,r,g,b\nunlabeled,0,0,0\npaved,255,0,0\n")
    assert names_in(put(tmp_path, "whole/colors.csv")) == ("unlabeled", "paved", "grass")
    put(tmp_path, "third/colors.csv", text="name,r,g,b\nunlabeled,0,0,0\nroad,255,0,0\n")
    with pytest.raises(UsageError, match="contains class files that disagree"):
        names_in(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("class_dict_seg.csv", DICT),
        ("labelmap.csv", DICT),
        ("dataset/semantic/colors.csv", DICT),
        ("label_color.txt", "0 0 0 unlabeled\n255 0 0 paved\n0 255 0 grass\n"),
        ("docs/RGB_color_classes.txt", "unlabeled 0 0 0\npaved 255 0 0\ngrass #00FF00\n"),
        ("id2label.json", '{"0": "unlabeled", "1": "paved", "2": "grass"}'),
        ("annotations/class_ids.json", '{"unlabeled": 0, "paved": 1, "grass": 2}'),
        ("palette.json", MAPILLARY),
        ("config.json", MAPILLARY),
        ("label_map.pbtxt", PBTXT),
        ("meta/anything.pbtxt", PBTXT),
        ("classes.csv", "id,name\n0,unlabeled\n1,paved\n2,grass\n"),
        ("label_names.csv", "Class ID;Class Name\n0;unlabeled\n1;paved\n2;grass\n"),
        ("a/b/c/categories.tsv", "index\tname\tgroup\n0\tunlabeled\tx\n1\tpaved\tx\n2\tgrass\tx\n"),
        ("classes.txt", "0 unlabeled\n1 paved\n2 grass\n"),
        ("export/labelmap.txt", "unlabeled:0,0,0::\npaved:255,0,0::\ngrass:0,255,0::\n"),
    ],
)
def test_a_class_file_is_found_by_its_content_wherever_it_is(tmp_path, name, text):
    assert names_in(put(tmp_path, name, text=text)) == ("unlabeled", "paved", "grass")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "image_a\nimage_b\n"),
        ("label_list.txt", "1 2 3 images/a.png\n4 5 6 images/b.png\n"),
        ("labels.csv", "id,name\n0,a.png\n1,b.png\n"),
        ("labels.csv", "id,label\n0,cat\n1,dog\n2,cat\n3,cat\n"),
        ("class_stats.csv", "id,name\n0,12\n1,15\n"),
        ("label_0.txt", "0 10 20 30 40 50 60\n"),
        ("labels/0.txt", "0 0.5 0.5 0.1 0.1 0.2 0.2\n"),
        ("model.json", '{"size": [224, 224, 3]}'),
        ("anything.csv", "id,name\n0,cat\n1,dog\n"),
        ("metrics.csv", "name,value\nepochs,100\nbatch,16\n"),
        ("anything.json", '{"width": 640, "height": 480}'),
        ("anything.txt", "cat 1 2 3\ndog 4 5 6\n"),
    ],
)
def test_a_list_of_images_a_table_of_measures_and_the_boxes_of_a_detector_are_no_class_files(tmp_path, name, text):
    with pytest.raises(UsageError, match=r"classes\.csv: does not exist"):
        names_in(put(tmp_path, name, text=text))


def test_a_list_of_names_is_named_with_the_command_that_takes_it(tmp_path):
    put(tmp_path, "my classes.txt", text="road\ncar\n")
    with pytest.raises(UsageError) as caught:
        names_in(tmp_path)
    assert "it is a list of names, so if its first one, 'road', is value 0" in caught.value.what
    assert f"`segconv check --src {tmp_path} --classes '{tmp_path}/my classes.txt'`" in caught.value.what


def test_two_files_that_disagree_are_both_named_with_a_command_for_each_and_two_that_agree_are_one(tmp_path):
    put(tmp_path, "a/class_dict_seg.csv", "b/colors.csv")
    assert names_in(tmp_path)[1] == "paved"
    put(tmp_path, "b/colors.csv", text=DICT.replace("paved", "road"))
    with pytest.raises(UsageError, match="contains class files that disagree") as caught:
        names_in(tmp_path)
    for name in ("a/class_dict_seg.csv", "b/colors.csv"):
        assert f"`segconv check --src {tmp_path} --classes {tmp_path}/{name}`" in caught.value.fix


def test_a_file_that_says_something_else_than_the_one_at_its_usual_place_is_a_warning(tmp_path):
    put(tmp_path, "class_dict.csv", "sub/colors.csv")
    assert not find_class_map(SourceConfig(tmp_path), LAYOUT).warnings
    put(tmp_path, "sub/colors.csv", text=DICT.replace("paved", "road"))
    found = find_class_map(SourceConfig(tmp_path), LAYOUT)
    assert found.origin == str(tmp_path / "class_dict.csv")
    (warning,) = found.warnings
    assert (warning.code, warning.where) == ("W_UNUSED_CLASSES", "sub/colors.csv")
    assert f"--classes {tmp_path}/sub/colors.csv" in warning.fix
    with_preset = find_class_map(SourceConfig(put(tmp_path / "sub", "colors.csv")), Layout("voc", (), {}, preset="voc"))
    assert (with_preset.origin, with_preset.warnings[0].where) == ("preset:voc", "colors.csv")


def test_the_search_is_bounded_in_depth_size_and_number(tmp_path):
    deep = "/".join("abcdefgh"[: MAX_CLASS_FILE_DEPTH + 1])
    put(tmp_path, f"{deep}/class_dict.csv")
    (tmp_path / "large_classes.csv").write_text(DICT + "#" * MAX_CLASS_FILE_BYTES)
    assert search_class_files(SourceConfig(tmp_path)) == ([], 0)
    put(tmp_path, *(f"labels/{number}.txt" for number in range(MAX_FOLDER_CLASS_FILES + 1)), "labels/classes.txt")
    assert search_class_files(SourceConfig(tmp_path)) == (["labels/classes.txt"], 0)
    put(tmp_path, *(f"{number}/a.csv" for number in range(MAX_CLASS_FILES)))
    paths, left_out = search_class_files(SourceConfig(tmp_path))
    assert (len(paths), left_out, paths[0]) == (MAX_CLASS_FILES, 1, "labels/classes.txt")


def test_a_link_out_of_the_source_is_found_only_on_request(tmp_path):
    put(tmp_path, "elsewhere.csv")
    (tmp_path / "source").mkdir()
    (tmp_path / "source/colors.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert search_class_files(SourceConfig(tmp_path / "source")) == ([], 0)
    assert search_class_files(SourceConfig(tmp_path / "source", follow_links=True)) == (["colors.csv"], 0)


def test_words_and_names():
    assert has_class_word("a/LabelColor.txt")
    assert not has_class_word("classes/train.txt")
    assert is_plausible(ClassMap(("a", "b"), {0: 0, 1: 1, 255: 255}, {}, {}))
    assert not is_plausible(ClassMap(("a",), {1: 0}, {}, {}))
    assert not is_plausible(ClassMap(("a", "b.JPG"), {0: 0, 1: 1}, {}, {}))
