"""List files: the most exact name of a list wins, and every other one is named."""

from __future__ import annotations

import pytest
from split_files import lines, names, numbers, of_code, six, stems

from converter.sources.lists.files import EXACT, OTHER_FORM, WITH_YEAR, ListFile, list_file


@pytest.mark.parametrize("other", [
    "train-2016.txt", "Train.TXT", "training.txt", "train.csv", "train.lst", "train_list.txt", "trn.txt", "TRAIN.txt",
])  # fmt: skip
def test_the_exact_name_wins_and_the_other_list_is_named(tmp_path, other):
    layout = six(tmp_path, {"train.txt": lines(range(4)), "val.txt": lines((4, 5)), other: lines(range(2), ",")})
    assert stems(layout) == {"train": "0123", "val": "45"}
    (unused,) = layout.unused
    assert (unused.code, unused.where) == ("W_UNUSED_LIST", other)
    assert "it names 2 images; used are train.txt, val.txt" in unused.what
    assert f"--list train={tmp_path / other}" in unused.fix


def test_lists_of_names_are_passed_over_with_a_word_too(tmp_path):
    layout = six(tmp_path, {"train.txt": names(range(4)), "val.txt": names((4, 5)), "Train.txt": names((0,))})
    assert stems(layout) == {"train": "0123", "val": "45"}
    assert [unused.where for unused in of_code(layout, "W_UNUSED_LIST")] == ["Train.txt"]


@pytest.mark.parametrize(("train", "val"), [
    ("train_list", "val_list"), ("uavid_train", "uavid_val"), ("01_train", "02_validation"), ("TrainSet", "ValSet"),
    ("trn", "val"), ("train-2016", "val-2016"), ("entrenamiento", "validación"), ("train_split_1", "val_split_1"),
    ("trainval_list", "val_x"),
])  # fmt: skip
@pytest.mark.parametrize("folder", ["", "lists/", "ImageSets/", "ImageSets/Segmentation/", "meta/lists/"])
@pytest.mark.parametrize("form", [lines, names])
def test_lists_are_found_by_the_words_in_their_names(tmp_path, train, val, folder, form):
    layout = six(tmp_path, {f"{folder}{train}.txt": form(range(4)), f"{folder}{val}.txt": form((4, 5))})
    assert stems(layout) == {"train": "0123", "val": "45"}
    assert layout.unused == ()
    assert any(clause.startswith(f"{folder}{train}.txt: 4 lines") for clause in layout.evidence)


def test_trainval_stands_for_train_where_there_is_no_train_list(tmp_path):
    assert stems(six(tmp_path, {"trainval.txt": names(range(4)), "test.txt": names((4, 5))})) == {
        "train": "0123",
        "test": "45",
    }


def test_trainval_beside_both_is_said_in_the_evidence_or_named_where_it_holds_more(tmp_path):
    lists = {"train.txt": lines(range(3)), "val.txt": lines((4, 5)), "trainval.txt": lines((0, 1, 2, 4, 5))}
    layout = six(tmp_path, lists)
    assert (layout.unused, "trainval.txt is train and val together" in layout.evidence) == ((), True)
    layout = six(tmp_path, {"trainval.txt": lines(range(6))})
    assert [unused.where for unused in layout.unused] == ["trainval.txt"]


def test_lists_of_each_split_in_a_folder_of_its_own_belong_together(tmp_path):
    texts = {f"{split}/{split}.txt": lines(own, start="../") for split, own in (("train", range(4)), ("val", (4, 5)))}
    assert stems(six(tmp_path, texts)) == {"train": "0123", "val": "45"}


def test_a_list_with_a_similar_name_fills_in_for_a_missing_split_unless_it_overlaps(tmp_path):
    layout = six(tmp_path, {"train.txt": lines(range(4)), "val_list.txt": lines((4, 5))})
    assert stems(layout) == {"train": "0123", "val": "45"}
    layout = six(tmp_path, {"val_list.txt": lines((3, 4, 5))})
    assert numbers(layout) == {"train": 4}
    assert [unused.where for unused in layout.unused] == ["val_list.txt"]


def test_texts_of_single_images_are_no_lists(tmp_path):
    texts = {f"labels/train_{i}.txt": "0 0.5 0.5\n" for i in range(30)}
    layout = six(tmp_path, texts, *(f"photos/train_{i}.jpg" for i in range(30)))
    assert of_code(layout, "W_UNUSED_LIST") == []


def test_many_lists_are_named_together(tmp_path):
    layout = six(
        tmp_path,
        {"train.txt": names(range(4)), "val.txt": names((4, 5))}
        | {f"Main/{kind}_train.txt": "f0 1\nf1 -1\n" for kind in "abcde"},
    )
    (unused,) = layout.unused
    assert unused.where == "Main"
    assert "has 5 lists that are not used: a_train.txt, b_train.txt, c_train.txt and 2 more" in unused.what


@pytest.mark.parametrize(("path", "expected"), [
    ("train.txt", ListFile("train.txt", "train", EXACT)), ("a/Val.csv", ListFile("a/Val.csv", "val", OTHER_FORM)),
    ("test2017.lst", ListFile("test2017.lst", "test", WITH_YEAR)), ("train.png", None), ("train", None),
    ("a/default.txt", ListFile("a/default.txt", "train", EXACT)), (".txt", ListFile(".txt", "", 4)),
])  # fmt: skip
def test_a_list_is_known_by_its_name(path, expected):
    assert list_file(path) == expected
