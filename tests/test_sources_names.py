"""Names: a file is found in a different case or Unicode form, and a split by any of its names."""

from __future__ import annotations

import pytest
from list_files import found, look_up

from converter.sources.names import fold_in, is_both, names_split, split_of, split_within, splits_in


def test_names_in_other_case_unicode_form_or_without_extension_are_found_and_counted(tmp_path):
    done = look_up(tmp_path, "a17.jpg;a17.png\ncafe\u0301.jpg;caf\u00e9.png\na;a.png\nb.jpg;b.png\n")
    assert found(done)[:2] == [("jpg/A17.jpg", "png/A17.PNG"), ("jpg/caf\u00e9.jpg", "png/cafe\u0301.png")]
    assert done.evidence().endswith(", 4 names were found in a different case, 1 name was given without extension")


def test_of_two_files_that_differ_in_case_alone_none_is_chosen(tmp_path):
    files = ["jpg/Q.jpg", "jpg/q.JPG", "png/q.png", "jpg/r.jpg", "png/r.png"]
    done = look_up(tmp_path, "Q.JPG;q.png\nQ.jpg;q.png\nr.jpg;r.png\n", files=files)
    assert found(done) == [("jpg/Q.jpg", "png/q.png"), ("jpg/r.jpg", "png/r.png")]
    assert [reject.line for reject in done.rejects] == [1]


@pytest.mark.parametrize(("name", "split"), [
    ("train", "train"), ("Training", "train"), ("tr", "train"), ("train2017", "train"), ("val", "val"),
    ("VALID", "val"), ("validation", "val"),
    ("dev", "val"), ("test", "test"), ("testing", "test"), ("ts", "test"), ("trainval", None),
    ("training_set", None), ("", None), ("val2", None), ("träin", None), ("trn", "train"), ("eval", "val"),
    ("test_2016", "test"), ("Validación", "val"), ("entraînement", "train"), ("prueba", "test"), ("测试", "test"),
])  # fmt: skip
def test_a_split_is_known_by_many_names(name, split):
    assert split_of(name) == split


@pytest.mark.parametrize(("name", "split"), [
    ("TrainDataset", "train"), ("training_data", "train"), ("train_set", "train"), ("uavid_train", "train"),
    ("01_train", "train"), ("train_list", "train"), ("trainset", "train"), ("TESTData", "test"), ("imagesTs", "test"),
    ("labelsTr", "train"), ("my-validation-part", "val"), ("val2", "val"), ("Validation_Set_3", "val"),
    ("训练集", "train"), ("datos_prueba", "test"),
    ("Trainingsdaten", "train"), ("Testbilder", "test"), ("Validierungsdaten", "val"),
    ("testament", None), ("train2017", "train"), ("ts", "test"), ("latest", None),
    ("contest", None),
    ("strain", None), ("value", None), ("interval", None), ("attestation", None), ("ts_001", None),
    ("dev_kit", None), ("train_test", None), ("trainval", None), ("", None), ("evaluation", None),
])  # fmt: skip
def test_a_word_of_a_split_is_found_within_a_name_but_not_within_a_word(name, split):
    assert split_within(name) == split


@pytest.mark.parametrize("name", ["trainval", "TrainVal", "train_val", "trainval_list", "train-valid-2012"])
def test_train_and_val_together_are_known(name):
    assert is_both(name)
    assert splits_in(name) == {"train", "val"}


@pytest.mark.parametrize(("name", "fold"), [
    ("fold0", ("fold", "0")), ("Fold_12", ("Fold_", "12")), ("kfold3", ("kfold", "3")),
    ("cv_fold 2", ("cv_fold ", "2")),     ("fold", None), ("scaffold1", None), ("5fold", None),
])  # fmt: skip
def test_the_number_of_a_fold_is_found(name, fold):
    assert fold_in(name) == fold


def test_names_that_have_to_do_with_splits_are_known():
    assert all(map(names_split, ("train", "test_2", "fold1", "splits", "k_fold_split", "trainval", "val_masks")))
    assert not any(map(names_split, ("images", "latest", "splitter", "folder", "manifold", "portrait")))
