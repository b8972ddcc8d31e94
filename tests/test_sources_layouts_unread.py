"""Unread: image files of formats that are not read are named, with what to do."""

from __future__ import annotations

import pytest
from layout_files import draw, numbered, refused

from converter.sources.layouts.tree import list_tree
from converter.sources.layouts.unread import bare, unread_by_stem, unread_folders, unread_kind


@pytest.mark.parametrize(("name", "kind"), [
    ("a.heic", "HEIC"), ("a.HEIF", "HEIC"), ("a.jxl", "JPEG XL"), ("x/a.b.jp2", "JPEG 2000"), ("a.npy", "NumPy"),
    ("a.avif", "AVIF"), ("a.nii.gz", "medical volume"), ("a.NEF", "camera raw"), ("a.tga", "TGA"),
])  # fmt: skip
def test_a_format_is_known_by_its_extension(name, kind):
    found = unread_kind(name)
    assert found is not None
    assert found[0] == kind
    assert found[1].endswith(".")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.txt", "heic", ".heic", "a.json", "a.gz", ""])
def test_other_files_are_none(name):
    assert unread_kind(name) is None


def test_folders_are_counted_and_files_found_by_their_names(tmp_path):
    tree = list_tree(draw(tmp_path, *numbered("in/{}.heic"), "X.Jxl", "in/a.jpg"), follow_links=False)
    assert unread_folders(tree) == [
        "in/ holds 4 HEIC files, which segconv does not read: convert them to JPEG or PNG, without resizing",
        "the source folder holds 1 JPEG XL file, which segconv does not read: convert them to JPEG or PNG, "
        "without resizing",
    ]
    assert unread_by_stem(tree)[bare("masks/x.png")] == "X.Jxl"


@pytest.mark.parametrize(("extension", "kind"), [
    (".heic", "HEIC"), (".jxl", "JPEG XL"), (".jp2", "JPEG 2000"), (".npy", "NumPy"),
])  # fmt: skip
def test_a_dataset_whose_images_are_not_read_says_so_and_never_that_there_is_no_folder(tmp_path, extension, kind):
    text = refused(draw(tmp_path, *numbered(f"images/{{}}{extension}"), *numbered("masks/{}.png")))
    assert f"images/ holds 4 {kind} files, which segconv does not read" in text
    assert "no folder of" not in text
