"""Cityscapes: label ids are preferred to colours and train ids."""

from __future__ import annotations

import pytest
from layout_files import CITY, assert_is_detected, drawn, refused

# name of the layout: files, files with text, train pairs, val pairs, clause of the evidence, preset
KNOWN = {
    "cityscapes": (
        (CITY, "gtFine/train/aachen/a_1_gtFine_labelIds.png", "gtFine/train/aachen/a_1_gtFine_color.png",
         "leftImg8bit/val/ulm/b_leftImg8bit.png", "gtFine/val/ulm/b_gtFine_labelIds.png",
         "gtFine/val/ulm/b_gtFine_labelTrainIds.png"), {},
        [(CITY, "gtFine/train/aachen/a_1_gtFine_labelIds.png")],
        [("leftImg8bit/val/ulm/b_leftImg8bit.png", "gtFine/val/ulm/b_gtFine_labelIds.png")],
        "leftImg8bit/ and gtFine/ side by side: 2 cities", "cityscapes",
    ),
    "cityscapes with TrainIds": (
        (CITY, "gtFine/train/aachen/a_1_gtFine_labelTrainIds.png"), {},
        [(CITY, "gtFine/train/aachen/a_1_gtFine_labelTrainIds.png")], [],
        "masks _gtFine_labelTrainIds", "cityscapes-train",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KNOWN)
def test_each_layout_is_told_by_its_files_with_its_evidence(tmp_path, row):
    assert_is_detected(tmp_path, row.split()[0], *KNOWN[row])


@pytest.mark.parametrize(("files", "texts", "hint"), [
    ((CITY,), {}, "leftImg8bit/ without gtFine/"),
    ((CITY, "gtFine/train/aachen/a_1_gtFine_color.png"), {}, "no mask ends in _gtFine_labelIds.png"),
])  # fmt: skip
def test_a_near_miss_is_refused_with_what_it_lacks_and_the_way_out(tmp_path, files, texts, hint):
    assert hint in refused(drawn(tmp_path, files, texts))
