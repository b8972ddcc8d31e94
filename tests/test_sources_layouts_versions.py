"""Versions: several kinds of masks side by side are a choice whose options work, and nothing else is."""

from __future__ import annotations

import pytest
from layout_files import draw, find, numbered, options_in, paint, pairs

from converter.errors import UsageError
from converter.sources.layouts.refusal import EXAMPLE


def chosen(folder, kind: str) -> dict[str, list[tuple[str, str]]]:
    """Returns the pairs of the one way offered whose mask template has the kind."""
    with pytest.raises(UsageError, match="masks an image in") as caught:
        find(folder)
    (way,) = [way for way in options_in(caught.value.fix) if kind in way["mask"]]
    return pairs(find(folder, **way))


def test_masks_of_two_observers_beside_their_images(tmp_path):
    masks = [name for kind in ("1st", "2nd") for name in numbered(f"Image_{{}}L_{kind}HO.png")]
    draw(tmp_path, *numbered("Image_{}L.jpg"), *masks)
    assert chosen(tmp_path, "2nd") == {"train": [(f"Image_{n}L.jpg", f"Image_{n}L_2ndHO.png") for n in range(4)]}


SCENES = (("fog/train/a", "ft"), ("fog/val/a", "fv"), ("night/train/b", "nt"), ("night/val/b", "nv"))


def test_ids_and_colours_of_the_same_images_in_other_folders(tmp_path):
    for scene, start in SCENES:
        masks = [name for kind in ("Ids", "Color") for name in numbered(f"gt/{scene}/{start}{{}}_gt_{kind}.png")]
        paint(tmp_path, photos=numbered(f"rgb/{scene}/{start}{{}}_anon.png"), masks=tuple(masks))
    paint(tmp_path, photos=numbered("rgb/fog/train_ref/a/r{}_anon.png") + numbered("rgb/fog/test/a/t{}_anon.png"))
    right = {
        split: [
            (f"rgb/{scene}/{start}{n}_anon.png", f"gt/{scene}/{start}{n}_gt_Ids.png")
            for scene, start in SCENES
            if split in scene
            for n in range(4)
        ]
        for split in ("train", "val")
    }
    assert chosen(tmp_path, "Ids") == right


def test_folders_without_any_mask_are_left_out_and_named_and_single_images_are_not(tmp_path):
    draw(tmp_path, *numbered("rgb/a/{}.png"), *numbered("gt/a/{}.png"), *numbered("rgb/a_ref/{}.png"))
    way = {"image": "rgb/{folder}/{stem}.png", "mask": "gt/{folder}/{stem}.png"}
    layout = find(tmp_path, **way)
    assert (len(layout.refs["train"]), layout.rejects) == (4, ())
    assert [(unused.code, unused.where) for unused in layout.unused] == [("W_UNUSED_FOLDER", "rgb/a_ref/")]
    assert len(find(tmp_path, missing_mask="ignore", **way).refs["train"]) == 8
    (tmp_path / "gt/a/0.png").unlink()
    assert [reject.error.code for reject in find(tmp_path, **way).rejects] == ["E_NO_MASK"]


@pytest.mark.parametrize("masks", [
    ("{}_a.png",), (*("{}_a.png", "9_b.png"),), ("{}_a.png", "x{}_b.png", "y_c.png"),
])  # fmt: skip
def test_kinds_that_not_every_image_has_are_no_choice(tmp_path, masks):
    draw(
        tmp_path,
        *numbered("d/{}.jpg"),
        *(name for mask in masks for name in numbered(f"d/{mask}")[: 4 if "{" in mask else 1]),
    )
    try:
        find(tmp_path)
    except UsageError as error:
        assert "masks an image" not in error.what
        assert EXAMPLE in error.fix or "--image" in error.fix
