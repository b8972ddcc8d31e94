"""Duplicates: a changed copy matches its original and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from converter.checking.survey import thumbnail
from converter.pixels.images import open_image
from converter.sample.write import draw_tile
from converter.sources.duplicates import near_duplicates
from tests.picture_bytes import saved


def thumbnail_of(data: bytes) -> bytes:
    return thumbnail(open_image(data, "image"))


@pytest.fixture(scope="module")
def tiles() -> list[Image.Image]:
    """Aerial images of a synthetic town, all different."""
    return [Image.fromarray(draw_tile(0, "train", number)[0]) for number in range(6)]


CHANGES = {
    "recompressed": lambda tile: saved(tile, "JPEG", quality=30),
    "smaller": lambda tile: saved(tile.resize((346, 259), Image.Resampling.BICUBIC), "JPEG", quality=80),
    "brighter": lambda tile: saved(ImageEnhance.Brightness(tile).enhance(1.1), "JPEG"),
    "darker": lambda tile: saved(ImageEnhance.Brightness(tile).enhance(0.7), "JPEG"),
    "shifted": lambda tile: saved(tile.crop((2, 1, *tile.size)), "JPEG"),
    "grey": lambda tile: saved(tile.convert("L"), "PNG"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_a_near_duplicate_of_its_original_and_of_nothing_else(tiles, change):
    originals = [thumbnail_of(saved(tile, "JPEG", quality=90)) for tile in tiles]
    copies = [thumbnail_of(CHANGES[change](tile)) for tile in tiles]
    assert near_duplicates(originals + copies) == [(number, number + len(tiles)) for number in range(len(tiles))]


def test_flat_and_missing_thumbnails_are_like_nothing():
    rng = np.random.default_rng(0)
    blank = [bytes([level]) * 256 for level in (0, 128, 128, 255)]
    noisy = [rng.integers(200, 204, 256, np.uint8).tobytes() for _ in range(50)]
    assert near_duplicates([*blank, *noisy, b"", b""]) == []
    assert near_duplicates([]) == []


def test_many_copies_of_one_photograph_are_one_group_and_no_flood():
    thumbnail = np.random.default_rng(1).integers(0, 256, 256, np.uint8).tobytes()
    assert near_duplicates([thumbnail] * 5) == [(0, 1), (0, 2), (0, 3), (0, 4)]


def test_near_duplicates_are_those_that_comparing_all_with_all_finds():
    rng = np.random.default_rng(2)
    scenes = rng.integers(0, 256, (40, 16, 16))
    images = np.clip(np.concatenate([scenes, scenes[:25] + rng.normal(0, 4, (25, 16, 16))]), 0, 255).astype(np.uint8)
    vectors = images.reshape(len(images), -1).astype(float)
    cosines = np.corrcoef(vectors)
    expected = [(i, j) for i in range(65) for j in range(i + 1, 65) if cosines[i, j] > 0.995]
    assert len(expected) == 25
    assert near_duplicates([image.tobytes() for image in images]) == expected
