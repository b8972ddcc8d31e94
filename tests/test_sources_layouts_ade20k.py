"""ADE20K: images and annotations of training and validation."""

from __future__ import annotations

import pytest
from layout_files import assert_is_detected, drawn, refused

# name of the layout: files, files with text, train pairs, val pairs, clause of the evidence, preset
KNOWN = {
    "ade20k": (
        ("images/training/a.jpg", "annotations/training/a.png", "images/validation/b.jpg",
         "annotations/validation/b.png", "objectInfo150.txt"), {},
        [("images/training/a.jpg", "annotations/training/a.png")],
        [("images/validation/b.jpg", "annotations/validation/b.png")],
        "images/training/ and annotations/training/", None,
    ),
    "ade20k as published": (
        ("images/training/ADE_train_00000001.jpg", "annotations/training/ADE_train_00000001.png"), {},
        [("images/training/ADE_train_00000001.jpg", "annotations/training/ADE_train_00000001.png")], [],
        "images/training/ and annotations/training/", "ade20k",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (("images/training/a.jpg",), {}, "images/training/ has image files, but there is no annotations/training/"),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))
