"""Templates: --image and --mask say where the files are."""

from __future__ import annotations

import pytest
from layout_files import draw, find, pairs

from converter.errors import UsageError


@pytest.mark.parametrize(("image", "mask"), [
    ("in/{split}/{stem}.*", "out/{split}/{stem}_m.png"),
    ("in/{split}/{stem}.jpg", "./out/{split}/{stem}_m.*"),
])  # fmt: skip
def test_templates_say_where_the_files_are(tmp_path, image, mask):
    draw(
        tmp_path, "in/Train/a.jpg", "out/Train/a_m.png", "in/dev/b.jpg", "out/dev/b_m.png", "in/dev/c.jpg", "in/x/d.jpg"
    )
    layout = find(tmp_path, image=image, mask=mask)
    assert (layout.name, layout.evidence) == ("templates", (f"--image {image}", f"--mask {mask}"))
    assert pairs(layout) == {
        "train": [("in/Train/a.jpg", "out/Train/a_m.png")],
        "val": [("in/dev/b.jpg", "out/dev/b_m.png")],
    }
    assert [(r.split, r.error.where, r.error.code) for r in layout.rejects] == [("val", "in/dev/c.jpg", "E_NO_MASK")]


def test_templates_in_one_folder_take_no_mask_for_a_photograph_and_lists_split_them(tmp_path):
    draw(tmp_path, "d/a.png", "d/a_mask.png", "d/b.png", "d/b_mask.png", train="a\n", val="b\n")
    layout = find(tmp_path, image="d/{stem}.png", mask="d/{stem}_mask.png")
    assert pairs(layout) == {"train": [("d/a.png", "d/a_mask.png")], "val": [("d/b.png", "d/b_mask.png")]}
    assert layout.unmatched == ()


@pytest.mark.parametrize(("image", "mask", "text"), [
    ("/i/{stem}.jpg", "m/{stem}.png", "--image: '/i/{stem}.jpg' is not a plain path"),
    ("i/{stem}.jpg", "../m/{stem}.png", "--mask: '../m/{stem}.png' is not a plain path"),
    ("i//{stem}.jpg", "m/{stem}.png", "is not a plain path"),
    ("i/a.jpg", "m/{stem}.png", "has no {stem}"),
    ("i/{split}/{stem}.jpg", "m/{stem}.png", "only one of them has {split}"),
    ("i/{folder}/{stem}.jpg", "m/{stem}.png", "only one of them has {folder}"),
    ("i/{city}/{stem}.jpg", "m/{stem}.png", "has {city}; a template may only have"),
    ("i/*/{stem}.jpg", "m/{stem}.png", "has *; a template may only have"),
    ("i/{{stem}}.jpg", "m/{stem}.png", "; a template may only have {split}, {folder}, {stem} and .* at its end"),
    ("i/{stem}.jpg", "m/{stem}.tif", "match no pair (--image 1 and --mask 0 files)"),
])  # fmt: skip
def test_a_template_that_is_none_is_refused(tmp_path, image, mask, text):
    with pytest.raises(UsageError) as caught:
        find(draw(tmp_path, "i/a.jpg", "m/a.png"), image=image, mask=mask)
    assert caught.value.code == "E_LAYOUT"
    assert text in str(caught.value)
