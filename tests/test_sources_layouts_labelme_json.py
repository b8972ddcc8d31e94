"""labelme_json_to_dataset: taken where each value has one name, refused by name where it has several."""

from __future__ import annotations

import pytest
from layout_files import assert_is_detected, find, paint, pairs, write

from converter.classes.find import find_class_map
from converter.config import SourceConfig
from converter.errors import UsageError
from converter.limits import MAX_CLASS_FILE_BYTES
from converter.sources.layouts.labelme_json import compare_names
from converter.sources.tree import list_tree

KNOWN = {
    "labelme-json": (
        ("a_json/img.png", "a_json/label.png", "a_json/label_viz.png", "b_json/img.png", "b_json/label.png"),
        {"a_json/label_names.txt": "_background_\npea\n", "b_json/label_names.txt": "_background_\npea\n"},
        [("a_json/img.png", "a_json/label.png"), ("b_json/img.png", "b_json/label.png")], [],
        "img.png, label.png and label_names.txt in each of 2 folders", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


def folders(path, *lists):
    for number, names in enumerate(lists):
        paint(path, photos=(f"im{number}_json/img.png",), masks=(f"im{number}_json/label.png",))
        write(path, f"im{number}_json/label_names.txt", names)
    return path


@pytest.mark.parametrize("second", ["_background_\npea\n", "_background_\npea\napple\n", "pea\n"])
def test_a_value_with_two_names_is_refused_with_both(tmp_path, second):
    folders(tmp_path, "_background_\napple\npea\n", second)
    with pytest.raises(UsageError, match=r"has label_names\.txt files that differ: value [01] is ") as caught:
        find(tmp_path)
    assert "im0_json/label_names.txt" in str(caught.value)
    assert caught.value.fix == f"Give each name one value: segconv masks --src {tmp_path} --out {tmp_path}-masks."


def test_with_templates_such_lists_are_a_warning(tmp_path):
    folders(tmp_path, "_background_\napple\n", "_background_\npea\n")
    layout = find(tmp_path, image="{stem}/img.png", mask="{stem}/label.png")
    assert [each.code for each in layout.unused] == ["W_LABEL_NAMES"]
    assert "value 1 is 'apple' in im0_json/label_names.txt" in layout.unused[0].what


def test_lists_of_which_one_ends_earlier_agree_and_the_longest_is_the_class_map(tmp_path):
    folders(tmp_path, "_background_\npea\n", "_background_\npea\napple\n\n", "_background_\n")
    layout = find(tmp_path)
    assert len(pairs(layout)["train"]) == 3
    found = find_class_map(SourceConfig(tmp_path), layout)
    assert found.classes.names == ("_background_", "pea", "apple")
    assert found.classes.grey[1] == 1
    assert found.warnings == ()  # a list that ends earlier says nothing else
    lines = "".join(f"im{n}_json/img.png im{n}_json/label.png\n" for n in range(3))
    write(tmp_path, "train.txt", lines)  # as `segconv split` does
    assert find(tmp_path).name == "list"
    assert find_class_map(SourceConfig(tmp_path), find(tmp_path)).classes == found.classes


def test_a_list_that_is_no_text_is_a_difference(tmp_path):
    folders(tmp_path, "_background_\n", "_background_\n")
    (tmp_path / "im1_json/label_names.txt").write_bytes(b"\xff\xfe\x00")
    tree = list_tree(tmp_path, follow_links=False)
    paths = [name for name in tree.files if name.endswith(".txt")]
    assert compare_names(tree, paths) == ("", "im1_json/label_names.txt cannot be read as UTF-8 text")
    (tmp_path / "im1_json/label_names.txt").write_bytes(b"x" * (MAX_CLASS_FILE_BYTES + 2))
    assert compare_names(tree, paths[1:]) == ("", f"im1_json/label_names.txt exceeds {MAX_CLASS_FILE_BYTES} bytes")


def test_folders_without_a_list_are_a_near_miss(tmp_path):
    folders(tmp_path, "_background_\n")
    paint(tmp_path, photos=("x_json/img.png",), masks=("x_json/label.png",))
    with pytest.raises(UsageError, match=r"im0_json/ has label_names\.txt, but not every folder"):
        find(tmp_path, layout="labelme-json")
