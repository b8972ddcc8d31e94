"""WebP: lossless files are read exactly, lossy ones as images; what is truncated or moves is refused."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from mask_files import mapped, mapper
from mask_files import refusal as mask_refusal
from photo_files import ORIENTATION, as_stored, noise, refusal, rendered, smooth
from picture_bytes import saved
from PIL import Image

from converter.errors import DataError
from converter.pixels.images import open_image, unmodified_bytes
from converter.pixels.masks import ValueCounter, open_mask
from converter.pixels.webp import check_webp


@pytest.mark.parametrize("size", [(1, 1), (7, 3), (40, 61)])
def test_a_lossless_webp_has_the_pixels_that_were_saved(size):
    pixels = noise(*size, 3)
    assert np.array_equal(rendered(saved(pixels, "WEBP", lossless=True), size), pixels)


def test_a_lossy_webp_is_an_image_close_to_what_was_saved():
    pixels = smooth(64, 96)
    assert np.abs(rendered(saved(pixels, "WEBP", quality=95), (64, 96)).astype(int) - pixels).mean() < 3


def test_the_colours_of_a_lossless_webp_are_the_values_of_a_mask_and_its_greys_are_levels():
    drawn = np.array([[0, 1, 1], [1, 0, 0]])
    colors = np.array([(200, 10, 0), (0, 10, 200)], np.uint8)
    data = saved(colors[drawn], "WEBP", lossless=True)
    assert mapped(data, mapper("a,#C80A00", "b,#000AC8")).tolist() == drawn.tolist()
    grey = saved(np.array([[7, 9, 9], [9, 7, 7]], np.uint8), "WEBP", lossless=True)
    assert mapped(grey, mapper("a,7", "b,9")).tolist() == drawn.tolist()


def test_a_lossy_webp_is_no_mask_unless_a_tolerance_is_given():
    data = saved(np.full((16, 16, 3), 200, np.uint8), "WEBP", quality=90)
    error = mask_refusal(data, mapper("a,200"))
    assert (error.code, "is compressed as lossy WebP" in error.what) == ("E_FORMAT", True)
    assert mapped(data, mapper("a,200", tolerance=8)).tolist() == [[0] * 16] * 16


def test_a_partly_transparent_webp_is_no_mask_and_an_opaque_one_is():
    pixels = np.full((3, 4, 4), 255, np.uint8)
    assert mapped(saved(pixels, "WEBP", lossless=True), mapper("a,255")).tolist() == [[0] * 4] * 3
    pixels[1, 1, 3] = 254
    assert mask_refusal(saved(pixels, "WEBP", lossless=True), mapper("a,255")).code == "E_MASK_MODE"


def test_the_orientation_of_a_webp_is_undone_in_an_image_and_refused_in_a_mask():
    upright = noise(4, 6, 3)
    for orientation, pixels in as_stored(upright).items():
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        data = saved(np.ascontiguousarray(pixels), "WEBP", lossless=True, exif=exif)
        assert np.array_equal(rendered(data, (4, 6)), upright), orientation
        if orientation > 1:
            assert mask_refusal(data, mapper("a,*")).code == "E_MASK_MODE"


@pytest.mark.parametrize("lossless", [True, False])
def test_an_animation_is_refused(lossless):
    frames = [Image.fromarray(noise(16, 16, 3)), Image.new("RGB", (16, 16))]
    data = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=lossless)
    assert refusal(data) == "E_FORMAT"


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 80}, {"quality": 80, "exif": b"Exif\0\0MM"}])
def test_a_webp_cut_at_any_byte_is_refused(options):
    data = saved(noise(13, 17, 3), "WEBP", **options)
    rendered(data, (13, 17))
    for cut in range(len(data) - len(data) % 2):
        with pytest.raises(DataError):
            rendered(data[:cut], (13, 17))


@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 80}])
@pytest.mark.parametrize("channels", [3, 4])
def test_what_is_told_of_a_webp_is_its_size_and_whether_it_is_lossy(options, channels):
    data = saved(noise(13, 17, channels), "WEBP", **options)
    assert check_webp(data, "a.webp") == ((13, 17), "quality" in options)
    assert refusal(data, max_pixels=13 * 17 - 1) == "E_TOO_LARGE"


def test_a_canvas_of_another_size_than_the_image_is_refused():
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    data = bytearray(saved(noise(13, 17, 3), "WEBP", lossless=True, exif=exif))
    assert data[12:16] == b"VP8X"
    struct.pack_into("<H", data, 24, 20)
    with pytest.raises(DataError, match="is damaged"):
        check_webp(bytes(data), "a.webp")


def test_a_webp_is_not_stored_with_its_own_bytes_which_no_reader_of_records_expects():
    assert unmodified_bytes(open_image(saved(noise(3, 5, 3), "WEBP", lossless=True), "a.webp")) is None


def test_a_flipped_bit_in_a_webp_gives_a_picture_of_its_size_or_a_refusal():
    data = saved(noise(5, 7, 3), "WEBP", lossless=True)
    for position in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        with contextlib.suppress(DataError):
            mask = open_mask(bytes(damaged), "a.webp", 4096)
            assert sum(ValueCounter().count(mask).values()) == mask.size[0] * mask.size[1]
