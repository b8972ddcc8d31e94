"""Looks: a few files of a folder show whether it holds masks."""

from __future__ import annotations

import numpy as np
import pytest
from layout_files import draw, numbered, paint
from PIL import Image

from converter.sources.layouts import looks
from converter.sources.layouts.looks import Evidence, are_images, looks_like_masks, masks_by_evidence, num_values
from converter.sources.tree import list_tree


def tree_of(folder):
    return list_tree(folder, follow_links=False)


def test_values_are_counted_in_the_first_the_middle_and_the_last_file(tmp_path):
    paint(tmp_path, photos=numbered("a/{}.png", 5), masks=numbered("b/{}.png", 5), values=4)
    tree = tree_of(tmp_path)
    assert num_values(tree, "b") == 4
    assert (looks_like_masks(tree, ["a"]), looks_like_masks(tree, ["b"])) == (False, True)
    assert (are_images(tree, "a"), are_images(tree, "b")) == (True, False)


def test_what_cannot_be_read_or_was_changed_by_jpeg_shows_nothing(tmp_path, monkeypatch):
    paint(draw(tmp_path, "broken/0.png"), photos=("jpg/0.jpg",), masks=("large/0.png",))
    monkeypatch.setattr(looks, "MAX_LOOK_PIXELS", 191)
    tree = tree_of(tmp_path)
    assert [num_values(tree, folder) for folder in ("broken", "jpg", "large", "absent")] == [None] * 4


def test_colours_of_a_palette_and_of_rgb_masks_are_few(tmp_path):
    drawn = np.kron(np.array([[0, 1], [2, 5]], np.uint8), np.ones((8, 8), np.uint8))
    Image.fromarray(drawn, "L").convert("P").save(tmp_path / "p.png")
    (tmp_path / "c").mkdir()
    Image.fromarray(np.stack([drawn * 40] * 3, -1)).save(tmp_path / "c/0.png")
    tree = tree_of(tmp_path)
    assert (num_values(tree, ""), num_values(tree, "c")) == (4, 4)


@pytest.mark.parametrize(("left", "right", "expected"), [
    (("x/0.jpg",), ("y/0.png",), Evidence(1, "PNG next to JPEG")),
    (("x/0.png",), ("y_semantic/0.png",), Evidence(1, "by the names of the folders")),
    (("labels_x/0.jpg",), ("rgb/0.jpg",), Evidence(0, "by the names of the folders")),
    (("x/0.png",), ("y/0.png",), Evidence(None)),
    (("x/0.jpg",), ("y/0.jpg",), None),
    (("labels/0.png",), ("masks/0.png",), Evidence(None)),
])  # fmt: skip
def test_files_that_cannot_be_read_are_told_by_names(tmp_path, left, right, expected):
    tree = tree_of(draw(tmp_path, *left, *right))
    folders = [[name.rpartition("/")[0] for name in names] for names in (left, right)]
    assert masks_by_evidence(tree, *folders) == expected


def test_jpeg_masks_beside_jpeg_images_are_told_by_their_flat_areas(tmp_path):
    rng = np.random.default_rng(3)
    for folder in ("a", "b", "c"):
        (tmp_path / folder).mkdir()
    for name in "012":
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), np.uint8)).save(tmp_path / f"a/{name}.jpg")
        drawn = np.zeros((48, 64), np.uint8)
        drawn[8:40, 8:40] = 255
        Image.fromarray(drawn).save(tmp_path / f"b/{name}.jpg", quality=50)
        Image.fromarray(255 - drawn).save(tmp_path / f"c/{name}.jpg")
    tree = tree_of(tmp_path)
    flat = "a few values in most of their pixels"
    assert masks_by_evidence(tree, ["a"], ["b"]) == Evidence(1, flat)
    assert masks_by_evidence(tree, ["c"], ["a"]) == Evidence(0, flat)
    assert masks_by_evidence(tree, ["b"], ["c"]) is None


def test_content_comes_before_names(tmp_path):
    tree = tree_of(paint(tmp_path, photos=("labels/0.png", "z/0.png"), masks=("rgb/0.png", "y/0.png")))
    assert masks_by_evidence(tree, ["labels"], ["rgb"]) == Evidence(1, "few values in each file")
    assert masks_by_evidence(tree, ["rgb"], ["y"]) is None
    assert masks_by_evidence(tree, ["z"], ["absent"]) is None
