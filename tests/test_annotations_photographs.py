"""Photographs: a name is looked up beside its file, then from the source folder, then anywhere; never outside."""

from __future__ import annotations

import pytest

from converter.annotations.photographs import Photographs, inside, split_of_path
from converter.errors import DataError
from converter.sources.tree import Tree

FILES = ("a/x.jpg", "b/x.jpg", "b/y.PNG", "c/d/z.jpg", "train2017/1.jpg", "val2017/1.jpg", "w.txt")


def photographs():
    return Photographs(Tree(None, FILES, ("",)))


@pytest.mark.parametrize(("name", "beside", "path"), [
    ("x.jpg", "a/x.json", "a/x.jpg"), ("../b/x.jpg", "a/x.json", "b/x.jpg"), ("a/x.jpg", "z/list.json", "a/x.jpg"),
    ("..\\b\\x.jpg", "a/x.json", "b/x.jpg"), ("y.PNG", "q.json", "b/y.PNG"), ("d/z.jpg", "q.json", "c/d/z.jpg"),
    ("old/folder/z.jpg", "q.json", "c/d/z.jpg"), ("./a/x.jpg", "q.json", "a/x.jpg"),
])  # fmt: skip
def test_a_name_is_looked_up_from_near_to_far(name, beside, path):
    assert photographs().find(name, beside) == path


def test_of_several_the_preferred_folder_counts():
    assert photographs().find("1.jpg", "annotations/instances_val2017.json", ["val2017"]) == "val2017/1.jpg"
    with pytest.raises(DataError, match=r"is train2017/1.jpg as well as val2017/1.jpg") as caught:
        photographs().find("1.jpg", "annotations/x.json")
    assert caught.value.code == "E_DUPLICATE"


def test_a_stem_is_that_of_a_photograph_in_the_folder_beside_or_of_the_only_one():
    assert photographs().of_stem("x", "b/x") == "b/x.jpg"
    assert photographs().of_stem("y") == "b/y.PNG"
    assert [photographs().has_stem(stem) for stem in ("z", "w", "q")] == [True, False, False]


@pytest.mark.parametrize(("name", "code"), [
    ("/a/x.jpg", "E_PATH"), ("../../x.jpg", "E_PATH"), ("..", "E_PATH"), ("C:/x.jpg", "E_PATH"), ("", "E_PATH"),
    ("x\0.jpg", "E_PATH"), ("x\n.jpg", "E_PATH"), ("a/../../x.jpg", "E_PATH"), ("lost.jpg", "E_MISSING"),
])  # fmt: skip
def test_a_name_that_leaves_the_folder_or_is_nowhere_is_refused(name, code):
    with pytest.raises(DataError) as caught:
        photographs().find(name, "list.json")
    assert caught.value.code == code


def test_a_path_inside_is_normalised():
    assert inside("../b/./x.jpg", "a") == "b/x.jpg"


def test_the_last_folder_that_names_a_split_says_it():
    assert [split_of_path(path) for path in ("train/x.jpg", "train/val/x.jpg", "a/train.jpg", "testing/a/x")] == [
        "train", "val", "", "test"]  # fmt: skip
