"""Unpaired: images without a mask and masks without an image are rejects where no list chooses."""

from __future__ import annotations

import pytest
from layout_files import draw, find, numbered, pairs

PAIR = ("images/1.jpg", "masks/1.png")


def rejects(layout):
    return [(each.split, each.error.code, each.error.where, each.error.what) for each in layout.rejects]


@pytest.mark.parametrize(("files", "expected"), [
    (("images/2.jpg",), [("train", "E_NO_MASK", "images/2.jpg", "has no mask")]),
    (("masks/2.png",), [("train", "E_NO_IMAGE", "masks/2.png", "has no image")]),
    (("images/7.jpg", "masks/07.png"), [
        ("train", "E_NO_MASK", "images/7.jpg", "has no mask"),
        ("train", "E_NO_IMAGE", "masks/07.png", "has no image"),
    ]),
    (("images/y.jpg", "masks/y.jpg.png"), [
        ("train", "E_NO_MASK", "images/y.jpg", "has no mask"),
        ("train", "E_NO_IMAGE", "masks/y.jpg.png", "has no image"),
    ]),
    (("images/s1/x.jpg", "masks/x.png"), [("train", "E_NO_IMAGE", "masks/x.png", "has no image")]),
    (("images/h.HEIF", "masks/h.png"), [
        ("train", "E_NO_IMAGE", "masks/h.png",
         "has no image: images/h.HEIF is a HEIC image, which segconv does not read"),
    ]),
    (("images/n.jpg", "masks/n.npy"), [
        ("train", "E_NO_MASK", "images/n.jpg", "has no mask: masks/n.npy is a NumPy array, which segconv does not read")
    ]),
])  # fmt: skip
def test_what_has_no_partner_is_rejected_by_name(tmp_path, files, expected):
    layout = find(draw(tmp_path, *PAIR, *files))
    assert pairs(layout) == {"train": [PAIR]}
    assert rejects(layout) == expected
    assert layout.unmatched == ()


def test_a_reject_is_of_its_split(tmp_path):
    draw(tmp_path, "images/train/1.jpg", "masks/train/1.png", "images/val/2.jpg", "masks/val/2.png")
    draw(tmp_path, "images/val/3.jpg", "masks/val/4.png")
    assert [each[:3] for each in rejects(find(tmp_path))] == [
        ("val", "E_NO_MASK", "images/val/3.jpg"),
        ("val", "E_NO_IMAGE", "masks/val/4.png"),
    ]


def test_what_a_list_leaves_out_and_other_files_among_the_masks_are_only_unmatched(tmp_path):
    draw(tmp_path / "a", *PAIR, "images/2.jpg", "masks/3.png", train="1\n", val="1\n")
    layout = find(tmp_path / "a")
    assert (layout.rejects, layout.unmatched) == ((), ("images/2.jpg", "masks/3.png"))
    draw(tmp_path / "b", "images/1.jpg", "masks/1_mask.png", "masks/1_color.png")
    layout = find(tmp_path / "b")
    assert (layout.rejects, layout.unmatched) == ((), ("masks/1_color.png",))


@pytest.mark.parametrize("missing", ["background", "ignore"])
def test_with_missing_mask_images_without_one_are_pairs(tmp_path, missing):
    draw(tmp_path, *PAIR, "images/2.jpg", "masks/3.png", "images/test/4.jpg", "masks/x.png")
    layout = find(tmp_path, missing_mask=missing)
    assert pairs(layout) == {"train": [PAIR, ("images/2.jpg", "")]}
    assert f"1 image without a mask, stored as all {missing}" in layout.evidence
    assert [each[1] for each in rejects(layout)] == ["E_NO_IMAGE", "E_NO_IMAGE"]


def test_with_missing_mask_a_split_without_any_mask_stays_left_out(tmp_path):
    draw(tmp_path / "a", "images/train/a.jpg", "masks/train/a.png", "images/test/b.jpg")
    draw(tmp_path / "b", "images/a.jpg", "masks/a.png", "images/b.jpg", train="a\n", val="a\n", test="b\n")
    for name in ("a", "b"):
        layout = find(tmp_path / name, missing_mask="background")
        assert "test" not in layout.refs
        assert any(clause.startswith("test is left out: none of its ") for clause in layout.evidence)


def test_lists_name_images_without_a_mask(tmp_path):
    draw(tmp_path, *numbered("images/{}.jpg"), "masks/0.png", "masks/1.png")
    lines = "images/0.jpg;masks/0.png\nimages/2.jpg;\nimages/3.jpg;\nimages/3.jpg;\n"
    draw(tmp_path, train=lines, val="images/1.jpg;masks/1.png\n")
    layout = find(tmp_path)
    assert [(each.line, each.error.code) for each in layout.rejects] == [(n, "E_NO_MASK") for n in (2, 3, 4)]
    layout = find(tmp_path, missing_mask="ignore")
    assert pairs(layout)["train"] == [("images/0.jpg", "masks/0.png"), ("images/2.jpg", ""), ("images/3.jpg", "")]
    assert [(each.line, each.error.code) for each in layout.rejects] == [(4, "E_NO_MASK")]
    draw(tmp_path / "names", *numbered("images/{}.jpg"), "masks/0.png", train="0\n1\n", val="0\n")
    assert pairs(find(tmp_path / "names", missing_mask="ignore"))["train"][1] == ("images/1.jpg", "")
