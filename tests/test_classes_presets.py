"""Presets: the mask values of well-known datasets, written out by hand and never shifted."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from converter.classes.native import parse_class_map, to_csv
from converter.classes.presets import PRESETS, names_for, preset
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.errors import UsageError
from converter.pixels.colors import Color, voc_color
from converter.schema import IGNORE_INDEX

BLACK: Color = (0, 0, 0)
WHITE: Color = (255, 255, 255)


def test_the_names_of_all_presets():
    names = "voc cityscapes cityscapes-train ade20k camvid camvid-index camvid32 potsdam loveda deepglobe"
    assert " ".join(PRESETS) == names


@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [
        ("voc", 21, "background", "tvmonitor"),
        ("cityscapes", 19, "road", "bicycle"),
        ("cityscapes-train", 19, "road", "bicycle"),
        ("ade20k", 150, "wall", "flag"),
        ("camvid", 11, "sky", "bicyclist"),
        ("camvid-index", 11, "sky", "bicyclist"),
        ("camvid32", 31, "Animal", "Wall"),
        ("potsdam", 6, "impervious surfaces", "clutter"),
        ("loveda", 7, "background", "agriculture"),
        ("deepglobe", 6, "urban land", "barren land"),
    ],
)
def test_the_number_of_classes_and_the_first_and_last(name, count, first, last):
    names = preset(name).names
    assert (len(names), len(set(names)), names[0], names[-1]) == (count, count, first, last)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_survives_being_written_as_csv(name):
    classes = preset(name)
    assert parse_class_map(to_csv(classes), name) == classes
    assert parse_class_map(to_csv(classes), name).colors() == classes.colors()


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_takes_an_unlisted_value(name):
    assert preset(name).default is None


@pytest.mark.parametrize("name", ["", "VOC", "pascal", "../voc"])
def test_an_unknown_preset_is_refused_with_the_list(name):
    with pytest.raises(UsageError, match="Name one of voc, cityscapes, cityscapes-train, ade20k, camvid") as caught:
        preset(name)
    assert (caught.value.where, caught.value.code) == (f"preset:{name}", "E_CLASSES")


def test_a_class_of_voc_is_the_same_as_index_palette_entry_and_colour():
    classes = preset("voc")
    person = classes.names.index("person")
    assert person == 15
    assert (classes.grey[15], classes.palette[15], classes.rgb[192, 128, 128]) == (person,) * 3
    assert (classes.grey[255], classes.palette[255], classes.rgb[224, 224, 192]) == (IGNORE_INDEX,) * 3
    assert set(classes.grey) == set(classes.palette) == {*range(21), 255}


def test_the_label_ids_of_cityscapes():
    classes = preset("cityscapes")
    assert set(classes.grey) == set(range(34))
    assert [label for label in range(34) if classes.grey[label] != IGNORE_INDEX] == [
        *(7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
    ]
    assert [classes.name_of(classes.grey[label]) for label in (7, 17, 26, 33)] == ["road", "pole", "car", "bicycle"]
    assert [classes.grey[label] for label in (7, 8, 11, 33)] == [0, 1, 2, 18]
    assert classes.rgb[128, 64, 128] == 0
    assert classes.rgb[250, 170, 160] == IGNORE_INDEX  # parking


def test_a_colour_of_cityscapes_that_is_a_class_and_a_void_is_not_listed():
    assert (153, 153, 153) not in preset("cityscapes").rgb  # pole, and polegroup, which is ignored
    assert preset("cityscapes-train").rgb[153, 153, 153] == 5


def test_the_train_ids_of_cityscapes_are_the_class_indices():
    assert preset("cityscapes-train").grey == {**{index: index for index in range(19)}, 255: IGNORE_INDEX}
    assert preset("cityscapes-train").names == preset("cityscapes").names


def test_the_values_of_ade20k_are_fixed_by_the_map_and_need_no_shift():
    classes = preset("ade20k")
    assert (classes.grey[0], classes.grey[1], classes.grey[150]) == (IGNORE_INDEX, 0, 149)
    assert classes.grey == {0: IGNORE_INDEX, **{value: value - 1 for value in range(1, 151)}}
    assert [classes.names[index] for index in (12, 20, 44, 89, 141)] == [
        *("person", "car", "chest of drawers", "television", "crt screen"),
    ]


def test_no_option_shifts_the_indices():
    names = [field.name for config in (SourceConfig, PairConfig, BuildConfig) for field in fields(config)]
    assert "classes" in names
    assert not [name for name in names if re.search("zero|shift|offset|reduce", name)]


def test_the_colours_of_camvid():
    assert preset("camvid").rgb == {
        (128, 128, 128): 0,
        (128, 0, 0): 1,
        (192, 192, 128): 2,
        (128, 64, 128): 3,
        (60, 40, 222): 4,
        (128, 128, 0): 5,
        (192, 128, 128): 6,
        (64, 64, 128): 7,
        (64, 0, 128): 8,
        (64, 64, 0): 9,
        (0, 128, 192): 10,
        BLACK: IGNORE_INDEX,
    }


def test_black_is_void_in_the_colours_of_camvid_and_sky_in_its_indices():
    # So one map cannot hold both: the level 0 and black are the same value.
    assert preset("camvid").grey == {}
    assert preset("camvid-index").rgb == {}
    assert preset("camvid-index").grey == {**{index: index for index in range(11)}, 11: IGNORE_INDEX}
    assert preset("camvid-index").names == preset("camvid").names


def test_camvid32_is_the_full_list():
    classes = preset("camvid32")
    assert classes.rgb[BLACK] == IGNORE_INDEX
    assert classes.names[classes.rgb[0, 0, 192]] == "Sidewalk"
    assert classes.names[classes.rgb[64, 192, 0]] == "Wall"
    assert len(classes.rgb) == 32


def test_pure_colours_mean_other_things_in_potsdam_and_deepglobe():
    potsdam, deepglobe = preset("potsdam"), preset("deepglobe")
    assert [potsdam.names[potsdam.rgb[color]] for color in (WHITE, (0, 0, 255), (255, 255, 0), (255, 0, 0))] == [
        *("impervious surfaces", "building", "car", "clutter"),
    ]
    assert [deepglobe.names[deepglobe.rgb[color]] for color in (WHITE, (0, 0, 255), (255, 255, 0), (255, 0, 255))] == [
        *("barren land", "water", "agriculture land", "rangeland"),
    ]
    assert (255, 0, 0) not in deepglobe.rgb


def test_loveda_counts_from_one():
    assert preset("loveda").grey == {0: IGNORE_INDEX, 1: 0, 2: 1, 3: 2, 4: 3, 5: 4, 6: 5, 7: 6}


def test_the_colours_of_a_whole_dataset_are_named():
    for name in ("voc", "cityscapes", "camvid", "camvid32", "potsdam", "deepglobe"):
        classes = preset(name)
        found = names_for(list(classes.rgb))
        assert found == (name, {color: classes.name_of(index) for color, index in classes.rgb.items()})


def test_a_few_classes_may_be_missing_and_a_few_colours_strange():
    colors = list(preset("camvid").rgb)
    assert names_for(colors[2:])[0] == "camvid"
    name, names = names_for([*colors, (1, 2, 3)])
    assert name == "camvid"
    assert (1, 2, 3) not in names
    assert names[60, 40, 222] == "pavement"
    assert names_for([*colors, (1, 2, 3), (4, 5, 6), (7, 8, 9)]) is None


@pytest.mark.parametrize(
    "colors",
    [
        [],
        [BLACK, WHITE],
        [BLACK, (255, 0, 0)],
        [BLACK, WHITE, (255, 0, 0), (0, 255, 0), (0, 0, 255)],
        [voc_color(index) for index in range(12)],  # labelme and CVAT use them for any classes
        [(128, 64, 128), (70, 70, 70)],
    ],
)
def test_colours_that_everybody_draws_with_are_not_named(colors):
    assert names_for(colors) is None
