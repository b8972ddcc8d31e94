"""Roboflow: _classes.csv and masks next to their images."""

from __future__ import annotations

import pytest
from layout_files import assert_is_detected, drawn, refused

# name of the layout: files, files with text, train pairs, val pairs, clause of the evidence, preset
KNOWN = {
    "roboflow": (
        ("train/x.jpg", "train/x_mask.png", "train/_classes.csv", "valid/y.jpg", "valid/y_mask.png",
         "valid/_classes.csv"), {},
        [("train/x.jpg", "train/x_mask.png")], [("valid/y.jpg", "valid/y_mask.png")],
        "_classes.csv and *_mask.png in train/, valid/", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (("train/x.jpg", "train/x_msk.png", "train/_classes.csv"), {}, "no image there has a _mask.png"),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))
