"""labelme_json_to_dataset folders: a value is the name in the line of its own list, whatever it is elsewhere."""

from __future__ import annotations

import numpy as np
from annotation_files import SIZE, photograph, problems, write

from converter.annotations.documents import Documents
from converter.annotations.labelme_folders import find
from converter.pixels.masks import encode_png
from converter.sources.tree import list_tree


def folder(root, name, names, *values):
    photograph(root / name / "img.png")
    mask = np.zeros(SIZE, np.uint8)
    for row, value in enumerate(values):
        mask[row] = value
    write(root / name / "label.png", encode_png(mask, bytes(768)))
    write(root / name / "label_names.txt", names)


def found_in(root):
    return find(Documents(list_tree(root, follow_links=False), ()))


def test_a_value_has_the_name_of_its_own_list(tmp_path):
    folder(tmp_path, "a_json", "_background_\napple\npea\n", 1, 2)
    folder(tmp_path, "b_json", "_background_\npea\n", 1)
    first, second = found_in(tmp_path)
    assert [(each.label, each.shape.value) for each in first.pictures[0].objects] == [("apple", 1), ("pea", 2)]
    assert [(each.label, each.shape.value) for each in second.pictures[0].objects] == [("pea", 1)]
    assert first.pictures[0].path == "a_json/img.png"


def test_a_value_without_a_name_and_a_damaged_mask_are_problems(tmp_path):
    folder(tmp_path, "a_json", "_background_\napple\n", 1, 3)
    folder(tmp_path, "b_json", "_background_\n")
    write(tmp_path / "b_json/label.png", b"\x89PNG\r\n\x1a\n")
    folder(tmp_path, "c_json", b"\xff\n")
    assert [problems(each)[0].partition(" ")[2] for each in found_in(tmp_path)] == [
        "a_json/label_names.txt: names 2 values, and label.png has 3",
        "b_json/label_names.txt: is beside b_json/label.png, which is truncated: its last chunk is missing",
        "c_json/label_names.txt: is not UTF-8 text",
    ]
