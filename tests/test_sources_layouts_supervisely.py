"""Supervisely: img and masks_machine in each dataset."""

from __future__ import annotations

import pytest
from layout_files import assert_is_detected, drawn, refused

# name of the layout: files, files with text, train pairs, val pairs, clause of the evidence, preset
KNOWN = {
    "supervisely": (
        ("one/img/a.jpg", "one/masks_machine/a.png", "one/masks_human/a.png", "two/img/a.jpg",
         "two/masks_machine/a.png", "obj_class_to_machine_color.json"), {},
        [("one/img/a.jpg", "one/masks_machine/a.png"), ("two/img/a.jpg", "two/masks_machine/a.png")], [],
        "img/ and masks_machine/ side by side in one/, two/", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (("one/masks_machine/a.png",), {}, "one/masks_machine/ without img/ next to it"),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))
