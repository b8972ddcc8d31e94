"""VOC, CVAT and labelme2voc: detected from their folders and lists; the message says what is missing."""

from __future__ import annotations

import pytest
from layout_files import VOC, VOC_LISTS, assert_is_detected, drawn, refused

# name of the layout: files, files with text, train pairs, val pairs, clause of the evidence, preset
KNOWN = {
    "voc": (
        (*VOC, "SegmentationObject/a.png"), VOC_LISTS | {"ImageSets/Segmentation/trainval.txt": "a\nb\n"},
        [("JPEGImages/a.jpg", "SegmentationClass/a.png")], [("JPEGImages/b.jpg", "SegmentationClass/b.png")],
        "ImageSets/Segmentation/ next to JPEGImages/ and SegmentationClass/", None,
    ),
    "voc as published": (
        ("JPEGImages/2007_000032.jpg", "SegmentationClass/2007_000032.png", "JPEGImages/2008_000002.jpg"),
        {"ImageSets/Segmentation/train.txt": "2007_000032\n"},
        [("JPEGImages/2007_000032.jpg", "SegmentationClass/2007_000032.png")], [],
        "ImageSets/Segmentation/ next to JPEGImages/ and SegmentationClass/", "voc",
    ),
    "cvat": (
        ("JPEGImages/s/a.jpg", "SegmentationClass/s/a.png", "labelmap.txt"),
        {"ImageSets/Segmentation/default.txt": "s/a\n"},
        [("JPEGImages/s/a.jpg", "SegmentationClass/s/a.png")], [],
        "ImageSets/Segmentation/ next to JPEGImages/ and SegmentationClass/, with labelmap.txt", None,
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
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (VOC[2:], VOC_LISTS, "ImageSets/Segmentation/ has lists, but JPEGImages/ contains no image files"),
    (VOC[:2], VOC_LISTS, "but SegmentationClass/ contains no image files"),
    (("SegmentationClass/a.png", "labelmap.txt"), {"ImageSets/Segmentation/default.txt": "a"},
     "JPEGImages/ contains no image files"),
    (("JPEGImages/a.jpg", "SegmentationClassPNG/a.npy"), {}, "neither SegmentationClassPNG/ nor SegmentationClass/"),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))
