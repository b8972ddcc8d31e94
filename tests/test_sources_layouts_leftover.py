"""Leftover: folders of image files that a layout does not use are named with counts, or the user chooses."""

from __future__ import annotations

import pytest
from layout_files import VOC, VOC_LISTS, draw, drawn, find, numbered, options_in, paint, pairs

from converter.errors import UsageError
from converter.limits import MAX_UNUSED_FOLDERS

FOUR = numbered("imgs/{}.png"), numbered("masks/{}.png")


def unused(layout):
    return [(each.code, each.where, each.what) for each in layout.unused]


def test_a_second_pair_of_folders_is_named_with_the_options_that_use_it(tmp_path):
    photos, masks = numbered("imgs{}/0.png", 1, 2), numbered("masks{}/0.png", 1, 2)
    paint(tmp_path, photos=FOUR[0] + photos, masks=FOUR[1] + masks)
    layout = find(tmp_path)
    assert layout.name == "dirs"
    assert unused(layout) == [("W_UNUSED_FOLDER", "imgs2/", "has its masks in masks2/: 1 pair, not used")]
    (way,) = options_in(layout.unused[0].fix)
    assert pairs(find(tmp_path, **way)) == {"train": [("imgs2/0.png", "masks2/0.png")]}


@pytest.mark.parametrize(("photo", "mask", "other"), [
    ("training/images/{}_training.png", "training/mask/{}_training_mask.png", "training/1st_manual/{}_manual1.png"),
    ("images/{}.png", "masks/{}.png", "drawn/{}.png"),
    ("images/{}.jpg", "masks/{}.png", "second/by/hand/{}.png"),
    ("img_dir/train/{}.jpg", "ann_dir/train/{}.png", "gtFine/train/{}_x.png"),
])  # fmt: skip
def test_two_folders_that_could_be_the_masks_are_a_choice(tmp_path, photo, mask, other):
    names = [numbered(each, 6, 21) for each in (photo, mask, other)]
    paint(tmp_path, photos=names[0], masks=names[1] + names[2])
    with pytest.raises(UsageError, match="has 2 folders that could be the masks of ") as caught:
        find(tmp_path)
    assert caught.value.code == "E_LAYOUT"
    ways = options_in(caught.value.fix)
    assert len(ways) == 2
    for way, masks in zip(ways, names[1:], strict=True):
        assert pairs(find(tmp_path, **way)) == {"train": list(zip(names[0], masks, strict=True))}


@pytest.mark.parametrize("other", [numbered("depth/{}.png"), numbered("nir/{}.jpg")])
def test_a_folder_of_other_images_of_the_same_names_is_only_named(tmp_path, other):
    layout = find(paint(tmp_path, photos=FOUR[0] + other, masks=FOUR[1]))
    folder = other[0].partition("/")[0]
    assert unused(layout) == [("W_UNUSED_FOLDER", f"{folder}/", "holds 4 image files, in no pair")]


def test_masks_of_some_of_the_images_alone_are_no_choice(tmp_path):
    layout = find(paint(tmp_path, photos=FOUR[0], masks=FOUR[1] + numbered("drawn/{}.png", 3)))
    assert unused(layout) == [("W_UNUSED_FOLDER", "drawn/", "holds 3 image files, in no pair")]


def test_folders_below_one_that_is_not_used_are_counted_together(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png", "more/x/1.jpg", "more/x/2.jpg", "more/y/z/3.jpg", "logo.png")
    assert unused(find(tmp_path)) == [
        ("W_UNUSED_FOLDER", "the source folder", "holds 1 image file, in no pair"),
        ("W_UNUSED_FOLDER", "more/", "holds 3 image files, in no pair"),
    ]


def test_of_many_folders_some_are_named_and_all_are_counted(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png", *numbered("x{:02}/1.jpg", MAX_UNUSED_FOLDERS + 5))
    found = unused(find(tmp_path))
    assert len(found) == MAX_UNUSED_FOLDERS + 1
    assert found[-1][1:] == ("x20/", "and 4 more folders hold image files that are in no pair")


def test_what_a_known_dataset_has_besides_is_named_and_no_choice(tmp_path):
    layout = find(drawn(tmp_path, (*VOC, "SegmentationObject/a.png", "SegmentationObject/b.png"), VOC_LISTS))
    assert layout.name == "voc"
    assert unused(layout) == [("W_UNUSED_FOLDER", "SegmentationObject/", "holds 2 image files, in no pair")]


def test_lists_and_a_forced_layout_are_choices_already(tmp_path):
    paint(tmp_path / "a", photos=FOUR[0], masks=FOUR[1] + numbered("drawn/{}.png"))
    draw(tmp_path / "a", train="imgs/0.png;masks/0.png\n", val="imgs/1.png;masks/1.png\n")
    assert [each[1] for each in unused(find(tmp_path / "a"))] == ["drawn/"]
    paint(tmp_path / "b", photos=FOUR[0], masks=FOUR[1] + numbered("drawn/{}.png"))
    assert [each[1] for each in unused(find(tmp_path / "b", layout="dirs"))] == ["drawn/"]


def test_photographs_of_a_test_set_are_left_out_by_name_and_not_as_a_folder(tmp_path):
    draw(tmp_path, "images/train/a.jpg", "masks/train/a.png", "images/test/b.jpg")
    assert find(tmp_path).unused == ()
