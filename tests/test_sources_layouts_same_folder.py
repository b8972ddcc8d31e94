"""Image and mask in one folder: distinguished by suffix or by type."""

from __future__ import annotations

import pytest
from layout_files import assert_is_detected, draw, drawn, find, pairs, refused

# name of the layout: files, files with text, train pairs, val pairs, clause of the evidence, preset
KNOWN = {
    "coco-stuff": (
        ("train2017/S.jpg", "train2017/S.png", "val2017/T.jpg", "val2017/T.png", "labels.txt"), {},
        [("train2017/S.jpg", "train2017/S.png")], [("val2017/T.jpg", "val2017/T.png")],
        "*.jpg and *.png in one folder: train2017/, val2017/", None,
    ),
    "suffix of GeoTIFF pairs": (
        ("1.tif", "1_mask.tif"), {}, [("1.tif", "1_mask.tif")], [],
        "*.* and *_mask.* in one folder: the source folder", None,
    ),
    "suffix": (
        ("train/a.jpg", "train/a_label.png", "val/b.jpg", "val/b_label.png"), {},
        [("train/a.jpg", "train/a_label.png")], [("val/b.jpg", "val/b_label.png")],
        "*.* and *_label.* in one folder: train/, val/", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (("train2017/S.jpg", "val2017/S.png"), {},
     "image files are in train2017/, val2017/, but no two of them match by folder or name"),
    (("train/a.jpg", "train/a_labelz.png"), {}, "image files are in train/, but no two"),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))


@pytest.mark.parametrize("extension", ["gif", "ppm", "bmp"])
def test_masks_of_other_exact_formats_have_the_names_of_their_images(tmp_path, extension):
    layout = find(draw(tmp_path, "d/0.jpg", f"d/0.{extension}", "d/1.jpg", f"d/1.{extension}"))
    assert pairs(layout) == {"train": [(f"d/{n}.jpg", f"d/{n}.{extension}") for n in (0, 1)]}
    assert layout.evidence[0] == f"*.jpg and *.{extension} in one folder: d/"
