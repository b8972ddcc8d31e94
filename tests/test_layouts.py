"""Facts about source folders: which lists and folders are taken, and what is missed by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.errors import UsageError
from converter.layouts import SplitSource, find_splits


def lay_out(folder: Path, *names: str) -> Path:
    """Makes folders for names that end in a slash, and lists for the others."""
    for name in names:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.write_text("a.jpg;a.png\n")
    return folder


def test_the_tutorials_layout_has_folders_of_its_own_for_val(tmp_path):
    lay_out(tmp_path, "jpg/", "png/", "val_jpg/", "val_png/", "train.txt", "val.txt")
    assert find_splits(tmp_path) == [
        SplitSource("train", tmp_path / "train.txt", "jpg", "png"),
        SplitSource("val", tmp_path / "val.txt", "val_jpg", "val_png"),
    ]


def test_splits_without_folders_of_their_own_share_those_of_train(tmp_path):
    lay_out(tmp_path, "jpg/", "png/", "test.txt", "val.txt", "train.txt")
    found = [(split.name, split.image_dir, split.mask_dir) for split in find_splits(tmp_path)]
    assert found == [("train", "jpg", "png"), ("val", "jpg", "png"), ("test", "jpg", "png")]


def test_train_alone_is_enough_and_other_lists_are_left_alone(tmp_path):
    lay_out(tmp_path, "jpg/", "png/", "train.txt", "notes.txt")
    assert [split.name for split in find_splits(tmp_path)] == ["train"]


def test_val_folders_without_a_list_make_no_split(tmp_path):
    lay_out(tmp_path, "jpg/", "png/", "val_jpg/", "val_png/", "train.txt")
    assert [split.name for split in find_splits(tmp_path)] == ["train"]


def test_train_never_takes_a_folder_named_after_it(tmp_path):
    lay_out(tmp_path, "jpg/", "png/", "train_jpg/", "train_png/", "train.txt")
    assert [(split.image_dir, split.mask_dir) for split in find_splits(tmp_path)] == [("jpg", "png")]


@pytest.mark.parametrize("lists", [(), ("val.txt",), ("train.txt/",)])
def test_a_folder_without_train_txt_is_refused(tmp_path, lists):
    with pytest.raises(UsageError, match=r"train\.txt: does not exist\. Expected") as caught:
        find_splits(lay_out(tmp_path, "jpg/", "png/", *lists))
    assert caught.value.code == "E_LIST"


@pytest.mark.parametrize(("there", "missed"), [("jpg/", "png"), ("png/", "jpg")])
def test_a_missing_folder_is_named(tmp_path, there, missed):
    with pytest.raises(UsageError, match=f"{missed}: is no folder") as caught:
        find_splits(lay_out(tmp_path, there, "train.txt"))
    assert caught.value.code == "E_LAYOUT"


def test_a_missing_source_folder_is_named(tmp_path):
    for name in ("missing", "file"):
        (tmp_path / "file").write_text("")
        with pytest.raises(UsageError, match=f"{name}: is no folder") as caught:
            find_splits(tmp_path / name)
        assert caught.value.code == "E_SRC"
