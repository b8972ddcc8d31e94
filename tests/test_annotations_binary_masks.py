"""Binary masks: a folder a photograph, a folder a class, the class at the end of the name; one mask each is no case."""

from __future__ import annotations

import numpy as np
import pytest
from annotation_files import SIZE, photograph, png, write

from converter.annotations.binary_masks import find
from converter.annotations.documents import Documents
from converter.sources.tree import list_tree

HASH = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def found_in(folder, photographs, masks):
    for number, name in enumerate(photographs):
        photograph(folder / name, seed=number)
    for name in masks:
        write(folder / name, png(np.ones(SIZE, bool)))
    results = find(Documents(list_tree(folder, follow_links=False), ()))
    pictures = [picture for found in results for picture in found.pictures]
    return {p.path: [(each.label, each.shape.path) for each in p.objects] for p in pictures}, [
        p.split for p in pictures
    ]


@pytest.mark.parametrize("masks", [
    ("masks/p0_tumor.png", "masks/p0_vessel.png", "masks/p1_tumor.png", "masks/p1_vessel.png"),
    ("masks/tumor/p0.png", "masks/vessel/p0.png", "masks/tumor/p1.png", "masks/vessel/p1.png"),
    ("masks/p0/tumor.png", "masks/p0/vessel.png", "masks/p1/tumor.png", "masks/p1/vessel.png"),
    ("tumor/p0.png", "vessel/p0.png", "tumor/p1.png", "vessel/p1.png"),
    ("GT/p0/tumor_01.png", "GT/p0/vessel-2.png", "GT/p1/tumor.png", "GT/p1/vessel 3.png"),
])  # fmt: skip
def test_each_mask_is_of_one_class_of_its_photograph(tmp_path, masks):
    found, splits = found_in(tmp_path, ("images/p0.jpg", "images/p1.jpg"), masks)
    assert {path: [label for label, _ in each] for path, each in found.items()} == {
        "images/p0.jpg": ["tumor", "vessel"], "images/p1.jpg": ["tumor", "vessel"]}  # fmt: skip
    assert sorted(name for each in found.values() for _, name in each) == sorted(masks)
    assert splits == ["", ""]


def test_masks_called_by_a_number_or_a_hash_are_objects(tmp_path):
    names = [f"train/{photo}/images/{photo}.png" for photo in ("aa", "bb")]
    masks = [f"train/aa/masks/{HASH}.png", "train/aa/masks/2.png", "train/bb/masks/mask_3.png"]
    found, splits = found_in(tmp_path, names, masks)
    assert found == {
        names[0]: [("object", masks[1]), ("object", masks[0])] if masks[1] < masks[0] else
        [("object", masks[0]), ("object", masks[1])], names[1]: [("object", masks[2])]}  # fmt: skip
    assert splits == ["train", "train"]


def test_photographs_of_the_same_name_in_two_splits_have_their_own_masks(tmp_path):
    photographs = ("images/train/p.jpg", "images/val/p.jpg")
    masks = ("masks/train/a/p.png", "masks/train/b/p.png", "masks/val/a/p.png", "masks/val/b/p.png")
    found, splits = found_in(tmp_path, photographs, masks)
    assert {path: [name for _, name in each] for path, each in found.items()} == {
        "images/train/p.jpg": [*masks[:2]], "images/val/p.jpg": [*masks[2:]]}  # fmt: skip
    assert splits == ["train", "val"]


def test_one_mask_for_each_photograph_is_a_dataset_and_no_annotation(tmp_path):
    assert found_in(tmp_path, ("images/p0.jpg", "images/p1.jpg"), ("masks/p0.png", "masks/p1.png"))[0] == {}
