"""Refusal: the message for a folder that fits no layout says what is missing and how to fix it."""

from __future__ import annotations

import os

import pytest
from layout_files import VOC, draw, drawn, refused, write


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (("raster.tif", "raster_classes.tif", "palette.txt"), {},  # QGIS
     "image files are in the source folder, but no two"),
    (("task-1-annotation-2-by-me@x-tag-Car-0.png", "task-1-annotation-2-by-me@x-tag-Bus-0.png"), {},  # Label Studio
     "image files are in the source folder, but no two"),
    (("readme.md",), {}, ""),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))


def test_a_folder_without_pictures_is_told_so(tmp_path):
    assert "it contains no image files" in refused(draw(tmp_path, "readme.md"))
    (tmp_path / os.fsdecode(b"b\xff.jpg")).touch()
    assert "it contains no image files (1 file whose name is not UTF-8 is left out)" in refused(tmp_path)


@pytest.mark.parametrize(("there", "missing"), [("jpg/a.jpg", "masks"), ("png/a.png", "images")])
def test_a_list_without_one_of_its_folders_is_refused_with_both_facts(tmp_path, there, missing):
    text = refused(draw(tmp_path, there, train="a.jpg;a.png\n"))
    assert "train.txt: 1 line, separator ';', paths below jpg/ and png/: none of its pairs exists" in text
    assert f"no folder of {missing} with the same names" in text


def test_a_dataset_that_was_unpacked_into_a_folder_of_its_own_is_pointed_at(tmp_path):
    for name in VOC:
        draw(tmp_path, f"devkit/VOC2012/{name}")
    write(tmp_path, "devkit/VOC2012/ImageSets/Segmentation/train.txt", "a\n")
    assert f"devkit/VOC2012/ has layout voc: pass --src {tmp_path}/devkit/VOC2012" in refused(tmp_path)


def test_a_forced_layout_that_does_not_fit_is_refused(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png")
    assert "does not have layout cityscapes (leftImg8bit and gtFine)" in refused(tmp_path, layout="cityscapes")
