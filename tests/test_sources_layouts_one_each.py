"""One each: folders of one image and one mask under the same names are pairs, whatever the names are."""

from __future__ import annotations

import pytest
from layout_files import find, paint, pairs

from converter.errors import UsageError


@pytest.mark.parametrize(("photo", "mask"), [("rgb.jpg", "labels.png"), ("a.png", "b.png"), ("x.png", "a.png")])
def test_a_folder_for_each_image_with_the_same_names_in_all(tmp_path, photo, mask):
    folders = [f"{split}/iid{number}" for split in ("train", "valid") for number in range(3)]
    photos, masks = (tuple(f"{folder}/{name}" for folder in folders) for name in (photo, mask))
    layout = find(paint(tmp_path, photos=photos, masks=masks))
    together = list(zip(photos, masks, strict=True))
    assert pairs(layout) == {"train": together[:3], "val": together[3:]}
    assert layout.evidence[:2] == (
        f"{photo} and {mask} in each of 6 folders",
        f"taken as masks: {mask} has few values",
    )


@pytest.mark.parametrize(("photos", "masks"), [
    (("rgb.png",), ("labels.png", "depth.png")), ((), ("a.png", "b.png")), (("a.png", "b.png"), ()),
    (("1.png",), ("2.png",)),  # frames of a video, not kinds of files
])  # fmt: skip
def test_where_one_image_and_one_mask_are_not_clear_it_is_not_this(tmp_path, photos, masks):
    folders = [f"f{number}" for number in range(4)]
    files = [tuple(f"{folder}/{name}" for folder in folders for name in names) for names in (photos, masks)]
    paint(tmp_path, photos=files[0], masks=files[1])
    try:
        assert "in each of" not in find(tmp_path).evidence[0]
    except UsageError as error:
        assert error.code == "E_LAYOUT"
