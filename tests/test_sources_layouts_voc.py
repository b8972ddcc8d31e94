"""VOC, CVAT and labelme2voc: told by their folders and lists, and refused by what they lack."""

from __future__ import annotations

import pytest
from layout_files import VOC, VOC_LISTS, assert_is_told, drawn, refused

# name of the layout, files, files with text, pairs of train, pairs of val, clause of the evidence, preset
KNOWN = {
    "voc": (
        (*VOC, "SegmentationObject/a.png"), VOC_LISTS | {"ImageSets/Segmentation/trainval.txt": "a\nb\n"},
        [("JPEGImages/a.jpg", "SegmentationClass/a.png")], [("JPEGImages/b.jpg", "SegmentationClass/b.png")],
        "ImageSets/Segmentation/ beside JPEGImages/ and SegmentationClass/", None,
    ),
    "voc as published": (
        ("JPEGImages/2007_000032.jpg", "SegmentationClass/2007_000032.png", "JPEGImages/2008_000002.jpg"),
        {"ImageSets/Segmentation/train.txt": "2007_000032\n"},
        [("JPEGImages/2007_000032.jpg", "SegmentationClass/2007_000032.png")], [],
        "ImageSets/Segmentation/ beside JPEGImages/ and SegmentationClass/", "voc",
    ),
    "cvat": (
        ("JPEGImages/s/a.jpg", "SegmentationClass/s/a.png", "labelmap.txt"),
        {"ImageSets/Segmentation/default.txt": "s/a\n"},
        [("JPEGImages/s/a.jpg", "SegmentationClass/s/a.png")], [],
        "ImageSets/Segmentation/ beside JPEGImages/ and SegmentationClass/, with labelmap.txt", None,
    ),
    "labelme": (
        ("JPEGImages/a.jpg", "SegmentationClassPNG/a.png", "SegmentationClass/a.npy", "class_names.txt",
         "SegmentationClassVisualization/a.jpg"), {},
        [("JPEGImages/a.jpg", "SegmentationClassPNG/a.png")], [],
        "JPEGImages/ and SegmentationClassPNG/ side by side, without ImageSets/", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_told(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (VOC[2:], VOC_LISTS, "ImageSets/Segmentation/ has lists, but JPEGImages/ holds no pictures"),
    (VOC[:2], VOC_LISTS, "but SegmentationClass/ holds no pictures"),
    (("SegmentationClass/a.png", "labelmap.txt"), {"ImageSets/Segmentation/default.txt": "a"},
     "JPEGImages/ holds no pictures"),
    (("JPEGImages/a.jpg", "SegmentationClassPNG/a.npy"), {}, "neither SegmentationClassPNG/ nor SegmentationClass/"),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))
