"""Affixes: the constant text by which names of masks differ is inferred from all names, or not at all."""

from __future__ import annotations

import pytest
from layout_files import find, numbered, paint, pairs

from converter.sources.layouts.affixes import Group, _verified, infer, kinds_of_masks, within_folder

# image, mask, what the evidence says
CONSTANT = {
    "GID-15": ("img_dir/train/GF2_{}.tif", "ann_dir/train/GF2_{}_15label.png", "names end in nothing and _15label"),
    "prefix": ("images/{}.png", "masks/mask_{}.png", "names begin with nothing and mask_"),
    "two prefixes": ("images/img_{}.png", "labels/label_{}.png", "names begin with img_ and label_"),
    "extension": ("images/a{}.jpg", "masks/a{}.jpg.png", "masks are named after their images with the extension"),
    "MaSTr1325": ("images/{:04}.jpg", "masks/{:04}m.png", "names end in nothing and m"),
    "FloodNet": ("train/img/{}.jpg", "train/label/{}_lab.png", "names end in nothing and _lab"),
    "xView2": ("images/h_{}_post_disaster.png", "labels/h_{}_post_disaster_target.png",
               "names end in nothing and _target"),
    "DRIVE": ("training/images/{}_training.png", "training/masks/{}_manual1.png",
              "names end in _training and _manual1"),
    "prefix and suffix": ("images/rgb_{}_x.png", "masks/gt-{}_seg_y.png",
                          "names begin with rgb_ and gt- and end in _x and _seg_y"),
    "hexadecimal": ("images/a{}f.jpg", "masks/a{}f-truth.png", "names end in nothing and -truth"),
    "infix": ("images/s{}_IMG_x{}.jpg", "masks/s{}_GT_x{}.png", "masks have GT where images have IMG"),
}  # fmt: skip


@pytest.mark.parametrize("name", CONSTANT)
def test_one_constant_text_pairs_all_masks_and_is_printed(tmp_path, name):
    image, mask, text = CONSTANT[name]
    photos, masks = (tuple(each.format(n, 7 * n + 1) for n in range(9, 13)) for each in (image, mask))
    layout = find(paint(tmp_path, photos=photos, masks=masks))
    assert sorted(pairs(layout)["train"]) == sorted(zip(photos, masks, strict=True))
    assert layout.rejects == layout.unmatched == ()
    assert any(clause.startswith(text) for clause in layout.evidence)


def test_images_of_mixed_types_are_found_by_their_full_names(tmp_path):
    photos = ("images/a.jpg", "images/b.JPG", "images/c.png")
    layout = find(paint(tmp_path, photos=photos, masks=tuple(f"masks/{name[7:]}.png" for name in photos)))
    assert [mask for _, mask in pairs(layout)["train"]] == ["masks/a.jpg.png", "masks/b.JPG.png", "masks/c.png.png"]


def test_each_split_may_have_a_text_of_its_own(tmp_path):
    photos = numbered("images/train/{}.jpg") + numbered("images/val/{}.jpg", first=20)
    masks = numbered("masks/train/m{}.png") + numbered("masks/val/{}_x.png", first=20)
    layout = find(paint(tmp_path, photos=photos, masks=masks))
    assert {split: len(refs) for split, refs in pairs(layout).items()} == {"train": 4, "val": 4}
    assert "names end in nothing and _x in masks/val/" in layout.evidence


def groups(images: str, masks: str) -> list[Group]:
    return [Group(frozenset(images.split()), frozenset(masks.split()))]


@pytest.mark.parametrize(("images", "masks"), [
    ("000 001 002", "100 101 102"),  # a part of a number is no prefix
    ("1 2 3", "m_2 m_3 m_4"),  # one mask has no image
    ("1 2 3", "m_1 m_2 n_3"),
    ("a1 b1", "m1"),  # of which image?
    ("cat", "dog"),  # a single pair of different names shows nothing
    ("a", "a_x a_y"),
    ("1", ""),
])  # fmt: skip
def test_what_does_not_explain_every_mask_is_not_inferred(images, masks):
    assert infer(groups(images, masks)) is None


@pytest.mark.parametrize(("images", "masks", "expected"), [
    ("00 01 10 11 12", "m_10 m_11 m_12", {"m_10": "10", "m_11": "11", "m_12": "12"}),
    ("1 2 11 12 21", "x1 x2", {"x1": "1", "x2": "2"}),
    ("cat_1 cat_2 dog_1 dog_2", "m_cat_1 m_cat_2", {"m_cat_1": "cat_1", "m_cat_2": "cat_2"}),
    ("um_1 umm_1 uu_1", "um_road_1 uu_road_1", {"um_road_1": "um_1", "uu_road_1": "uu_1"}),
    ("a_x_1 b_x_2", "a_1 b_2", {"a_1": "a_x_1", "b_2": "b_x_2"}),
    ("7", "mask_7", {"mask_7": "7"}),
])  # fmt: skip
def test_masks_of_some_images_are_given_to_those(images, masks, expected):
    found = infer(groups(images, masks))
    assert found is not None
    assert found.image_of == (expected,)


def test_names_of_no_single_image_are_not_verified():
    assert infer(groups("1 x1", "m_1 m_x1 m_2")) is None
    assert _verified(groups("1 2", "m1 m2"), lambda group, mask: ["1"]) is None
    assert _verified(groups("1 2", "m1 m2"), lambda group, mask: ["1", "2"]) is None


def test_two_ways_to_explain_all_masks_are_none():
    assert infer(groups("a_x_b a_y_b c_x_d c_y_d", "a__b c__d")) is None


def test_kinds_of_masks_are_counted_where_an_image_has_several():
    (group,) = groups("p0 p1", "p0_tumor p1_tumor p0_vessel p1_vessel")
    assert kinds_of_masks(group) == {("", "_tumor"): 2, ("", "_vessel"): 2}
    (group,) = groups("p0 p1", "p0_tumor p1_vessel")
    assert kinds_of_masks(group) is None
    (group,) = groups("p0 p1", "p0_tumor p0_vessel other")
    assert kinds_of_masks(group) is None


def test_within_one_folder_the_longer_names_are_the_masks():
    masks, affixes = within_folder(["a1", "a2", "a3", "a1_x", "a2_x", "a3_x"]) or (frozenset(), None)
    assert masks == {"a1_x", "a2_x", "a3_x"}
    assert affixes is not None and affixes.image_of[0]["a2_x"] == "a2"
    assert within_folder(["a", "b", "c"]) is None
    assert within_folder(["1", "11", "12", "111"]) is None  # numbers
    assert within_folder(["a", "a_x", "b", "c", "d", "e"]) is None  # too few
