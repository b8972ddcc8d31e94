"""Pairs: the mask decides the orientation of its image, whatever EXIF says."""

from __future__ import annotations

import numpy as np
import pytest
from picture_bytes import saved, tiff
from PIL import Image

from converter.config import SourceConfig
from converter.errors import DataError
from converter.pixels.images import open_image, render
from converter.pixels.masks import open_mask
from converter.sources.pairs import open_pair, oriented_like
from converter.sources.refs import ExampleRef

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def image_file(orientation: int, kind: str) -> bytes:
    """Returns a file that stores PIXELS, 20 high and 30 wide, with an EXIF orientation."""
    if kind == "TIFF":
        return tiff(PIXELS, {274: orientation})
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(PIXELS, kind, exif=exif)


def mask_file(height: int, width: int) -> bytes:
    return saved(np.zeros((height, width), np.uint8))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize(("orientation", "mask_size", "expected"), [
    *((level, (30, 20), level) for level in (5, 6, 7, 8)),  # drawn over the rotated image
    *((level, (20, 30), 1) for level in (5, 6, 7, 8)),  # drawn over the stored one
    *((level, (20, 30), level) for level in (1, 2, 3, 4)),  # both fit: EXIF decides
])  # fmt: skip
def test_peers_row_10_the_mask_tells_which_way_the_photograph_stands(orientation, mask_size, expected, kind):
    image = open_image(image_file(orientation, kind), "a.jpg")
    assert image.raw_size == (20, 30)
    oriented = oriented_like(image, open_mask(mask_file(*mask_size), "a.png"))
    assert (oriented.orientation, oriented.exif_orientation, oriented.size) == (expected, orientation, mask_size)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_a_photograph_whose_mask_was_drawn_over_it_as_it_lies_in_the_file_is_left_so(orientation, kind):
    image = oriented_like(open_image(image_file(orientation, kind), "a"), open_mask(mask_file(20, 30), "a.png"))
    assert np.array_equal(np.asarray(render(image, (20, 30), "pad")), PIXELS)


def test_of_a_square_photograph_exif_decides():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = open_image(saved(PIXELS[:, :20], exif=exif), "a.png")
    assert oriented_like(image, open_mask(mask_file(20, 20), "b.png")).orientation == 6


def test_peers_row_9_other_sizes_are_refused_with_both_and_a_hint_on_swapped_sides():
    image = open_image(image_file(1, "JPEG"), "a.jpg")
    with pytest.raises(DataError, match=r"is 30 high and 20 wide, its image a\.jpg is 20 high.*, with h") as caught:
        oriented_like(image, open_mask(mask_file(30, 20), "a.png"))
    assert (caught.value.where, caught.value.code) == ("a.png", "E_SIZE")
    with pytest.raises(DataError, match=r"is 21 high and 30 wide, its image a\.jpg is 20 high and 30 wide\."):
        oriented_like(image, open_mask(mask_file(21, 30), "a.png"))


def test_the_files_of_a_pair_are_read_from_the_source_folder(tmp_path):
    (tmp_path / "a.jpg").write_bytes(image_file(6, "JPEG"))
    (tmp_path / "a.png").write_bytes(mask_file(20, 30))
    image, mask = open_pair(ExampleRef("train", "a.jpg", "a.png", "train.txt", 1), SourceConfig(tmp_path))
    assert (image.size, image.orientation, mask.size) == ((20, 30), 1, (20, 30))
    with pytest.raises(DataError) as caught:
        open_pair(ExampleRef("train", "a.jpg", "a.png", "train.txt", 1), SourceConfig(tmp_path, max_pixels=599))
    assert (caught.value.where, caught.value.code) == ("a.jpg", "E_TOO_LARGE")
