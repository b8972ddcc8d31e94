"""nnU-Net: one channel per case, in two dimensions."""

from __future__ import annotations

import pytest
from layout_files import assert_is_detected, drawn, refused

# name of the layout: files, files with text, train pairs, val pairs, clause of the evidence, preset
KNOWN = {
    "nnunet": (
        ("imagesTr/C_0000.png", "labelsTr/C.png", "imagesTs/D_0000.png", "dataset.json"), {},
        [("imagesTr/C_0000.png", "labelsTr/C.png")], [],
        "test is left out: none of its 1 images has a mask", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (("imagesTr/C_0000.png", "labelsTr/C.png"), {}, "but without dataset.json"),
    (("imagesTr/C_0000.png", "imagesTr/C_0001.png", "labelsTr/C.png", "dataset.json"), {},
     "several channels per case (_0001)"),
    (("imagesTr/C_0000.nii.gz", "labelsTr/C.nii.gz", "dataset.json"), {}, "imagesTr/ has no image files"),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))
