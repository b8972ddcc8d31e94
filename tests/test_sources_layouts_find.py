"""Find: one layout is found, or the user is asked which; a missing folder is named."""

from __future__ import annotations

import pytest
from layout_files import draw, find, pairs, refused

from converter.errors import UsageError


def test_a_missing_source_folder_is_named(tmp_path):
    for name in ("missing", "file"):
        (tmp_path / "file").write_text("")
        with pytest.raises(UsageError, match=f"{name}: is not a folder") as caught:
            find(tmp_path / name)
        assert caught.value.code == "E_SRC"


def test_two_folders_of_masks_for_the_same_photographs_are_no_choice_of_ours(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png", "labels/a.png")
    with pytest.raises(UsageError, match="has more than one layout: images/ matches each of labels/, masks/") as caught:
        find(tmp_path)
    assert caught.value.fix == (
        "Pass --image 'images/{stem}.jpg' --mask 'labels/{stem}.png' (1 pair), "
        "or --image 'images/{stem}.jpg' --mask 'masks/{stem}.png' (1 pair)."
    )
    layout = find(tmp_path, image="images/{stem}.jpg", mask="labels/{stem}.png")
    assert pairs(layout) == {"train": [("images/a.jpg", "labels/a.png")]}


def test_a_later_rule_that_finds_other_masks_stops_the_search_until_the_user_says_which(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png", "raw/b.jpg", "raw/b_mask.png")
    text = refused(tmp_path)
    assert (
        "dirs: images/ and masks/ side by side, 1 pairs; suffix: *.* and *_mask.* in one folder: raw/, 1 pairs" in text
    )
    assert pairs(find(tmp_path, layout="dirs")) == {"train": [("images/a.jpg", "masks/a.png")]}
    assert pairs(find(tmp_path, layout="suffix")) == {"train": [("raw/b.jpg", "raw/b_mask.png")]}
