"""A folder of images and one of masks: found under any of their usual names."""

from __future__ import annotations

import pytest
from layout_files import assert_is_detected, draw, drawn, find, options_in, pairs, refused

from converter.errors import UsageError

# name of the layout: files, files with text, train pairs, val pairs, clause of the evidence, preset
KNOWN = {
    "siblings": (  # CamVid of Kaggle
        ("train/S.png", "train_labels/S_L.png", "val/T.png", "val_labels/T_L.png", "class_dict.csv"), {},
        [("train/S.png", "train_labels/S_L.png")], [("val/T.png", "val_labels/T_L.png")],
        "train/, val/ and train_labels/, val_labels/ side by side", None,
    ),
    "siblings of SegNet, without its lists": (
        ("train/S.png", "trainannot/S.png", "val/T.png", "valannot/T.png"), {},
        [("train/S.png", "trainannot/S.png")], [("val/T.png", "valannot/T.png")],
        "train/, val/ and trainannot/, valannot/ side by side", None,
    ),
    "mmseg": (
        ("img_dir/train/a.jpg", "ann_dir/train/a.png", "img_dir/val/b.jpg", "ann_dir/val/b.png"), {},
        [("img_dir/train/a.jpg", "ann_dir/train/a.png")], [("img_dir/val/b.jpg", "ann_dir/val/b.png")],
        "img_dir/train/, img_dir/val/ and ann_dir/train/, ann_dir/val/ side by side", None,
    ),
    "mmseg with suffixes and lists of stems": (
        ("img_dir/a_sat.jpg", "ann_dir/a_labelTrainIds.png", "img_dir/b_sat.jpg", "ann_dir/b_labelTrainIds.png"),
        {"splits/train.txt": "a\n", "splits/val.txt": "b\n"},
        [("img_dir/a_sat.jpg", "ann_dir/a_labelTrainIds.png")], [("img_dir/b_sat.jpg", "ann_dir/b_labelTrainIds.png")],
        "names end in _sat and _labelTrainIds", None,
    ),
    "dirs of Ultralytics": (
        ("images/train/a.jpg", "masks/train/a.png", "images/val/b.jpg", "masks/val/b.png"), {},
        [("images/train/a.jpg", "masks/train/a.png")], [("images/val/b.jpg", "masks/val/b.png")],
        "images/train/, images/val/ and masks/train/, masks/val/ side by side", None,
    ),
    "dirs of Datumaro": (
        ("images/a.jpg", "masks/a.png", "dataset_meta.json"), {}, [("images/a.jpg", "masks/a.png")], [],
        "images/ and masks/ side by side", None,
    ),
    "dirs of Hasty, below its export": (
        ("export/images/a.jpg", "export/labels/a.png", "label_classes.json"), {},
        [("export/images/a.jpg", "export/labels/a.png")], [],
        "export/images/ and export/labels/ side by side", None,
    ),
    "dirs of divamgupta": (
        ("images_prepped_train/a.png", "annotations_prepped_train/a.png", "images_prepped_val/b.png",
         "annotations_prepped_val/b.png"), {},
        [("images_prepped_train/a.png", "annotations_prepped_train/a.png")],
        [("images_prepped_val/b.png", "annotations_prepped_val/b.png")],
        "images_prepped_train/, images_prepped_val/ and annotations_prepped_train/, annotations_prepped_val/ "
        "side by side", None,
    ),
    "dirs of the tutorial, without its lists": (
        ("jpg/a.jpg", "png/a.png", "val_jpg/b.jpg", "val_png/b.png"), {},
        [("jpg/a.jpg", "png/a.png")], [("val_jpg/b.jpg", "val_png/b.png")],
        "jpg/, val_jpg/ and png/, val_png/ side by side", None,
    ),
    "dirs below folders of the splits": (
        ("train/rgb/a.jpg", "train/gt/a.png", "Validation/rgb/b.jpg", "Validation/gt/b.png"), {},
        [("train/rgb/a.jpg", "train/gt/a.png")], [("Validation/rgb/b.jpg", "Validation/gt/b.png")],
        "Validation/rgb/, train/rgb/ and Validation/gt/, train/gt/ side by side", None,
    ),
    "dirs of GeoTIFF pairs": (
        ("images/1.tif", "labels/1.tif", "palette.txt"), {}, [("images/1.tif", "labels/1.tif")], [],
        "images/ and labels/ side by side", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (("train_images/a.png", "val_images/b.png"), {}, "train_images/ has 1 image, but no folder of masks"),
    (("img_dir/train/a.jpg", "ann_dir/train/b.png"), {}, "no two names match (a.jpg, b.png)"),
    (("images/train/a.jpg", "images/train/b.jpg"), {}, "images/train/ has 2 images, but no folder of masks"),
    (("masks/a.png",), {}, "masks/ has 1 mask, but no folder of images with the same names"),
    (("photos/a.jpg", "dataset/b.png", "label_classes.json"), {}, "photos/ has 1 image"),
    (("images/a.tif", "labels/b.tif"), {}, "images/ and labels/ are side by side, but no two names match"),
    (("images/train2017/1.jpg", "annotations/panoptic_train2017/1.png", "annotations/panoptic_train2017.json"), {},
     "annotations/panoptic_train2017/ holds COCO panoptic ids, not classes"),
    (("annotations_prepped_train/a.png",), {}, "annotations_prepped_train/ has 1 mask"),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))


def test_all_images_in_two_formats_are_a_choice_and_not_stored_twice(tmp_path):
    for form in ("png", "tif"):
        for split in ("train", "val"):
            draw(tmp_path, *(f"{form}/{split}{tail}/{split}{n}.{form}" for tail in ("", "_labels") for n in range(2)))
    with pytest.raises(UsageError, match="has each image in 2 formats") as caught:
        find(tmp_path)
    png, tif = options_in(caught.value.fix)
    assert png == {"image": "png/{split}/{stem}.png", "mask": "png/{split}_labels/{stem}.png"}
    assert pairs(find(tmp_path, **tif)) == {
        split: [(f"tif/{split}/{split}{n}.tif", f"tif/{split}_labels/{split}{n}.tif") for n in range(2)]
        for split in ("train", "val")
    }


def test_scenes_whose_frames_are_numbered_alike_are_not_the_same_images(tmp_path):
    draw(tmp_path, *(f"{s}/{kind}/{n}.png" for s in "ab" for kind in ("images", "masks") for n in range(2)))
    assert len(find(tmp_path).refs["train"]) == 4
    for number in range(2):
        (tmp_path / f"b/images/{number}.png").rename(tmp_path / f"b/images/{number}.jpg")
    assert len(find(tmp_path).refs["train"]) == 4
