"""Split source: a test set that can be seen is never mixed with the other splits, and something must be readable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from divided_pairs import pair

from converter.checking.split_plan import SplitConfig
from converter.checking.split_source import check_layout, check_read, is_made_by_split, next_step
from converter.config import SourceConfig
from converter.errors import DataError, UsageError
from converter.sources.layouts.layout import Layout
from converter.sources.refs import ExampleRef, Unused


def layout(*splits: str, unused: tuple[Unused, ...] = ()) -> Layout:
    return Layout("list", (), {split: (ExampleRef(split, f"{split}.jpg", "m.png"),) for split in splits}, unused=unused)


def test_a_dataset_that_is_split_is_split_again_only_with_overwrite(tmp_path):
    with pytest.raises(UsageError, match="is already split: train, val"):
        check_layout(SourceConfig(tmp_path), layout("train", "val"), SplitConfig(), overwrite=False)
    check_layout(SourceConfig(tmp_path), layout("train", "val"), SplitConfig(), overwrite=True)
    check_layout(SourceConfig(tmp_path), layout("train", "test"), SplitConfig(), overwrite=False)


def test_a_test_split_of_the_dataset_is_not_drawn_again(tmp_path):
    config = SplitConfig(test=0.2)
    with pytest.raises(UsageError, match="would mix the 1 pairs of the dataset's own test split") as caught:
        check_layout(SourceConfig(tmp_path), layout("train", "test"), config, overwrite=True)
    assert "Leave out --test" in caught.value.fix
    (tmp_path / "test.txt").write_text("# segconv split --val 0.2\na;b\n")
    check_layout(SourceConfig(tmp_path), layout("train", "test"), config, overwrite=True)
    assert is_made_by_split(tmp_path, "test")
    assert not is_made_by_split(tmp_path, "val")


@pytest.mark.parametrize(("where", "is_test"), [
    ("test.csv", True), ("TestDataset", True), ("ImageSets/test.txt", True), ("lists/uavid_test", True),
    ("testing_data/labels", True), ("train_list.txt", False), ("latest", False), ("contest.txt", False),
])  # fmt: skip
def test_a_test_set_that_the_layout_does_not_use_is_not_mixed_in(tmp_path: Path, where, is_test):
    unused = (Unused("W_UNUSED_LIST", where, "names 3 images", "Do this."), Unused("W_UNREAD_FILES", "test", "", ""))
    unused += (Unused("W_UNUSED_FOLDER", "test/images", "holds 3 image files, in no pair", "Leave it."),)
    if is_test:
        with pytest.raises(UsageError, match=r"may be a test set that is not used \(names 3 images\).*Do this"):
            check_layout(SourceConfig(tmp_path), layout("train", unused=unused), SplitConfig(), overwrite=True)
    else:
        check_layout(SourceConfig(tmp_path), layout("train", unused=unused), SplitConfig(), overwrite=True)


def test_masks_of_which_none_can_be_read_are_refused_and_some_are_counted():
    error = DataError("png/a.png", "is damaged", "Save it again.", "E_DAMAGED")
    bad = [replace(pair(name), values=(), error=error) for name in "ab"]
    with pytest.raises(UsageError, match="is damaged; no mask of the 2 pairs could be read") as caught:
        check_read(bad)
    assert (caught.value.code, caught.value.fix) == ("E_DAMAGED", "Save it again.")
    assert check_read([*bad, pair("c")]) == bad
    assert check_read([]) == []


def test_the_next_command_needs_no_layout_any_more():
    source = SourceConfig(Path("my data"), image="a/{stem}.jpg", mask="b/{stem}.png", follow_links=True)
    assert next_step(source, 3, has_classes=True) == "segconv build --src 'my data' --follow-links --tolerance 3"
    assert next_step(source, 3, has_classes=False) == "segconv classes --src 'my data' --follow-links --write"
