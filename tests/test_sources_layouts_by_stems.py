"""By stems: folders anywhere below with files of the same names, where no other layout fits."""

from __future__ import annotations

import pytest
from layout_files import assert_is_detected, draw, find, numbered, options_in, paint, pairs

from converter.errors import UsageError
from converter.limits import MAX_SAME_STEM

KNOWN = {
    "stems": (
        ("photos/a.jpg", "pets/trimaps/a.png"), {}, [("photos/a.jpg", "pets/trimaps/a.png")], [],
        "pets/trimaps/ holds 1 image file of the same names as photos/", None,
    ),
    "stems below folders of the splits": (
        ("train/RGB/a.png", "train/GT/SemSeg/a.png", "val/RGB/b.png", "val/GT/SemSeg/b.png"), {},
        [("train/RGB/a.png", "train/GT/SemSeg/a.png")], [("val/RGB/b.png", "val/GT/SemSeg/b.png")],
        "train/GT/SemSeg/, val/GT/SemSeg/ hold 2 image files of the same names as train/RGB/, val/RGB/", None,
    ),
}  # fmt: skip

# name: photos, masks, the expected pair of the first image
WILD = {
    "Oxford pets": (numbered("images/cat_{}.jpg"), numbered("annotations/trimaps/cat_{}.png")),
    "KITTI": (numbered("training/image_2/00000{}_10.png"), numbered("training/semantic/00000{}_10.png")),
    "Mapillary": (numbered("training/images/{}.jpg"), numbered("training/v1.2/labels/{}.png")),
    "BDD100K": (numbered("images/10k/train/{}.jpg"), numbered("labels/sem_seg/masks/train/{}.png")),
    "Semantic Drone": (numbered("dataset/original_images/{}.jpg"), numbered("dataset/label_images_semantic/{}.png")),
    "SYNTHIA": (numbered("RGB/{:07}.png"), numbered("GT/LABELS/{:07}.png")),
    "folders that say nothing": (numbered("one/{}.png"), numbered("two/x/{}.png")),
    "an affix as well": (numbered("one/a{}.jpg"), numbered("two/x/a{}_15label.png")),
    "KITTI road": (
        ("training/image_2/um_0.png", "training/image_2/uu_0.png", "training/image_2/umm_1.png"),
        ("training/gt_image_2/um_road_0.png", "training/gt_image_2/uu_road_0.png",
         "training/gt_image_2/umm_road_1.png"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize("name", WILD)
def test_the_masks_of_datasets_by_others_are_found_wherever_they_are(tmp_path, name):
    photos, masks = WILD[name]
    layout = find(paint(tmp_path, photos=photos, masks=masks))
    assert layout.rejects == layout.unmatched == layout.unused == ()
    assert sorted(pairs(layout)["train"]) == sorted(zip(photos, masks, strict=True))
    assert any(folder in "".join(layout.evidence) for folder in {mask.rpartition("/")[0] for mask in masks})


def test_sequences_that_are_numbered_alike_are_paired_within_each(tmp_path):
    photos = numbered("frames/s1/{}.jpg") + numbered("frames/s2/{}.jpg")
    masks = numbered("drawn/x/s1/{}.png") + numbered("drawn/x/s2/{}.png")
    layout = find(paint(tmp_path, photos=photos, masks=masks))
    assert sorted(pairs(layout)["train"]) == sorted(zip(photos, masks, strict=True))


@pytest.mark.parametrize(("photo", "mask"), [
    ("rgb8/s{}/x.jpg", "drawn/s{}/x.png"), ("s{}/rgb8/x.jpg", "s{}/drawn/x.png"), ("a/s{}/l/x.jpg", "b/c/s{}/l/x.png"),
])  # fmt: skip
def test_names_that_are_in_more_folders_than_are_compared_are_paired_too(tmp_path, photo, mask):
    photos, masks = numbered(photo, MAX_SAME_STEM + 4), numbered(mask, MAX_SAME_STEM + 4)
    layout = find(draw(tmp_path, *photos, *masks))
    assert sorted(pairs(layout)["train"]) == sorted(zip(photos, masks, strict=True))


def test_images_beyond_the_masks_are_named(tmp_path):
    layout = find(paint(tmp_path, photos=numbered("raw/{}.jpg", 6), masks=numbered("out/trimaps/{}.png")))
    assert [(reject.error.where, reject.error.code) for reject in layout.rejects] == [
        ("raw/4.jpg", "E_NO_MASK"),
        ("raw/5.jpg", "E_NO_MASK"),
    ]


def test_two_drawings_of_the_masks_are_a_choice_with_the_options_for_each(tmp_path):
    paint(
        tmp_path,
        photos=numbered("training/images/{}.jpg"),
        masks=numbered("training/v1.2/labels/{}.png") + numbered("training/v1.2/instances/{}.png"),
    )
    with pytest.raises(UsageError, match="has 2 folders that could be the masks of training/images/") as caught:
        find(tmp_path)
    assert caught.value.code == "E_LAYOUT"
    assert "no folder of masks" not in str(caught.value)
    ways = options_in(caught.value.fix)
    assert sorted(way["mask"] for way in ways) == [
        "training/v1.2/instances/{stem}.png",
        "training/v1.2/labels/{stem}.png",
    ]
    assert [len(find(tmp_path, **way).refs["train"]) for way in ways] == [4, 4]


def test_the_options_of_a_choice_hold_for_splits_and_sequences(tmp_path):
    for split in ("train", "val"):
        for kind in ("ids", "shown"):
            paint(
                tmp_path,
                photos=(f"rgb8/{split}/s1/0.jpg", f"rgb8/{split}/s2/0.jpg"),
                masks=(f"out/{kind}/{split}/s1/0.png", f"out/{kind}/{split}/s2/0.png"),
            )
    with pytest.raises(UsageError) as caught:
        find(tmp_path)
    ways = options_in(caught.value.fix)
    assert ways[0] == {"image": "rgb8/{split}/{folder}/{stem}.jpg", "mask": "out/ids/{split}/{folder}/{stem}.png"}
    for way, kind in zip(ways, ("ids", "shown"), strict=True):
        assert pairs(find(tmp_path, **way)) == {
            split: [(f"rgb8/{split}/{s}/0.jpg", f"out/{kind}/{split}/{s}/0.png") for s in ("s1", "s2")]
            for split in ("train", "val")
        }


def test_where_nothing_shows_which_folder_holds_the_masks_the_user_chooses(tmp_path):
    with pytest.raises(UsageError, match="has 2 ways to pair its files") as caught:
        find(draw(tmp_path, *numbered("one/{}.png"), *numbered("two/{}.png")))
    assert {way["mask"] for way in options_in(caught.value.fix)} == {"one/{stem}.png", "two/{stem}.png"}


@pytest.mark.parametrize("kind", ["photos", "masks"])
def test_two_folders_of_one_kind_are_no_pairs(tmp_path, kind):
    with pytest.raises(UsageError, match="has no known layout"):
        find(paint(tmp_path, **{kind: numbered("one/{}.png") + numbered("two/{}.png")}))


def test_frames_of_two_splits_that_are_numbered_alike_are_no_pairs(tmp_path):
    with pytest.raises(UsageError, match="has no known layout"):
        find(draw(tmp_path, *numbered("a/train/{}.jpg"), *numbered("a/val/{}.png")))


def test_one_mask_for_each_class_in_a_folder_of_its_own_is_refused_by_name(tmp_path):
    masks = numbered("masks/tumor/p{}.png") + numbered("masks/vessel/p{}.png")
    paint(tmp_path, photos=numbered("images/p{}.png"), masks=masks, values=2)
    with pytest.raises(UsageError, match=r"has 2 masks an image \(masks/tumor/, masks/vessel/\): merge them") as caught:
        find(tmp_path)
    ways = options_in(caught.value.fix)
    assert [way["mask"] for way in ways] == ["masks/tumor/{stem}.png", "masks/vessel/{stem}.png"]
    assert all(len(find(tmp_path, **way).refs["train"]) == 4 for way in ways)


@pytest.mark.parametrize(("photo", "mask"), [
    ("{:04}.jpg", "{:04}m.png"), ("a{}.jpg", "a{}_lab.png"), ("x{}.png", "x{}_post_target.png"),
    ("t{}.tif", "gt-t{}.tif"),
])  # fmt: skip
def test_one_folder_of_images_and_masks_with_any_constant_text(tmp_path, photo, mask):
    layout = find(paint(tmp_path, photos=numbered(f"d/{photo}"), masks=numbered(f"d/{mask}")))
    assert pairs(layout) == {"train": list(zip(numbered(f"d/{photo}"), numbered(f"d/{mask}"), strict=True))}


@pytest.mark.parametrize(("images", "masks"), [
    ("{0}_img", "{0}_lab"), ("{0}/{0}-org-img", "{0}/{0}-label-img"), ("x/{0}_pictures", "y/{0}_segmentations"),
])  # fmt: skip
def test_folders_with_the_word_of_a_split_in_their_names_are_one_pairing(tmp_path, images, masks):
    for number, split in enumerate(("train", "val", "test")):  # numbered alike, so that a mask could be of any
        names = images.format(split), masks.format(split)
        photos, drawn = (numbered(f"{names[0]}/{{}}.jpg", 3), numbered(f"{names[1]}/{{}}.png", 3))
        paint(tmp_path, photos=photos, masks=drawn, values=2 + number)
    assert pairs(find(tmp_path)) == {
        split: [(f"{images.format(split)}/{n}.jpg", f"{masks.format(split)}/{n}.png") for n in range(3)]
        for split in ("train", "val", "test")
    }


def test_frames_of_several_scenes_that_are_numbered_alike_are_paired_within_their_scene(tmp_path):
    def names(kind: str, folder: str) -> tuple[str, ...]:
        return tuple(f"{day}/{folder}/{day}_{kind}_front_{n:05}.png" for day in ("2018", "2019") for n in (1, 22, 333))

    photos, masks = names("camera", "camera/front"), names("label", "label/front")
    layout = find(paint(tmp_path, photos=photos, masks=masks))
    assert pairs(layout) == {"train": list(zip(photos, masks, strict=True))}


def test_images_and_masks_in_two_formats_are_a_choice_that_has_the_right_pairing(tmp_path):
    for kind in ("png", "jpeg"):
        photos, masks = f"{kind}_images/IMAGES/i{{}}.{kind}", f"{kind}_masks/MASKS/s{{}}.{kind}"
        paint(tmp_path, photos=numbered(photos), masks=numbered(masks))
    with pytest.raises(UsageError, match="has 4 ways to pair its files") as caught:
        find(tmp_path)
    chosen = [way["mask"].partition("/")[0] for way in options_in(caught.value.fix)]
    assert sorted(chosen) == ["jpeg_masks", "jpeg_masks", "png_masks", "png_masks"]  # never both as image and mask


def test_folders_of_two_splits_whose_files_are_numbered_alike_are_paired_within_each(tmp_path):
    photos = numbered("train_set/pics/train_set_{}.jpg") + numbered("val_set/pics/val_set_{}.jpg")
    masks = numbered("train_set/drawn/train_set_{}_15label.png") + numbered("val_set/drawn/val_set_{}_15label.png")
    layout = find(paint(tmp_path, photos=photos, masks=masks))
    assert [pair for split in ("train", "val") for pair in pairs(layout)[split]] == list(
        zip(photos, masks, strict=True)
    )


@pytest.mark.parametrize("mask", ["{kind}_{{}}.tif", "{{}}-{kind}.png"])
def test_one_mask_for_each_class_is_refused_by_name_whatever_the_folders_are_called(tmp_path, mask):
    masks = tuple(name for kind in ("road", "tree", "lake") for name in numbered("drawn/" + mask.format(kind=kind)))
    paint(tmp_path, photos=numbered("tiles/{}.tif"), masks=masks, values=2)
    with pytest.raises(UsageError, match="has 3 masks an image in drawn/ ") as caught:
        find(tmp_path)
    assert "its own value in one mask for each image" in caught.value.fix
    ways = options_in(caught.value.fix)
    assert len(ways) == 3
    assert all(len(find(tmp_path, **way).refs["train"]) == 4 for way in ways)
