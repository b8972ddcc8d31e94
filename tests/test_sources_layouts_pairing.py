"""Pairing: which image belongs to which mask, and which names are ambiguous."""

from __future__ import annotations

from layout_files import draw, find, pairs, refused


def test_a_split_without_masks_is_left_out_and_one_without_train_is_refused(tmp_path):
    layout = find(draw(tmp_path / "a", "images/train/a.jpg", "masks/train/a.png", "images/test/b.jpg"))
    assert list(layout.refs) == ["train"]
    assert layout.evidence[-1] == "test is left out: none of its 1 images has a mask"
    assert layout.unmatched == ()
    assert "has pairs of val, but none of train" in refused(draw(tmp_path / "b", "images/val/a.jpg", "masks/val/a.png"))


def test_two_photographs_of_one_name_are_refused_by_name_and_the_others_are_kept(tmp_path):
    draw(tmp_path, "images/a.jpeg", "images/a.jpg", "masks/a.png", "images/b.jpg", "masks/b.png")
    layout = find(tmp_path)
    assert pairs(layout) == {"train": [("images/b.jpg", "masks/b.png")]}
    assert [(reject.error.where, reject.error.code) for reject in layout.rejects] == [("images/a.jpg", "E_DUPLICATE")]


def test_names_that_differ_in_case_or_unicode_form_are_pairs_and_are_counted(tmp_path):
    draw(tmp_path, "images/A1.JPG", "masks/a1.png", "images/caf\u00e9.jpg", "masks/cafe\u0301.png")
    layout = find(tmp_path)
    assert pairs(layout) == {
        "train": [("images/A1.JPG", "masks/a1.png"), ("images/caf\u00e9.jpg", "masks/cafe\u0301.png")]
    }
    assert "2 masks were found in a different case" in layout.evidence
