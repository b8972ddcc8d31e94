"""Chosen lists: --list stands above every list in the folder."""

from __future__ import annotations

import os

import pytest
from split_files import lines, names, numbers, refused_list, six, stems

from converter.sources.layouts.templates import by_templates


@pytest.mark.parametrize("form", [lines, names])
def test_lists_that_the_user_names_are_used_whatever_their_names_and_others(tmp_path, form):
    texts = {"train.txt": form(range(6)), "a.txt": form(range(4)), "b.lst": form((4, 5))}
    layout = six(tmp_path, texts, lists=(("train", "a.txt"), ("val", str(tmp_path / "b.lst"))))
    assert (stems(layout), layout.unused) == ({"train": "0123", "val": "45"}, ())
    assert [ref.list_name for ref in layout.refs["val"]] == ["b.lst"] * 2


def test_a_list_may_lie_outside_of_the_source_folder_and_in_the_working_folder(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/t.txt").write_text(lines(range(4)))
    monkeypatch.chdir(tmp_path / "mine")
    (tmp_path / "ds").mkdir()
    assert numbers(six(tmp_path / "ds", {}, lists=(("train", "t.txt"),))) == {"train": 4}
    assert os.listdir(tmp_path / "mine") == ["t.txt"]  # noqa: PTH208


def test_the_name_or_the_rows_of_a_list_say_its_split(tmp_path):
    table = "image,mask,split\n" + "".join(
        f"images/f{i}.jpg,masks/f{i}.png,{'train' if i < 4 else 'test'}\n" for i in range(6)
    )
    assert stems(six(tmp_path, {"t.csv": table}, lists=(("", "t.csv"),))) == {"train": "0123", "test": "45"}
    assert stems(six(tmp_path, {}, lists=(("train", "t.csv"),))) == {"train": "0123"}
    assert numbers(six(tmp_path, {"my_train.txt": lines(range(2))}, lists=(("", "my_train.txt"),))) == {"train": 2}


def test_lists_of_one_split_are_joined_and_a_repeated_image_rejected(tmp_path):
    texts = {f"fold{i}.txt": names((2 * i, 2 * i + 1)) for i in range(3)} | {"more.txt": names((0, 2))}
    lists = (("val", "fold0.txt"), ("train", "fold1.txt"), ("train", "fold2.txt"))
    assert stems(six(tmp_path, texts, lists=lists)) == {"train": "2345", "val": "01"}
    layout = six(tmp_path, texts, lists=(("train", "fold1.txt"), ("train", "more.txt")))
    assert stems(layout) == {"train": "230"}
    assert [(reject.error.code, reject.list_name, reject.line) for reject in layout.rejects] == [
        ("E_DUPLICATE", "more.txt", 2)
    ]


def test_templates_and_a_layout_say_where_the_files_of_a_list_are(tmp_path):
    texts, templates = {"a.txt": names(range(4))}, {"image": "images/{stem}.jpg", "mask": "masks/{stem}.png"}
    assert numbers(six(tmp_path, texts, lists=(("train", "a.txt"),), **templates)) == {"train": 4}
    assert numbers(six(tmp_path, texts, lists=(("train", "a.txt"),), layout="dirs")) == {"train": 4}
    assert by_templates


@pytest.mark.parametrize(("given", "text"), [
    (("train", "none.txt"), "none.txt: does not exist"), (("", "a.txt"), "a.txt: does not say which split it is of"),
    (("train", "bad.txt"), "bad.txt: names none of the images that were found, from 'q' on"),
    (("train", "images/f0.jpg"), "is no list"), (("train", "empty.txt"), "names no pair"),
])  # fmt: skip
def test_a_list_that_cannot_be_used_is_refused(tmp_path, given, text):
    error = refused_list(tmp_path, {"a.txt": names(range(3)), "bad.txt": "q\n", "empty.txt": ""}, lists=(given,))
    assert text in str(error)
