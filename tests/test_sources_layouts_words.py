"""Words: the usual names of folders of splits."""

from __future__ import annotations

import pytest
from layout_files import draw, find, pairs


@pytest.mark.parametrize(("word", "split"), [
    ("Training", "train"), ("TR", "train"), ("train2017", "train"), ("valid", "val"), ("DEV", "val"),
    ("validation", "val"), ("Testing", "test"), ("ts", "test"),
])  # fmt: skip
def test_splits_have_many_names(tmp_path, word, split):
    draw(tmp_path, "images/train/a.jpg", "masks/train/a.png", f"images/{word}/b.jpg", f"masks/{word}/b.png")
    assert (f"images/{word}/b.jpg", f"masks/{word}/b.png") in pairs(find(tmp_path))[split]
