"""Mix-ups: a line that gives an image the mask of another one is named, and no dataset is accused without one."""

from __future__ import annotations

import pytest
from split_files import lines, of_code, six

from converter.sources.mix_ups import mix_ups
from converter.sources.refs import ExampleRef


def refs(*pairs: str) -> list[ExampleRef]:
    return [ExampleRef("train", *pair.split(), "train.txt", line) for line, pair in enumerate(pairs, 1)]


def found(*pairs: str, files: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    own = refs(*pairs)
    return [
        (each.code, each.where)
        for each in mix_ups(own, {*files, *(ref.mask for ref in own), *(ref.image for ref in own)})
    ]


def test_a_line_with_the_mask_of_another_image_is_named(tmp_path):
    text = lines((0, 1, 2)) + "images/f3.jpg masks/f5.png\n"
    layout = six(tmp_path, {"train.txt": text, "val.txt": lines((4,))})
    (unused,) = of_code(layout, "W_OTHER_MASK")
    assert unused.where == "train.txt:4"
    assert unused.what == "gives images/f3.jpg the mask masks/f5.png, although there is masks/f3.png"


@pytest.mark.parametrize(("image", "mask"), [
    ("i/{}.jpg", "m/{}.png"), ("i/{}_sat.jpg", "i/{}_mask.png"), ("i/a{}.jpg", "m/label_a{}.png"),
    ("i/um_{:03}.png", "m/um_{:03}_road.png"), ("{}.jpg", "{}.png"), ("i/x{}.jpg", "m/y{}.png"),
])  # fmt: skip
def test_two_exchanged_masks_are_found_in_any_pattern(image, mask):
    pairs = [f"{image.format(n)} {mask.format({2: 3, 3: 2}.get(n, n))}" for n in range(10, 20)]
    assert found(*pairs) == []
    pairs = [f"{image.format(n)} {mask.format({12: 13, 13: 12}.get(n, n))}" for n in range(10, 20)]
    assert found(*pairs) == [("W_OTHER_MASK", "train.txt:3")]


def test_one_mask_for_two_images_is_named_with_all_lines():
    pairs = ["i/a.jpg m/a.png", "i/b.jpg m/a.png", "i/c.jpg m/a.png", "i/d.jpg m/d.png"]
    (first, *_) = mix_ups(refs(*pairs), set())
    assert (first.code, first.where) == ("W_SHARED_MASK", "train.txt:2")
    assert first.what == "gives i/b.jpg the mask m/a.png, which i/a.jpg has too; also line 3"


@pytest.mark.parametrize("pairs", [
    ["i/a.jpg m/1.png", "i/b.jpg m/2.png", "i/c.jpg m/3.png"],  # names that say nothing
    ["i/a.jpg m/a.png", "i/b.jpg m/q.png", "i/c.jpg m/c.png"],  # a mask of another name, where there is no m/b.png
    ["i/a.jpg m/a.png"], [],
])  # fmt: skip
def test_names_without_a_pattern_are_not_accused(pairs):
    assert found(*pairs) == []
    assert found("i/a.jpg m/a.png", "i/b.jpg m/x.png", "i/c.jpg m/y.png", files=("m/b.png", "m/c.png")) == []
