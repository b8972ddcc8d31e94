"""Facts about source folders: each layout is told by its files, each near miss is refused with a way out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from converter.config import SourceConfig
from converter.errors import UsageError
from converter.sources.layouts import tree
from converter.sources.layouts.find import Layout, find_layout
from converter.sources.layouts.registry import LAYOUTS


def draw(folder: Path, *names: str, **lists: str) -> Path:
    """Makes empty files, folders for names that end in a slash, and lists: train="a;b" writes train.txt."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.touch()
    for name, content in lists.items():
        (folder / f"{name}.txt").write_text(content)
    return folder


def write(folder: Path, name: str, content: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def find(folder: Path, **options: object) -> Layout:
    return find_layout(SourceConfig(folder, **options))  # type: ignore[arg-type]


def pairs(layout: Layout) -> dict[str, list[tuple[str, str]]]:
    return {split: [(ref.image, ref.mask) for ref in refs] for split, refs in layout.refs.items()}


def refused(folder: Path, **options: object) -> str:
    """Returns the one line with which a folder is refused, after holding it against what every such line must have."""
    with pytest.raises(UsageError) as caught:
        find(folder, **options)
    assert caught.value.code == "E_LAYOUT"
    assert "--layout" in caught.value.mend
    assert "--image" in caught.value.mend
    return caught.value.what


VOC = ("JPEGImages/a.jpg", "JPEGImages/b.jpg", "SegmentationClass/a.png", "SegmentationClass/b.png")
VOC_LISTS = {"ImageSets/Segmentation/train.txt": "a\n", "ImageSets/Segmentation/val.txt": "b\n"}
CITY = "leftImg8bit/train/aachen/a_1_leftImg8bit.png"

# name of the layout, files, files with text, pairs of train, pairs of val, clause of the evidence, preset
KNOWN = {
    "voc": (
        (*VOC, "SegmentationObject/a.png"), VOC_LISTS | {"ImageSets/Segmentation/trainval.txt": "a\nb\n"},
        [("JPEGImages/a.jpg", "SegmentationClass/a.png")], [("JPEGImages/b.jpg", "SegmentationClass/b.png")],
        "ImageSets/Segmentation/ beside JPEGImages/ and SegmentationClass/", None,
    ),
    "voc as published": (
        ("JPEGImages/2007_000032.jpg", "SegmentationClass/2007_000032.png", "JPEGImages/2008_000002.jpg"),
        {"ImageSets/Segmentation/train.txt": "2007_000032\n"},
        [("JPEGImages/2007_000032.jpg", "SegmentationClass/2007_000032.png")], [],
        "ImageSets/Segmentation/ beside JPEGImages/ and SegmentationClass/", "voc",
    ),
    "cvat": (
        ("JPEGImages/s/a.jpg", "SegmentationClass/s/a.png", "labelmap.txt"),
        {"ImageSets/Segmentation/default.txt": "s/a\n"},
        [("JPEGImages/s/a.jpg", "SegmentationClass/s/a.png")], [],
        "ImageSets/Segmentation/ beside JPEGImages/ and SegmentationClass/, with labelmap.txt", None,
    ),
    "labelme": (
        ("JPEGImages/a.jpg", "SegmentationClassPNG/a.png", "SegmentationClass/a.npy", "class_names.txt",
         "SegmentationClassVisualization/a.jpg"), {},
        [("JPEGImages/a.jpg", "SegmentationClassPNG/a.png")], [],
        "JPEGImages/ and SegmentationClassPNG/ side by side, without ImageSets/", None,
    ),
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
    "list of SegNet": (
        ("train/S.png", "trainannot/S.png", "val/T.png", "valannot/T.png"),
        {"train.txt": "/SegNet/CamVid/train/S.png /SegNet/CamVid/trainannot/S.png\n",
         "val.txt": "/SegNet/CamVid/val/T.png /SegNet/CamVid/valannot/T.png\n"},
        [("train/S.png", "trainannot/S.png")], [("val/T.png", "valannot/T.png")],
        "train.txt: 1 line, separator space, paths without their first folders (2)", None,
    ),
    "list of the CamVid original, below its folder": (
        ("CamVid/train/S.png", "CamVid/trainannot/S.png"), {"CamVid/train.txt": "train/S.png trainannot/S.png\n"},
        [("CamVid/train/S.png", "CamVid/trainannot/S.png")], [],
        "CamVid/train.txt: 1 line, separator space, paths from CamVid/", None,
    ),
    "roboflow": (
        ("train/x.jpg", "train/x_mask.png", "train/_classes.csv", "valid/y.jpg", "valid/y_mask.png",
         "valid/_classes.csv"), {},
        [("train/x.jpg", "train/x_mask.png")], [("valid/y.jpg", "valid/y_mask.png")],
        "_classes.csv and *_mask.png in train/, valid/", None,
    ),
    "cityscapes": (
        (CITY, "gtFine/train/aachen/a_1_gtFine_labelIds.png", "gtFine/train/aachen/a_1_gtFine_color.png",
         "leftImg8bit/val/ulm/b_leftImg8bit.png", "gtFine/val/ulm/b_gtFine_labelIds.png",
         "gtFine/val/ulm/b_gtFine_labelTrainIds.png"), {},
        [(CITY, "gtFine/train/aachen/a_1_gtFine_labelIds.png")],
        [("leftImg8bit/val/ulm/b_leftImg8bit.png", "gtFine/val/ulm/b_gtFine_labelIds.png")],
        "leftImg8bit/ and gtFine/ side by side: 2 cities", "cityscapes",
    ),
    "cityscapes with TrainIds": (
        (CITY, "gtFine/train/aachen/a_1_gtFine_labelTrainIds.png"), {},
        [(CITY, "gtFine/train/aachen/a_1_gtFine_labelTrainIds.png")], [],
        "masks _gtFine_labelTrainIds", "cityscapes-train",
    ),
    "ade20k": (
        ("images/training/a.jpg", "annotations/training/a.png", "images/validation/b.jpg",
         "annotations/validation/b.png", "objectInfo150.txt"), {},
        [("images/training/a.jpg", "annotations/training/a.png")],
        [("images/validation/b.jpg", "annotations/validation/b.png")],
        "images/training/ and annotations/training/", None,
    ),
    "ade20k as published": (
        ("images/training/ADE_train_00000001.jpg", "annotations/training/ADE_train_00000001.png"), {},
        [("images/training/ADE_train_00000001.jpg", "annotations/training/ADE_train_00000001.png")], [],
        "images/training/ and annotations/training/", "ade20k",
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
    "supervisely": (
        ("one/img/a.jpg", "one/masks_machine/a.png", "one/masks_human/a.png", "two/img/a.jpg",
         "two/masks_machine/a.png", "obj_class_to_machine_color.json"), {},
        [("one/img/a.jpg", "one/masks_machine/a.png"), ("two/img/a.jpg", "two/masks_machine/a.png")], [],
        "img/ and masks_machine/ side by side in one/, two/", None,
    ),
    "coco-stuff": (
        ("train2017/S.jpg", "train2017/S.png", "val2017/T.jpg", "val2017/T.png", "labels.txt"), {},
        [("train2017/S.jpg", "train2017/S.png")], [("val2017/T.jpg", "val2017/T.png")],
        "*.jpg and *.png in one folder: train2017/, val2017/", None,
    ),
    "nnunet": (
        ("imagesTr/C_0000.png", "labelsTr/C.png", "imagesTs/D_0000.png", "dataset.json"), {},
        [("imagesTr/C_0000.png", "labelsTr/C.png")], [],
        "test is left out: none of its 1 photographs has a mask", None,
    ),
    "potsdam": (
        ("2_Ortho_RGB/top_potsdam_2_10_RGB.tif", "5_Labels_all/top_potsdam_2_10_label.tif",
         "4_Ortho_RGBIR/top_potsdam_2_10_RGBIR.tif"), {},
        [("2_Ortho_RGB/top_potsdam_2_10_RGB.tif", "5_Labels_all/top_potsdam_2_10_label.tif")], [],
        "top_potsdam_*_RGB.tif and top_potsdam_*_label.tif", "potsdam",
    ),
    "loveda": (
        ("Train/Rural/images_png/1.png", "Train/Rural/masks_png/1.png", "Train/Urban/images_png/1.png",
         "Train/Urban/masks_png/1.png", "Val/Urban/images_png/3.png", "Val/Urban/masks_png/3.png",
         "Test/Urban/images_png/5.png"), {},
        [("Train/Rural/images_png/1.png", "Train/Rural/masks_png/1.png"),
         ("Train/Urban/images_png/1.png", "Train/Urban/masks_png/1.png")],
        [("Val/Urban/images_png/3.png", "Val/Urban/masks_png/3.png")],
        "images_png/ and masks_png/ side by side in Train/Rural/, Train/Urban/, Val/Urban/", "loveda",
    ),
    "deepglobe": (
        ("train/1_sat.jpg", "train/1_mask.png", "valid/2_sat.jpg", "class_dict.csv"), {},
        [("train/1_sat.jpg", "train/1_mask.png")], [],
        "*_sat.jpg and *_mask.png in one folder: train/", "deepglobe",
    ),
    "landcover": (
        ("output/S_0.jpg", "output/S_0_m.png", "output/T_0.jpg", "output/T_0_m.png"),
        {"train.txt": "S_0\n", "val.txt": "T_0\n"},
        [("output/S_0.jpg", "output/S_0_m.png")], [("output/T_0.jpg", "output/T_0_m.png")],
        "train.txt: 1 line, one name a line, names below output/, 1 name was given without extension", None,
    ),
    "dirs of GeoTIFF pairs": (
        ("images/1.tif", "labels/1.tif", "palette.txt"), {}, [("images/1.tif", "labels/1.tif")], [],
        "images/ and labels/ side by side", None,
    ),
    "suffix of GeoTIFF pairs": (
        ("1.tif", "1_mask.tif"), {}, [("1.tif", "1_mask.tif")], [],
        "*.* and *_mask.* in one folder: the source folder", None,
    ),
    "suffix": (
        ("train/a.jpg", "train/a_label.png", "val/b.jpg", "val/b_label.png"), {},
        [("train/a.jpg", "train/a_label.png")], [("val/b.jpg", "val/b_label.png")],
        "*.* and *_label.* in one folder: train/, val/", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    files, texts, train, val, evidence, preset = KNOWN[row]
    draw(tmp_path, *files)
    for name, text in texts.items():
        write(tmp_path, name, text)
    layout = find(tmp_path)
    assert layout.name == row.split()[0]
    assert pairs(layout) == {"train": train} | ({"val": val} if val else {})
    assert evidence in layout.evidence
    assert layout.preset == preset
    assert layout.rejects == ()
    assert find(tmp_path, layout=layout.name) == layout


def test_every_layout_has_a_row_above_and_words_for_the_user():
    assert {row.split()[0] for row in KNOWN} == set(LAYOUTS)
    assert all(LAYOUTS.values())


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (VOC[2:], VOC_LISTS, "ImageSets/Segmentation/ has lists, but JPEGImages/ holds no pictures"),
    (VOC[:2], VOC_LISTS, "but SegmentationClass/ holds no pictures"),
    (("SegmentationClass/a.png", "labelmap.txt"), {"ImageSets/Segmentation/default.txt": "a"},
     "JPEGImages/ holds no pictures"),
    (("JPEGImages/a.jpg", "SegmentationClassPNG/a.npy"), {}, "neither SegmentationClassPNG/ nor SegmentationClass/"),
    (("train_images/a.png", "val_images/a.png"), {}, "train_images/ has 1 photograph, but no folder of masks"),
    (("train/S.png", "trainannot/S.png"), {"train.txt": "S.png S.png x"}, None),
    (("train/x.jpg", "train/x_msk.png", "train/_classes.csv"), {}, "no photograph there has its _mask.png"),
    ((CITY,), {}, "leftImg8bit/ without gtFine/"),
    ((CITY, "gtFine/train/aachen/a_1_gtFine_color.png"), {}, "no mask ends in _gtFine_labelIds.png"),
    (("images/training/a.jpg",), {}, "images/training/ has pictures, but there is no annotations/training/"),
    (("img_dir/train/a.jpg", "ann_dir/train/b.png"), {}, "no two names agree (a.jpg, b.png)"),
    (("images/train/a.jpg", "images/train/b.jpg"), {}, "images/train/ has 2 photographs, but no folder of masks"),
    (("masks/a.png",), {}, "masks/ has 1 mask, but no folder of photographs beside it"),
    (("one/masks_machine/a.png",), {}, "one/masks_machine/ without img/ beside it"),
    (("photos/a.jpg", "dataset/a.png", "label_classes.json"), {}, "photos/ has 1 photograph"),
    (("train2017/S.jpg", "val2017/S.png"), {},
     "pictures lie in train2017/, val2017/, but no two of them go together by folder or name"),
    (("output/S_0.jpg", "output/S_0_n.png"), {"train.txt": "S_0\n"}, "pictures lie in output/, but"),  # LandCover
    (("raster.tif", "raster_classes.tif", "palette.txt"), {}, "pictures lie in the source folder, but no two"),  # QGIS
    (("images/a.tif", "labels/b.tif"), {}, "images/ and labels/ lie side by side, but no two names agree"),
    (("train/a.jpg", "train/a_labelz.png"), {}, "pictures lie in train/, but no two"),
    (("task-1-annotation-2-by-me@x-tag-Car-0.png", "task-1-annotation-2-by-me@x-tag-Bus-0.png"), {},  # Label Studio
     "pictures lie in the source folder, but no two"),
    (("images/train2017/1.jpg", "annotations/panoptic_train2017/1.png", "annotations/panoptic_train2017.json"), {},
     "images/train2017/ has 1 photograph, but no folder of masks beside it"),
    (("annotations_prepped_train/a.png",), {}, "annotations_prepped_train/ has 1 mask"),
    (("imagesTr/C_0000.png", "labelsTr/C.png"), {}, "but without dataset.json"),
    (("imagesTr/C_0000.png", "imagesTr/C_0001.png", "labelsTr/C.png", "dataset.json"), {},
     "several channels a case (_0001)"),
    (("imagesTr/C_0000.nii.gz", "labelsTr/C.nii.gz", "dataset.json"), {}, "imagesTr/ has no pictures"),
    (("top_potsdam_2_10_RGB.tif", "vaihingen_label.tif"), {}, "without top_potsdam_*_label.tif"),
    (("Train/Urban/images_png/1.png",), {}, "Train/Urban/ without images_png/ and masks_png/"),
    (("train/1_sat.jpg", "masks/2_mask.png"), {}, "but no photograph goes with them"),
    (("readme.md",), {}, ""),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    draw(tmp_path, *files)
    for name, text in texts.items():
        write(tmp_path, name, text)
    if hint is None:  # a broken list beside folders that a rule knows: refused as a list
        with pytest.raises(UsageError, match="names none of the photographs of layout siblings") as caught:
            find(tmp_path)
        assert caught.value.code == "E_LIST"
    else:
        assert hint in refused(tmp_path)


@pytest.mark.parametrize(
    "line", ["a", "a.jpg", "a_m.png", "images/a.jpg", "images/a", "masks/a_m.png", "/x/images/a.jpg"]
)
def test_peers_row_25_one_name_a_line_may_be_that_of_photograph_or_mask(tmp_path, line):
    draw(tmp_path, "images/a.jpg", "images/b.jpg", "masks/a_m.png", "masks/b_m.png", train=f"{line}\n")
    write(tmp_path, "val.txt", line.replace("a_m", "b_m").replace("a.jpg", "b.jpg") if "." in line else line[:-1] + "b")
    assert pairs(find(tmp_path)) == {
        "train": [("images/a.jpg", "masks/a_m.png")], "val": [("images/b.jpg", "masks/b_m.png")]
    }  # fmt: skip


def test_stems_of_a_list_that_are_not_cut_yet_are_refused(tmp_path):
    draw(tmp_path, "images/M-33.tif", "masks/M-33.tif", train="M-33_0\nM-33_1\n")  # LandCover.ai as downloaded
    with pytest.raises(UsageError, match=r"train\.txt: names none of the photographs .*'M-33_0'.*--image") as caught:
        find(tmp_path)
    assert caught.value.code == "E_LIST"


def test_the_tutorials_layout_has_folders_of_its_own_for_val(tmp_path):
    draw(tmp_path, "jpg/a.jpg", "png/m.png", "val_jpg/a.jpg", "val_png/m.png", train="a.jpg;m.png", val="a.jpg;m.png")
    layout = find(tmp_path)
    assert (layout.name, layout.preset) == ("list", None)
    assert pairs(layout) == {"train": [("jpg/a.jpg", "png/m.png")], "val": [("val_jpg/a.jpg", "val_png/m.png")]}
    assert layout.evidence == (
        "train.txt: 1 line, separator ';', paths below jpg/ and png/",
        "val.txt: 1 line, separator ';', paths below val_jpg/ and val_png/",
    )


def test_splits_without_folders_of_their_own_share_those_of_train(tmp_path):
    line = "a.jpg;a.png\n"
    draw(tmp_path, "jpg/a.jpg", "png/a.png", test=line, val=line, train=line)
    assert pairs(find(tmp_path)) == {split: [("jpg/a.jpg", "png/a.png")] for split in ("train", "val", "test")}


def test_a_list_of_pairs_stands_above_every_rule(tmp_path):
    draw(
        tmp_path,
        *VOC,
        train="JPEGImages/a.jpg;SegmentationClass/a.png\n",
        val="JPEGImages/b.jpg;SegmentationClass/b.png\n",
    )
    for name, text in VOC_LISTS.items():
        write(tmp_path, name, text.replace("a", "x"))
    layout = find(tmp_path)
    assert layout.name == "list"
    assert layout.evidence[0] == "train.txt: 1 line, separator ';', paths from the source folder"
    assert pairs(layout)["val"] == [("JPEGImages/b.jpg", "SegmentationClass/b.png")]


def test_pair_lists_over_a_known_layout_keep_its_class_map(tmp_path):
    files = KNOWN["deepglobe"][0]
    draw(tmp_path, *files, train="train/1_sat.jpg;train/1_mask.png\n")  # as `segconv split` writes them
    layout = find(tmp_path)
    assert (layout.name, layout.preset) == ("list", "deepglobe")
    assert layout.evidence[-1] == "the files lie as in layout deepglobe"
    draw(tmp_path, "train/1_mask.tif", train="train/1_sat.jpg;train/1_mask.tif\n")  # other masks may be anything
    assert find(tmp_path).preset is None


def test_a_folder_without_pictures_is_told_so(tmp_path):
    assert "it holds no pictures" in refused(draw(tmp_path, "readme.md"))
    (tmp_path / os.fsdecode(b"b\xff.jpg")).touch()
    assert "it holds no pictures (1 file whose name is not UTF-8 is left out)" in refused(tmp_path)


def test_a_list_that_leaves_pairs_out_on_purpose_wins_and_the_rest_is_unmatched(tmp_path):
    draw(tmp_path, "images/a.jpg", "images/b.jpg", "masks/a.png", "masks/b.png", train="images/a.jpg;masks/a.png\n")
    layout = find(tmp_path)
    assert pairs(layout) == {"train": [("images/a.jpg", "masks/a.png")]}
    assert layout.unmatched == ("images/b.jpg", "masks/b.png")


def test_a_list_none_of_whose_pairs_exists_is_still_a_list_with_each_line_refused(tmp_path):
    draw(tmp_path, "jpg/photo_1.jpg", "png/photo_1.png", train="photo_7.jpg;photo_7.png\nq.jpg;q.png\n")
    layout = find(tmp_path)
    assert (layout.name, layout.refs) == ("list", {"train": ()})
    assert [str(reject) for reject in layout.rejects] == [
        "train.txt:1: jpg/photo_7.jpg: does not exist. Put the file there, or mend the list.",
        "train.txt:2: jpg/q.jpg: does not exist. Put the file there, or mend the list.",
    ]


@pytest.mark.parametrize(("there", "missed"), [("jpg/a.jpg", "masks"), ("png/a.png", "photographs")])
def test_a_list_without_one_of_its_folders_is_refused_with_both_facts(tmp_path, there, missed):
    text = refused(draw(tmp_path, there, train="a.jpg;a.png\n"))
    assert "train.txt: 1 line, separator ';', paths below jpg/ and png/: none of its pairs exists" in text
    assert f"no folder of {missed} beside it" in text


def test_a_folder_with_val_txt_alone_is_told_that_train_txt_is_missing(tmp_path):
    with pytest.raises(UsageError, match=r"train\.txt: does not exist\. Expected") as caught:
        find(draw(tmp_path, "jpg/a.jpg", "png/a.png", val="a.jpg;a.png\n"))
    assert caught.value.code == "E_LIST"


def test_a_missing_source_folder_is_named(tmp_path):
    for name in ("missing", "file"):
        (tmp_path / "file").write_text("")
        with pytest.raises(UsageError, match=f"{name}: is no folder") as caught:
            find(tmp_path / name)
        assert caught.value.code == "E_SRC"


def test_two_folders_of_masks_for_the_same_photographs_are_no_choice_of_ours(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png", "labels/a.png")
    assert "has more than one layout: images/ goes with each of labels/, masks/" in refused(tmp_path)
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


def test_a_dataset_that_was_unpacked_into_a_folder_of_its_own_is_pointed_at(tmp_path):
    for name in VOC:
        draw(tmp_path, f"devkit/VOC2012/{name}")
    write(tmp_path, "devkit/VOC2012/ImageSets/Segmentation/train.txt", "a\n")
    assert f"devkit/VOC2012/ by itself is voc: pass --src {tmp_path}/devkit/VOC2012" in refused(tmp_path)


def test_without_any_split_all_pairs_are_train_and_it_is_said(tmp_path):
    layout = find(draw(tmp_path, "images/a.jpg", "images/b.jpg", "masks/a.png", "masks/c.png"))
    assert pairs(layout) == {"train": [("images/a.jpg", "masks/a.png")]}
    assert "no split: all pairs are train; `segconv split` makes lists" in layout.evidence
    assert layout.unmatched == ("images/b.jpg", "masks/c.png")


def test_a_split_without_masks_is_left_out_and_one_without_train_is_refused(tmp_path):
    layout = find(draw(tmp_path / "a", "images/train/a.jpg", "masks/train/a.png", "images/test/b.jpg"))
    assert list(layout.refs) == ["train"]
    assert layout.evidence[-1] == "test is left out: none of its 1 photographs has a mask"
    assert layout.unmatched == ()
    assert "has pairs of val, but none of train" in refused(draw(tmp_path / "b", "images/val/a.jpg", "masks/val/a.png"))


@pytest.mark.parametrize(("word", "split"), [
    ("Training", "train"), ("TR", "train"), ("train2017", "train"), ("valid", "val"), ("DEV", "val"),
    ("validation", "val"), ("Testing", "test"), ("ts", "test"),
])  # fmt: skip
def test_splits_have_many_names(tmp_path, word, split):
    draw(tmp_path, "images/train/a.jpg", "masks/train/a.png", f"images/{word}/b.jpg", f"masks/{word}/b.png")
    assert (f"images/{word}/b.jpg", f"masks/{word}/b.png") in pairs(find(tmp_path))[split]


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
    assert "2 masks were found in other case" in layout.evidence


@pytest.mark.parametrize(("image", "mask"), [
    ("in/{split}/{stem}.*", "out/{split}/{stem}_m.png"),
    ("in/{split}/{stem}.jpg", "./out/{split}/{stem}_m.*"),
])  # fmt: skip
def test_templates_say_where_the_files_are(tmp_path, image, mask):
    draw(
        tmp_path, "in/Train/a.jpg", "out/Train/a_m.png", "in/dev/b.jpg", "out/dev/b_m.png", "in/dev/c.jpg", "in/x/d.jpg"
    )
    layout = find(tmp_path, image=image, mask=mask)
    assert (layout.name, layout.evidence) == ("templates", (f"--image {image}", f"--mask {mask}"))
    assert pairs(layout) == {
        "train": [("in/Train/a.jpg", "out/Train/a_m.png")],
        "val": [("in/dev/b.jpg", "out/dev/b_m.png")],
    }
    assert layout.unmatched == ("in/dev/c.jpg",)


def test_templates_in_one_folder_take_no_mask_for_a_photograph_and_lists_split_them(tmp_path):
    draw(tmp_path, "d/a.png", "d/a_mask.png", "d/b.png", "d/b_mask.png", train="a\n", val="b\n")
    layout = find(tmp_path, image="d/{stem}.png", mask="d/{stem}_mask.png")
    assert pairs(layout) == {"train": [("d/a.png", "d/a_mask.png")], "val": [("d/b.png", "d/b_mask.png")]}
    assert layout.unmatched == ()


@pytest.mark.parametrize(("image", "mask", "text"), [
    ("/i/{stem}.jpg", "m/{stem}.png", "--image: '/i/{stem}.jpg' is no plain path"),
    ("i/{stem}.jpg", "../m/{stem}.png", "--mask: '../m/{stem}.png' is no plain path"),
    ("i//{stem}.jpg", "m/{stem}.png", "is no plain path"),
    ("i/a.jpg", "m/{stem}.png", "has no {stem}"),
    ("i/{split}/{stem}.jpg", "m/{stem}.png", "only one of them has {split}"),
    ("i/{city}/{stem}.jpg", "m/{stem}.png", "has {city}, and a template knows"),
    ("i/*/{stem}.jpg", "m/{stem}.png", "has *, and a template knows"),
    ("i/{{stem}}.jpg", "m/{stem}.png", "and a template knows {split}, {stem} and .* at its end"),
    ("i/{stem}.jpg", "m/{stem}.tif", "together they make no pair (--image 1 and --mask 0 files)"),
])  # fmt: skip
def test_a_template_that_is_none_is_refused(tmp_path, image, mask, text):
    with pytest.raises(UsageError) as caught:
        find(draw(tmp_path, "i/a.jpg", "m/a.png"), image=image, mask=mask)
    assert caught.value.code == "E_LAYOUT"
    assert text in str(caught.value)


def test_an_unknown_layout_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match=r"--layout: 'vok' is none\. Did you mean voc\? Known are list, voc, cvat, "):
        find(tmp_path, layout="vok")


def test_a_forced_layout_that_does_not_fit_is_refused(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png")
    assert "is not laid out as cityscapes (leftImg8bit and gtFine)" in refused(tmp_path, layout="cityscapes")


def test_hidden_files_and_our_own_records_are_not_looked_into(tmp_path):
    draw(tmp_path, "images/a.jpg", "images/._a.jpg", "masks/a.png", ".git/images/b.jpg", ".git/masks/b.png")
    draw(tmp_path, "records/manifest.json", "records/d-train.tfrecord-00000-of-00001", "records/images/c.jpg")
    layout = find(tmp_path)
    assert (pairs(layout), layout.unmatched) == ({"train": [("images/a.jpg", "masks/a.png")]}, ())


def test_links_lead_out_of_the_source_only_where_that_is_allowed(tmp_path):
    draw(tmp_path, "elsewhere/a.png", "d/images/a.jpg")
    (tmp_path / "d/masks").symlink_to(tmp_path / "elsewhere")
    assert "images/ has 1 photograph, but no folder of masks beside it" in refused(tmp_path / "d")
    assert pairs(find(tmp_path / "d", follow_links=True)) == {"train": [("images/a.jpg", "masks/a.png")]}
    (tmp_path / "d/train.txt").write_text("images/a.jpg;masks/a.png\n")
    (tmp_path / "d/png").mkdir()
    layout = find(tmp_path / "d")
    assert [(reject.line, reject.error.code) for reject in layout.rejects] == [(1, "E_PATH")]
    assert "is a link out of the source folder" in str(layout.rejects[0])


def test_links_in_a_circle_end(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png")
    (tmp_path / "images/again").symlink_to(tmp_path)
    (tmp_path / "images/self").symlink_to("self")
    assert pairs(find(tmp_path)) == {"train": [("images/a.jpg", "masks/a.png")]}


def test_folders_that_all_link_to_one_another_are_given_up(tmp_path):
    numbers = range(12)
    draw(tmp_path, *(f"{number}/" for number in numbers))
    for one in numbers:
        for other in set(numbers) - {one}:
            (tmp_path / f"{one}/to{other}").symlink_to(tmp_path / str(other))
    with pytest.raises(UsageError, match="holds folders that link to one another in circles") as caught:
        find(tmp_path)
    assert caught.value.code == "E_SRC"


def test_a_folder_that_is_no_dataset_is_given_up_before_all_of_it_is_read(tmp_path, monkeypatch):
    draw(tmp_path, "a/b/c/d.jpg", "a/e.jpg", "a/f.jpg")
    monkeypatch.setattr(tree, "MAX_FILES", 2)
    with pytest.raises(UsageError, match="holds more than 2 files"):
        find(tmp_path)
    monkeypatch.setattr(tree, "MAX_FOLDER_DEPTH", 2)
    with pytest.raises(UsageError, match="c: lies more than 2 folders deep"):
        find(tmp_path)


def test_files_whose_names_are_not_utf8_are_left_out_and_counted(tmp_path):
    draw(tmp_path, "images/a.jpg", "masks/a.png")
    (tmp_path / os.fsdecode(b"images/b\xff.jpg")).touch()
    layout = find(tmp_path)
    assert pairs(layout) == {"train": [("images/a.jpg", "masks/a.png")]}
    assert "1 file whose name is not UTF-8 is left out" in layout.evidence
