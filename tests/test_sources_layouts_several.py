"""Several: more than one mask for each image is refused by name, with the options that choose one kind."""

from __future__ import annotations

import pytest
from layout_files import find, numbered, options_in, paint

from converter.errors import UsageError

PHOTOS = numbered("images/p{}.png")


@pytest.mark.parametrize(("templates", "text"), [
    (("masks/p{}_tumor.png", "masks/p{}_vessel.png"), r"has 2 masks an image in masks/ \(_tumor, _vessel\): merge"),
    (("masks/tumor-p{}.png", "masks/vessel-p{}.png"), r"has 2 masks an image in masks/ \(tumor-, vessel-\)"),
    (("masks/p{}a.png", "masks/p{}b.png", "masks/p{}c.png"), r"has 3 masks an image in masks/ \(a, b, c\)"),
])  # fmt: skip
def test_one_mask_for_each_class_is_refused_and_each_can_be_chosen(tmp_path, templates, text):
    paint(tmp_path, photos=PHOTOS, masks=tuple(name for each in templates for name in numbered(each)))
    with pytest.raises(UsageError, match=text) as caught:
        find(tmp_path)
    assert caught.value.code == "E_LAYOUT"
    ways = options_in(caught.value.fix)
    assert len(ways) == len(templates)
    for way, template in zip(ways, templates, strict=True):
        masks = tuple(ref.mask for ref in find(tmp_path, **way).refs["train"])
        assert masks == numbered(template)


def test_one_mask_for_each_object_is_refused_without_such_a_choice(tmp_path):
    paint(tmp_path, photos=PHOTOS, masks=(*numbered("masks/p0_{}.png", 3), "masks/p1_0.png"))
    with pytest.raises(UsageError, match=r"has up to 3 masks an image in masks/ \(_0, _1, _2\): merge them") as caught:
        find(tmp_path)
    assert options_in(caught.value.fix) == []


def test_a_folder_of_objects_for_each_image_is_refused(tmp_path):
    for image in ("a1", "b2"):
        paint(tmp_path / f"stage1_train/{image}", photos=(f"images/{image}.png",), masks=numbered("masks/x{}.png", 5))
    with pytest.raises(UsageError, match="has up to 5 masks an image, such as those in stage1_train/a1/masks/"):
        find(tmp_path)


def test_masks_of_each_class_in_folders_named_after_the_images_can_be_chosen(tmp_path):
    masks = numbered("gt/p{}/tumor.png") + numbered("gt/p{}/vessel.png")
    paint(tmp_path, photos=numbered("images/p{}.jpg"), masks=masks)
    with pytest.raises(
        UsageError, match=r"has up to 2 masks an image in folders named after .* gt/p0/ for im"
    ) as caught:
        find(tmp_path)
    ways = options_in(caught.value.fix)
    assert [way["mask"] for way in ways] == ["gt/{stem}/tumor.png", "gt/{stem}/vessel.png"]
    for way, kind in zip(ways, ("tumor", "vessel"), strict=True):
        assert tuple(ref.mask for ref in find(tmp_path, **way).refs["train"]) == numbered(f"gt/p{{}}/{kind}.png")


def test_a_mask_in_a_folder_named_after_its_image_is_found_with_the_options_given(tmp_path):
    masks = tuple(f"gt/p{n}/p{n}_mask.png" for n in range(4))
    paint(tmp_path, photos=numbered("images/p{}.jpg"), masks=masks)
    with pytest.raises(UsageError, match="has the mask of each image in a folder named after it") as caught:
        find(tmp_path)
    (way,) = options_in(caught.value.fix)
    assert tuple(ref.mask for ref in find(tmp_path, **way).refs["train"]) == masks


def test_masks_of_each_object_in_folders_named_after_the_images_are_refused_without_a_choice(tmp_path):
    masks = tuple(f"masks/c{n}/{k}.png" for n in range(4) for k in range(2 + n % 3))
    paint(tmp_path, photos=numbered("images/c{}.png"), masks=masks)
    with pytest.raises(UsageError, match="has up to 4 masks an image in folders named after the images") as caught:
        find(tmp_path)
    assert options_in(caught.value.fix) == []
