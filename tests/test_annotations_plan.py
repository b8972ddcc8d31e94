"""Plan: classes and their indices, names of files, and what the key depends on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from converter.annotations.config import MasksConfig
from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture
from converter.annotations.plan import plan_masks
from converter.annotations.shapes import Drawable, InFile, Outline
from converter.errors import UsageError
from converter.schema import IGNORE_INDEX
from converter.sources.tree import Tree

SHAPE = Outline("box", (np.array([[0.0, 0.0], [1.0, 1.0]]),))


def picture(path, *labels, **more):
    return Picture(path, more.pop("where", "x.json"), (4, 4), tuple(Drawable(label, SHAPE) for label in labels), **more)


def plan(*pictures, names=(), files=(), digest="0", left_out=None, **more):
    found = Found("x.json", [*pictures], [*names], left_out=Counter(left_out or {}), digest=digest)
    tree = Tree(Path("src"), tuple(files), ("",))
    return plan_masks(MasksConfig(Path("src"), **more), "coco", Documents(tree, ()), [found])


def test_classes_are_in_the_order_of_the_file_and_others_by_name_after_the_background():
    made = plan(picture("a.jpg", "zebra", "ant", "car", "_background_", "__ignore__", "Ignore"), names=["road", "car"])
    assert made.classes.names == ("background", "road", "car", "ant", "zebra")
    assert made.indices == {"ignore": IGNORE_INDEX, "road": 1, "car": 2, "ant": 3, "zebra": 4, "_background_": 0,
                            "__ignore__": IGNORE_INDEX, "Ignore": IGNORE_INDEX}  # fmt: skip


def test_a_mask_holds_254_classes_besides_the_background():
    assert plan(picture("a.jpg"), names=[f"c{k}" for k in range(254)]).classes.num_classes == 255
    with pytest.raises(UsageError, match="has 255 classes, and a mask holds 254 besides the background") as caught:
        plan(picture("a.jpg"), names=[f"c{k}" for k in range(255)])
    assert caught.value.code == "E_CLASSES"


def test_files_keep_their_names_without_the_folder_that_all_share():
    made = plan(*(picture(path) for path in ("x/b/2.jpg", "x/a/1.jpg", "x/a/1.png")))
    assert [(item.image, item.mask) for item in made.items] == [
        ("a/1.jpg", "a/1.jpg.png"), ("a/1.png", "a/1.png.png"), ("b/2.jpg", "b/2.png")]  # fmt: skip
    assert [item.image for item in plan(picture("x/a/1.jpg")).items] == ["1.jpg"]


@pytest.mark.parametrize("name", ["a;b.jpg", '"a".jpg', "#a.jpg", " a.jpg"])
def test_a_name_that_no_list_can_hold_is_a_problem(name):
    (problem,) = plan(picture(name)).problems
    assert (problem.code, problem.where) == ("E_PATH", "x.json")


def test_an_image_that_is_described_twice_is_a_problem_that_names_both():
    (problem,) = plan(picture("a.jpg"), picture("a.jpg", where="y.json")).problems
    assert str(problem) == "y.json: is of a.jpg, and so is x.json. Keep one of them."


def test_photographs_without_annotations_are_a_warning_and_mask_files_are_none():
    masks = Picture("a.jpg", "a.jpg", None, (Drawable("x", InFile("m/a.png")),))
    assert plan(masks, files=("a.jpg", "m/a.png", "x.json")).warnings == ()
    (warning,) = plan(masks, files=("a.jpg", "m/a.png", "b.jpg", "c.jpg")).warnings
    assert warning.startswith("W_UNMATCHED: b.jpg: 2 more image files have no annotations, and are left out.")


def test_links_out_and_names_that_are_not_utf_8_are_warnings():
    tree = Tree(Path("src"), ("a.jpg",), ("",), frozenset({"b.jpg", "c.jpg"}), ("\udcff.jpg",))
    made = plan_masks(MasksConfig(Path("src")), "coco", Documents(tree, ()), [Found("x.json", [picture("a.jpg")])])
    assert made.warnings == (
        "W_NAME_ENCODING: \\udcff.jpg: 1 name here, not in UTF-8, left out. Rename them.",
        "W_UNREAD_FILES: b.jpg: 2 links out of the source folder, not followed. Pass --follow-links to allow it.",
    )


def test_the_key_depends_on_the_annotations_and_the_options():
    made = [plan(picture("a.jpg", "x")), plan(picture("a.jpg", "x"), digest="1"), plan(picture("b.jpg", "x")),
            plan(picture("a.jpg", "x"), order="area"), plan(picture("a.jpg", "y")),
            plan(picture("a.jpg", "x"), val=0.3),
            plan(picture("a.jpg", "x"), line_width=3), plan(picture("a.jpg", "x", split="val"))]  # fmt: skip
    assert len({each.key for each in made}) == len(made)
    assert plan(picture("a.jpg", "x"), workers=3).key == made[0].key


def test_annotations_of_which_none_can_be_drawn_are_refused():
    with pytest.raises(UsageError, match="holds nothing that can be drawn, but 3 x box of COCO"):
        plan(picture("a.jpg"), left_out={"box of COCO": 3})
    assert plan(picture("a.jpg", "x"), left_out={"box of COCO": 3}).left_out == {"box of COCO": 3}
    assert plan(picture("a.jpg")).items  # a photograph without objects


def test_annotations_of_no_image_are_refused():
    with pytest.raises(UsageError, match="has annotations, but none is of an image"):
        plan()
