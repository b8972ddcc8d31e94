"""Sizes: from headers, without decoding; what cannot be read is refused later, by name."""

from __future__ import annotations

import io

import numpy as np
import pytest
from cut_photos import PHOTOS, cutting, write_photos
from PIL import Image

from converter.building.plan import plan_build
from converter.config import PairConfig, SourceConfig, TileConfig
from converter.errors import UsageError
from converter.sources import sizes
from converter.sources.refs import ExampleRef
from converter.sources.sizes import photo_size, tiled


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "JPEG"])
def test_the_size_of_a_mask_is_read_from_its_header(tmp_path, kind):
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((37, 91), np.uint8)).save(buffer, kind)
    data = buffer.getvalue()
    (tmp_path / "m").write_bytes(data)
    ref = ExampleRef("train", "a.jpg", "m")
    assert photo_size(ref, SourceConfig(tmp_path)) == (37, 91)
    if kind in ("PNG", "BMP", "PPM", "JPEG"):  # the rest is not read
        (tmp_path / "m").write_bytes(data[:-20] if kind == "JPEG" else data[:60])
        assert photo_size(ref, SourceConfig(tmp_path)) == (37, 91)


def test_the_size_is_that_of_the_pair_as_it_is_stored(tmp_path):
    photos = write_photos(tmp_path / "src")
    for name in PHOTOS:
        ref = ExampleRef("train", f"{name}.png", f"{name}_mask.png")
        assert photo_size(ref, SourceConfig(tmp_path / "src")) == photos[name][1].shape
    alone = ExampleRef("train", "turned.png", "")
    assert photo_size(alone, SourceConfig(tmp_path / "src")) == (75, 50)


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n", None])
def test_a_pair_whose_size_cannot_be_read_stays_whole(tmp_path, content):
    if content is not None:
        (tmp_path / "m.png").write_bytes(content)
    ref = ExampleRef("train", "a.png", "m.png")
    assert photo_size(ref, SourceConfig(tmp_path)) is None
    pair = PairConfig((128, 128), "tile")
    assert tiled([ref], SourceConfig(tmp_path), pair) == [ref]


def test_a_photograph_with_more_pixels_than_are_read_stays_whole(tmp_path):
    for name in ("a.png", "m.png"):
        Image.new("L", (100, 100)).save(tmp_path / name)
    ref = ExampleRef("train", "a.png", "m.png")
    pair = PairConfig((32, 40), "tile", tile=TileConfig(0))
    assert tiled([ref], SourceConfig(tmp_path, max_pixels=9999), pair) == [ref]
    assert len(tiled([ref], SourceConfig(tmp_path), pair)) == 12


def test_too_many_tiles_are_refused_before_they_are_made(tmp_path, monkeypatch):
    monkeypatch.setattr(sizes, "MAX_TILES", 600)
    for name in ("a.png", "m.png"):
        Image.new("1", (100, 100)).save(tmp_path / name)
    pair = PairConfig((4, 4), "tile", tile=TileConfig(0))
    with pytest.raises(UsageError, match=r"a.png: has 100x100 pixels, which are more than 600 tiles"):
        tiled([ExampleRef("train", "a.png", "m.png")], SourceConfig(tmp_path), pair)


def test_a_limit_counts_photographs(tmp_path):
    write_photos(tmp_path / "src")
    plan = plan_build(cutting(tmp_path / "src", tmp_path / "out", limit=2))
    for split in ("train", "val"):
        refs = [ref for task in plan.tasks[split] for ref in task.refs]
        assert len({ref.image for ref in refs}) == 2
        assert len(refs) > 2
