"""List fits: lists that disagree are refused, and a list that cannot be used is no silence."""

from __future__ import annotations

import shlex

import pytest
from layout_files import draw, find, write
from split_files import lines, names, numbers, refused_list, six, stems

from converter.errors import UsageError


def chosen(fix: str) -> list[str]:
    """Returns the values of --list in a message."""
    words = shlex.split(fix.replace(",", " ").replace(";", " "))
    return [words[place + 1] for place, word in enumerate(words) if word == "--list"]


@pytest.mark.parametrize(("one", "other"), [
    ("train-2016.txt", "train-2017.txt"), ("train_a.txt", "train_b.txt"), ("Train.txt", "training.txt"),
    ("my_train.csv", "train_list.csv"),
])  # fmt: skip
@pytest.mark.parametrize("form", [lines, names])
def test_two_lists_of_a_split_that_disagree_are_refused_with_the_way_to_choose(tmp_path, one, other, form):
    texts = {one: form(range(3)), other: form((0, 1)), "val.txt": form((4, 5))}
    error = refused_list(tmp_path, texts)
    assert error.where == str(tmp_path / one)
    assert f"is a list of train, and so is {other}, but they disagree (3 and 2 images, 2 of them in both)" in error.what
    ways = chosen(error.fix)
    assert ways == [f"train={tmp_path / one}", f"train={tmp_path / other}"]
    for way, number in zip(ways, (3, 2), strict=True):
        assert numbers(find(tmp_path, lists=(tuple(way.split("=")),))) == {"train": number}  # type: ignore[arg-type]


def test_two_lists_that_agree_are_one(tmp_path):
    layout = six(
        tmp_path, {"train_a.txt": lines(range(4)), "train_b.txt": lines(range(4))[::1], "val.txt": lines((4,))}
    )
    assert numbers(layout) == {"train": 4, "val": 1}
    assert layout.unused == ()
    assert "train_b.txt names the same images" in layout.evidence


def test_lists_in_folders_of_folds_are_refused_with_the_lists_of_each(tmp_path):
    texts = {}
    for fold in range(3):
        own = (2 * fold, 2 * fold + 1)
        texts |= {f"fold{fold}/val.txt": lines(own), f"fold{fold}/train.txt": lines(set(range(6)) - {*own})}
    error = refused_list(tmp_path, texts)
    first = [f"train={tmp_path}/fold0/train.txt", f"val={tmp_path}/fold0/val.txt"]
    assert chosen(error.fix)[:2] == first
    lists = tuple(tuple(way.split("=")) for way in first)
    assert stems(find(tmp_path, lists=lists)) == {"train": "2345", "val": "01"}


def test_lists_of_parts_are_refused_rather_than_the_second_part_lost(tmp_path):
    for part in "ab":
        draw(tmp_path, f"{part}/images/{part}.jpg", f"{part}/masks/{part}.png")
        write(tmp_path, f"{part}/train.txt", f"images/{part}.jpg masks/{part}.png\n")
    with pytest.raises(UsageError, match="0 of them in both") as caught:
        find(tmp_path)
    lists = tuple(tuple(way.split("=")) for way in chosen(caught.value.fix))
    assert numbers(find(tmp_path, lists=lists)) == {"train": 2}


def test_lists_of_the_layout_stand_above_those_of_other_folders(tmp_path):
    folders = ("ImageSets/Main", "ImageSets/Segmentation")
    texts = {f"{folder}/train.txt": names(range(3 + place)) for place, folder in enumerate(folders)}
    layout = six(tmp_path, texts)
    assert (numbers(layout), [unused.where for unused in layout.unused]) == ({"train": 4}, ["ImageSets/Main/train.txt"])


@pytest.mark.parametrize(
    "text", ["ImageId,EncodedPixels\nx,1 2 3\n", "a\nb\n", "q,r\n", "id,image,split\n1,z.jpg,train\n"]
)
def test_a_train_list_that_cannot_be_used_is_an_error(tmp_path, text):
    error = refused_list(tmp_path, {"train.csv": text})
    assert str(error).startswith(f"{tmp_path / 'train.csv'}: names none of the images of layout dirs, from ")
    layout = find(tmp_path, image="images/{stem}.jpg", mask="masks/{stem}.png")  # as the message says
    assert (numbers(layout), [unused.where for unused in layout.unused]) == ({"train": 6}, ["train.csv"])


def test_a_text_with_a_similar_name_that_is_no_list_is_named(tmp_path):
    layout = six(tmp_path, {"train_log.txt": "epoch 1 loss 0.3\nepoch 2 loss 0.2\n", "notes.txt": "hello\n"})
    assert numbers(layout) == {"train": 6}
    (unused,) = layout.unused
    assert (unused.code, unused.where) == ("W_UNUSED_LIST", "train_log.txt")
    assert "fewer than half of its lines name files of this dataset" in unused.what
