"""JSON lists: the pairs of each split in a dataset.json, with the lines of their entries."""

from __future__ import annotations

import json

import pytest
from split_files import of_code, six, stems

from converter.sources.lists.json_lists import read_json_lists


def entries(numbers, image="image", mask="label"):
    return [{image: f"./images/f{i}.jpg", mask: f"./masks/f{i}.png"} for i in numbers]


@pytest.mark.parametrize("content", [
    {"name": "x", "training": entries(range(4)), "validation": entries((4, 5))},  # MONAI
    {"train": entries(range(4), "img", "mask"), "val": entries((4, 5), "img", "mask")},
    {"train": [[f"images/f{i}.jpg", f"masks/f{i}.png"] for i in range(4)], "valid": entries((4, 5), "img_path", "gt")},
    {"training": [{"image": [f"images/f{i}.jpg"], "label": f"masks/f{i}.png", "n": 1} for i in range(4)],
     "validation": entries((4, 5))},
    {"train": [f"f{i}" for i in range(4)], "val": ["f4.jpg", "images/f5.jpg"]},
])  # fmt: skip
@pytest.mark.parametrize("name", ["dataset.json", "splits.json", "lists/datalist_0.json"])
def test_the_splits_of_a_json_file_are_read(tmp_path, content, name):
    layout = six(tmp_path, {name: json.dumps(content, indent=1)})
    if content.get("train") != [f"f{i}" for i in range(4)]:
        assert (layout.name, stems(layout), layout.rejects) == ("list", {"train": "0123", "val": "45"}, ())
    assert any("JSON, " in clause for clause in layout.evidence)
    lines = (tmp_path / name).read_text().splitlines()
    for ref in (ref for refs in layout.refs.values() for ref in refs if layout.name == "list"):
        assert ref.image in lines[ref.line - 1]


def test_a_test_list_without_masks_and_folds_are_named(tmp_path):
    content = {
        "training": [entry | {"fold": i % 2} for i, entry in enumerate(entries(range(4)))],
        "test": ["images/f5.jpg"],
    }
    layout = six(tmp_path, {"dataset.json": json.dumps(content)})
    assert stems(layout) == {"train": "0123"}
    assert of_code(layout, "W_FOLDS")[0].what == "puts its lines in 2 folds, which are not used"
    assert of_code(layout, "W_UNUSED_LIST")[0].what == "test is left out, since its 1 line names no mask"


def test_an_entry_that_names_no_file_is_rejected_and_one_named_twice_too(tmp_path):
    content = {"training": [*entries((0, 1, 1, 7)), {"x": 1}], "validation": entries((4,))}
    layout = six(tmp_path, {"dataset.json": json.dumps(content)})
    assert stems(layout) == {"train": "01", "val": "4"}
    assert [reject.error.code for reject in layout.rejects] == ["E_DUPLICATE", "E_MISSING", "E_LINE"]


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "3", '{"train": 3}', '{"a": ["f0"]}', "[" * 100000, '{"train": [1, null, []]}']
)
def test_what_lists_no_files_is_no_list(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    assert read_json_lists(tmp_path / "dataset.json", "dataset.json") == {}
