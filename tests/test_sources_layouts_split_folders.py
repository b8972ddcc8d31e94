"""Split folders: a word in the name of a folder gives its pairs a split, where that is no guess."""

from __future__ import annotations

import pytest
from layout_files import draw, find
from split_files import SIX, in_folders, numbers, of_code


@pytest.mark.parametrize("folders", [
    ("TrainDataset", "TestDataset"), ("training_data", "test_data"), ("train_set", "val_set"),
    ("uavid_train", "uavid_val"), ("01_train", "02_test"), ("MyTrain", "MyVal"), ("训练集", "测试集"),
    ("data/trainset", "data/testset"),
    ("Trainingsdaten", "Testdaten"), ("datos entrenamiento", "datos prueba"), ("train-part", "valid-part", "test-part"),
    ("Split-Train/a", "Split-Test/a"),
])  # fmt: skip
def test_words_in_the_names_of_folders_are_splits(tmp_path, folders):
    layout = in_folders(tmp_path, *folders)
    assert len(layout.refs) == len(folders)
    assert set(numbers(layout).values()) == {2}
    assert layout.unused == ()
    (clause,) = [clause for clause in layout.evidence if "split by the names of folders" in clause]
    assert f"train from {folders[0].split('/a')[0]}/" in clause


def test_a_folder_of_its_own_beside_the_rest_is_not_trained_on(tmp_path):
    layout = in_folders(tmp_path, "a", "b", "test_data")
    assert numbers(layout) == {"train": 4, "test": 2}


@pytest.mark.parametrize(("folders", "named"), [
    (("flight_test_a", "flight_test_b"), ["flight_test_a/", "flight_test_b/"]),
    (("test_project/a", "test_project/b"), ["test_project/"]),
    (("train_x", "train_y"), []), (("contest", "latest"), []), (("a", "b"), []),
])  # fmt: skip
def test_words_that_leave_nothing_to_train_on_are_named_and_not_followed(tmp_path, folders, named):
    layout = in_folders(tmp_path, *folders)
    assert numbers(layout) == {"train": 4}
    assert [unused.where for unused in of_code(layout, "W_SPLIT_NAME")] == named


def test_exact_names_stand_above_similar_ones(tmp_path):
    layout = in_folders(tmp_path, "train", "val", "test_hard")
    assert numbers(layout) == {"train": 2, "val": 2, "test": 2}
    assert [ref.image for ref in layout.refs["train"]] == ["train/images/train0.jpg", "train/images/train1.jpg"]


@pytest.mark.parametrize("folds", [("fold0", "fold1", "fold2"), ("Fold 1", "Fold 2"), ("data/fold_1", "data/fold_10")])
def test_folders_of_folds_are_named_with_the_command_that_keeps_them_whole(tmp_path, folds):
    layout = in_folders(tmp_path, *folds)
    (unused,) = of_code(layout, "W_FOLDS")
    assert f"has {len(folds)} folds" in unused.what
    assert f"`segconv split --src {tmp_path} --group " in unused.fix


def test_templates_are_taken_at_their_word(tmp_path):
    in_folders(tmp_path, "TestDataset")
    layout = find(tmp_path, image="TestDataset/images/{stem}.jpg", mask="TestDataset/masks/{stem}.png")
    assert (numbers(layout), layout.unused) == ({"train": 2}, ())
    assert SIX


@pytest.mark.parametrize(("folders", "splits"), [
    (("DUTS-TR/DUTS-TR", "DUTS-TE/DUTS-TE"), {"train": 2, "test": 2}),
    (("a_tr", "a_va", "a_ts"), {"train": 2, "val": 2, "test": 2}),
    (("a_tr", "b_te"), {"train": 4}),  # which differ in more
    (("TE", "TM"), {"train": 4}), (("a-TE", "a-TM"), {"train": 4}), (("a-tr", "a-va"), {"train": 4}),
    (("site", "sitr"), {"train": 4}),
])  # fmt: skip
def test_short_words_are_splits_where_nothing_else_differs_and_one_is_a_test_set(tmp_path, folders, splits):
    assert numbers(in_folders(tmp_path, *folders)) == splits


@pytest.mark.parametrize(("names", "splits"), [
    (("train_1", "train_2", "testA_1", "testB_1"), {"train": 2, "test": 2}),
    (("train1", "val1", "test1"), {"train": 1, "val": 1, "test": 1}),
    (("Train-01", "Val-01", "Val-02"), {"train": 1, "val": 2}),
    (("train_1", "test_1", "x_1"), {"train": 3}), (("test_1", "test_2"), {"train": 2}),
])  # fmt: skip
def test_names_that_all_begin_with_the_word_of_a_split_are_split_by_it(tmp_path, names, splits):
    layout = find(draw(tmp_path, *(f"images/{name}.jpg" for name in names), *(f"masks/{name}.png" for name in names)))
    assert numbers(layout) == splits
    assert any("by the first word" in clause for clause in layout.evidence) == (len(splits) > 1)


def test_a_folder_that_templates_leave_open_has_the_split_of_its_name(tmp_path):
    in_folders(tmp_path, "train_set", "val_set")
    layout = find(tmp_path, image="{folder}/images/{stem}.jpg", mask="{folder}/masks/{stem}.png")
    assert numbers(layout) == {"train": 2, "val": 2}
    assert "split by the names of folders: train from train_set/, val from val_set/" in layout.evidence


@pytest.mark.parametrize(("folders", "other", "train"), [
    (("set_train", "set_holdout"), "set_holdout/", "set_train/"), (("train", "unseen"), "unseen/", "train/"),
    (("data/train_x", "data/rest/a"), "data/rest/", "data/train_x/"),
])  # fmt: skip
def test_a_folder_beside_that_of_train_is_named_if_it_is_train_as_well(tmp_path, folders, other, train):
    layout = in_folders(tmp_path, *folders)
    assert numbers(layout) == {"train": 4}
    (unused,) = of_code(layout, "W_SPLIT_NAME")
    assert (unused.where, unused.what) == (other, f"is train as well as {train}, whose name has that word")
