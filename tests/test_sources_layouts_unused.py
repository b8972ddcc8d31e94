"""Unused: whatever has a split in its name and is not used is named."""

from __future__ import annotations

import os

import pytest
from layout_files import draw, find
from split_files import in_folders, lines, names, numbers, of_code, six


@pytest.mark.parametrize("folder", ["TestDataset/images", "test", "val_set/x/y", "extra/fold3", "new_split"])
def test_a_folder_of_images_in_no_pair_is_named(tmp_path, folder):
    draw(tmp_path, f"{folder}/q.jpg", f"{folder}/r.jpg")
    layout = in_folders(tmp_path, "a")
    (unused,) = of_code(layout, "W_UNUSED_FOLDER")
    assert f"{folder}/".startswith(unused.where)
    assert unused.what == "holds 2 image files, in no pair"


@pytest.mark.parametrize("name", ["test.zip", "val_set.tar.gz", "x/train.mat", "test.parquet", "train_test_split.yaml"])
def test_an_archive_or_yaml_file_named_like_a_split_is_named(tmp_path, name):
    (unused,) = six(tmp_path, {}, name).unused
    assert (unused.code, unused.where) == ("W_UNUSED_FILE", name)


@pytest.mark.parametrize("form", [lines, names])
def test_lists_of_folds_are_named_with_the_options_that_use_them(tmp_path, form):
    layout = six(tmp_path, {f"fold_{i}.txt": form((2 * i, 2 * i + 1)) for i in range(3)})
    assert numbers(layout) == {"train": 6}
    (unused,) = layout.unused
    assert (unused.code, unused.where) == ("W_FOLDS", ".")
    ways = [way.rstrip(".") for way in unused.fix.split("--list ")[1:]]
    lists = tuple(tuple(way.strip().split("=")) for way in ways)
    assert numbers(find(tmp_path, lists=lists)) == {"train": 4, "val": 2}


def test_names_that_are_not_utf8_are_escaped_and_counted(tmp_path):
    six(tmp_path, {})
    for name in (b"caf\xe9.jpg", b"\xfc1.jpg", b"\xfc2.jpg", b"\xfc3.jpg"):
        (tmp_path / "images" / os.fsdecode(name)).touch()
    (unused,) = of_code(find(tmp_path), "W_NAME_ENCODING")
    assert unused.where == os.fsdecode(b"images/caf\xe9.jpg")
    assert unused.what == (
        "is left out, since its name is not UTF-8, as are \\udcfc1.jpg, \\udcfc2.jpg and 1 more (together 4)"
    )
