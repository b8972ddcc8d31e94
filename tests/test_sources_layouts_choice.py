"""Choice: the options that a message offers are complete and choose what it says."""

from __future__ import annotations

import pytest
from layout_files import draw, options_in

from converter.sources.layouts.choice import Candidate, by_difference, candidate_for, choice, described
from converter.sources.layouts.pairing import FolderPair
from converter.sources.tree import list_tree


def tree_of(folder, *names):
    return list_tree(draw(folder, *names), follow_links=False)


def test_folder_pairs_are_grouped_by_the_part_that_differs():
    pairs = [
        FolderPair("train/RGB", "train/GT/x"),
        FolderPair("val/RGB", "val/GT/x"),
        FolderPair("a", "b"),
        FolderPair("d", "d/m"),
        FolderPair("train_img", "train_lab"),
        FolderPair("test_img", "test_lab"),
    ]
    assert by_difference(pairs) == {
        ("RGB", "GT/x"): pairs[:2],
        ("a", "b"): pairs[2:3],
        ("", "m"): pairs[3:4],
        ("{split}_img", "{split}_lab"): pairs[4:],
    }


@pytest.mark.parametrize(("folders", "options"), [
    ([("a", "b")], "--image 'a/{stem}.jpg' --mask 'b/{stem}.png'"),
    ([("", "b")], "--image '{stem}.jpg' --mask 'b/{stem}.png'"),
    ([("a/train", "b/train"), ("a/val", "b/val")],
     "--image 'a/{split}/{stem}.jpg' --mask 'b/{split}/{stem}.png'"),
    ([("train/a", "train/b"), ("dev/a", "dev/b")],
     "--image '{split}/a/{stem}.jpg' --mask '{split}/b/{stem}.png'"),
    ([("a/x/y", "b/x/y"), ("a/z", "b/z")], "--image 'a/{folder}/{stem}.jpg' --mask 'b/{folder}/{stem}.png'"),
    ([("a/train/x", "b/train/x"), ("a/val/y", "b/val/y")],
     "--image 'a/{split}/{folder}/{stem}.jpg' --mask 'b/{split}/{folder}/{stem}.png'"),
    ([("it's", "b")], "--image 'it'\"'\"'s/{stem}.jpg' --mask 'b/{stem}.png'"),
    ([("train_img", "train_lab"), ("test_img", "test_lab")],
     "--image '{split}_img/{stem}.jpg' --mask '{split}_lab/{stem}.png'"),
    ([("train/train-x", "train/train-y"), ("val/val-x", "val/val-y")],
     "--image '{split}/{split}-x/{stem}.jpg' --mask '{split}/{split}-y/{stem}.png'"),
    ([("train_a", "train_b"), ("test_c", "test_d")], ""),
    ([("{split}_a", "{split}_b")], ""),
    ([("a{1}", "b")], ""),  # which a template cannot say
    ([("a\nb", "b")], ""),
    ([("x/a/s", "x/b/s"), ("y/z/a/t", "y/z/b/t")], ""),
])  # fmt: skip
def test_the_options_of_a_candidate(tmp_path, folders, options):
    tree = tree_of(tmp_path, *(f"{f'{i}/' if i else ''}0.jpg" for i, _ in folders), *(f"{m}/0.png" for _, m in folders))
    candidate = Candidate(tuple(FolderPair(*pair) for pair in folders), 1)
    assert candidate.options(tree) == options


def test_several_extensions_become_any_and_affixes_are_part_of_the_names(tmp_path):
    tree = tree_of(tmp_path, "a/i1.jpg", "a/i2.png", "b/m_1.png", "b/m_2.png")
    candidate = candidate_for(tree, [FolderPair("a", "b")])
    assert (candidate.num_pairs, candidate.image, candidate.mask) == (2, ("i", ""), ("m_", ""))
    assert candidate.options(tree) == "--image 'a/i{stem}.*' --mask 'b/m_{stem}.png'"
    assert described([candidate]) == "a/ with b/ (2 pairs)"


def test_a_candidate_whose_names_differ_within_has_no_options(tmp_path):
    tree = tree_of(tmp_path, "a/x_IMG_1.jpg", "a/y_IMG_2.jpg", "b/x_GT_1.png", "b/y_GT_2.png")
    candidate = candidate_for(tree, [FolderPair("a", "b")])
    assert candidate.options(tree) == ""
    error = choice(tree, "has two", [candidate])
    assert error.fix == "Move the folders that are not meant out of the source folder."


def test_at_most_six_ways_are_shown_each_once(tmp_path):
    tree = tree_of(tmp_path, "a/1.jpg", *(f"m{n}/1.png" for n in range(9)))
    several = [Candidate((FolderPair("a", f"m{n}"),), 1) for n in (0, *range(9))]
    ways = options_in(choice(tree, "has many", several).fix)
    assert [way["mask"][:2] for way in ways] == ["m0", "m1", "m2", "m3", "m4"]  # of the first six
