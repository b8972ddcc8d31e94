"""LoveDA, DeepGlobe, Potsdam and LandCover.ai: detected from names that no other layout uses."""

from __future__ import annotations

import pytest
from layout_files import assert_is_detected, drawn, refused

# name of the layout: files, files with text, train pairs, val pairs, clause of the evidence, preset
KNOWN = {
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
        "train.txt: 1 line, one name per line, names below output/, 1 name was given without extension", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize(("files", "texts", "hint"), [
    (("output/S_0.jpg", "output/S_0_n.png"), {"train.txt": "S_0\n"}, "image files are in output/, but"),  # LandCover
    (("top_potsdam_2_10_RGB.tif", "vaihingen_label.tif"), {}, "without top_potsdam_*_label.tif"),
    (("Train/Urban/images_png/1.png",), {}, "Train/Urban/ without images_png/ and masks_png/"),
    (("train/1_sat.jpg", "masks/2_mask.png"), {}, "but no image matches them"),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))
