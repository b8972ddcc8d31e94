"""TIFF: every pixel layout is decoded correctly, or refused with a reason."""

from __future__ import annotations

import contextlib
import struct
import zlib

import numpy as np
import pytest
from photo_files import noise, refusal, rendered
from picture_bytes import saved, tiff
from PIL import Image

from converter.errors import DataError
from converter.pixels.images import open_image
from converter.pixels.tiff import Tag, check_tiff

MANY_TIFFS = [
    (order, compression, is_planar, layout)
    for order in "<>"
    for compression in (1, 8, 32773)
    for is_planar in (False, True)
    for layout in ({}, {"part": (10, 53)}, {"part": (16, 32), "is_tiled": True})
]


@pytest.mark.parametrize(("order", "compression", "is_planar", "layout"), MANY_TIFFS)
def test_a_tiff_has_its_pixels_however_they_lie(order, compression, is_planar, layout):
    pixels = noise(37, 53, 3)
    data = tiff(pixels, order=order, compression=compression, is_planar=is_planar, **layout)
    assert np.array_equal(rendered(data, (37, 53)), pixels)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits", "raw"])
def test_a_tiff_that_pillow_wrote_has_its_pixels(compression):
    assert np.array_equal(
        rendered(saved(noise(37, 53, 3), "TIFF", compression=compression), (37, 53)), noise(37, 53, 3)
    )


def test_a_big_tiff_is_read_and_refused_by_name_where_pillow_cannot_open_it():
    assert np.array_equal(rendered(tiff(noise(3, 5, 3), is_big=True), (3, 5)), noise(3, 5, 3))
    with pytest.raises(DataError, match="with big-endian BigTIFF data, which is not supported"):
        open_image(tiff(noise(3, 5, 3), is_big=True, order=">"), "a.tif")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("compression", [1, 8])
def test_grey_samples_of_a_tiff_run_from_black_to_white_or_from_white_to_black(bits, photometric, compression):
    samples = noise(7, 11) >> (8 - bits)
    grey = samples * (255 // (2**bits - 1))
    grey = grey if photometric else 255 - grey
    data = tiff(samples, {262: photometric}, bits=bits, compression=compression)
    assert np.array_equal(rendered(data, (7, 11)), np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_palette_of_a_tiff_has_16_bits_of_which_the_upper_8_are_the_colour(bits):
    indices = noise(7, 11) >> (8 - bits)
    colors = noise(2**bits, 3)
    for factor in (256, 257):
        palette = tuple((colors.T.astype(int) * factor).ravel().tolist())
        assert np.array_equal(rendered(tiff(indices, {262: 3, 320: palette}, bits=bits), (7, 11)), colors[indices])


@pytest.mark.parametrize("extra", [(), (0,), (2,)])
@pytest.mark.parametrize("compression", [1, 8])
def test_a_fourth_band_of_a_tiff_is_dropped_whatever_it_says_it_is(extra, compression):
    pixels = noise(7, 5, 4)
    assert np.array_equal(rendered(tiff(pixels, {338: extra}, compression=compression), (7, 5)), pixels[..., :3])


def test_bands_that_lie_one_after_the_other_are_right_or_refused():
    pixels = noise(7, 5, 4)
    for compression in (1, 8):
        data = tiff(pixels, {338: 2}, is_planar=True, compression=compression)
        assert np.array_equal(rendered(data, (7, 5)), pixels[..., :3])
        # Without a tag for the fourth sample, Pillow mixes them up.
        assert refusal(tiff(pixels, is_planar=True, compression=compression)) == "E_FORMAT"


@pytest.mark.parametrize(
    ("data", "code", "what"),
    [
        (tiff(noise(3, 5, 3), bits=16), "E_IMAGE_MODE", "16 bits per channel"),
        (tiff(noise(3, 5), bits=16), "E_IMAGE_MODE", "16 bits per channel"),
        (tiff(noise(3, 5), bits=32), "E_IMAGE_MODE", "has 1 band, 32 bits per channel, where"),
        (
            tiff(noise(3, 5), {339: 3}, bits=32),
            "E_IMAGE_MODE",
            "has 1 band, 32 bits per channel, floating-point, where",
        ),
        (tiff(noise(3, 5), {339: 2}), "E_IMAGE_MODE", "has 1 band, 8 bits per channel, signed, where"),
        (tiff(noise(3, 5), {339: 5}, bits=64), "E_FORMAT", "samples of format 5"),
        (tiff(noise(3, 5, 3), {258: (8, 16, 8)}), "E_FORMAT", "8 and 16-bit samples"),
        (tiff(noise(3, 5), {339: 3}), "E_FORMAT", "8-bit samples"),
        (tiff(noise(3, 5, 8)), "E_IMAGE_MODE", "has 8 bands, 8 bits per channel, where 1, 3 or 4 bands are read"),
        (tiff(noise(3, 5, 3), {262: 1}), "E_IMAGE_MODE", "has 3 bands, 8 bits per channel, where"),
        (tiff(noise(3, 5, 2)), "E_IMAGE_MODE", "has 2 bands, 8 bits per channel, where"),
        (
            tiff(noise(3, 5, 12), bits=16),
            "E_IMAGE_MODE",
            "has 12 bands, 16 bits per channel, where 1, 3 or 4 bands of 8",
        ),
        (tiff(noise(3, 5, 4), {338: 1}), "E_FORMAT", "colours premultiplied by alpha"),
        (tiff(noise(3, 5, 3), {262: 6}), "E_FORMAT", "YCbCr"),
        (tiff(noise(3, 5, 3), {262: 8}), "E_IMAGE_MODE", "mode LAB"),
        (tiff(noise(3, 5, 3), {259: 50000}), "E_FORMAT", "compression 50000"),
        (
            saved(noise(3, 5), "TIFF", save_all=True, append_images=[Image.new("L", (5, 3))]),
            "E_FORMAT",
            "several pages",
        ),
    ],
)
def test_a_tiff_whose_pixels_would_not_be_right_is_refused_by_name(data, code, what):
    with pytest.raises(DataError, match=what) as caught:
        open_image(data, "a.tif")
    assert caught.value.code == code


def test_smaller_copies_within_a_tiff_are_no_pages():
    data = bytearray(tiff(noise(4, 6, 3)))
    (count,) = struct.unpack_from("<H", data, 8)
    struct.pack_into("<L", data, 10 + 12 * count, len(data))
    page = bytearray(tiff(noise(2, 3, 3), {254: 1}))[8:]
    assert np.array_equal(rendered(bytes(data + page), (4, 6)), noise(4, 6, 3))
    page = bytearray(tiff(noise(2, 3, 3), {254: 0}))[8:]
    assert refusal(bytes(data + page)) == "E_FORMAT"


@pytest.mark.parametrize(
    "tags",
    [
        {257: 38},  # one row more than the strips have
        {257: 3700},
        {273: ()},
        {279: ()},
        {279: (1590, 1590, 1590, 0)},
        {278: 9},
        {278: 0},
        {256: 0},
        {256: ()},
        {262: ()},
        {273: (8, 9, 10, 2**32 - 1)},
        {257: (37, 37)},
        {277: 4},
        {284: 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("compression", [1, 8])
def test_a_tiff_whose_tags_promise_more_than_there_is_is_refused(tags, compression):
    good = tiff(noise(37, 53, 3), part=(10, 53), compression=compression)
    assert np.array_equal(rendered(good, (37, 53)), noise(37, 53, 3))
    with pytest.raises(DataError):
        rendered(tiff(noise(37, 53, 3), tags, part=(10, 53), compression=compression), (37, 53))


@pytest.mark.parametrize("kind", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"])
def test_a_tiff_cut_at_any_byte_is_refused(kind):
    data = saved(noise(13, 17, 3), "TIFF", compression=kind)
    rendered(data, (13, 17))
    for cut in range(len(data)):
        with pytest.raises(DataError):
            rendered(data[:cut], (13, 17))


def test_a_flipped_bit_in_the_deflated_pixels_of_a_tiff_changes_no_pixel_or_is_refused():
    pixels = noise(13, 17, 3)
    data = tiff(pixels, compression=8)
    start = len(data) - len(zlib.compress(pixels.tobytes()))
    for position in range(start * 8, len(data) * 8):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        with contextlib.suppress(DataError):  # the last bits of a stream may be unused
            assert np.array_equal(rendered(bytes(damaged), (13, 17)), pixels)


def test_tiles_of_a_tiff_that_would_fill_the_memory_are_refused():
    tags = {322: 60_000, 323: 60_000}
    assert refusal(tiff(noise(16, 16), tags, is_tiled=True, part=(16, 16), compression=8)) == "E_DAMAGED"
    assert refusal(tiff(noise(1, 1), {256: 60_000, 257: 60_000})) == "E_TOO_LARGE"


def test_a_deflated_strip_that_swells_beyond_its_rows_is_refused():
    data = tiff(np.zeros((4000, 4000), np.uint8), {256: 8, 257: 8, 278: 8}, compression=8)
    assert refusal(data) == "E_DAMAGED"


@pytest.mark.parametrize(("order", "is_big"), [("<", False), (">", False), ("<", True)])
def test_a_tiff_tells_what_its_tags_say(order, is_big):
    data = tiff(noise(3, 5, 4), {274: 6, 338: 2}, order=order, is_big=is_big, compression=8)
    header = check_tiff(data, "a.tif")
    assert (header.order, header.size, header.bits, header.samples) == (order, (3, 5), 8, 4)
    assert (header.compression, header.photometric, header.extra, header.orientation) == (8, 2, (2,), 6)
    assert not header.is_lossy
    turned = header.replaced(data, Tag.ORIENTATION, 1)
    assert check_tiff(turned, "a.tif").orientation == 1
    assert sum(a != b for a, b in zip(data, turned, strict=True)) == 1


def test_a_tag_that_stands_twice_is_refused():
    data = bytearray(tiff(noise(3, 5)))
    struct.pack_into("<H", data, 10, 257)  # the first tag, 256, becomes a second 257
    with pytest.raises(DataError, match="tag 257 occurs twice"):
        check_tiff(bytes(data), "a.tif")


@pytest.mark.parametrize("compression", [1, 8])
def test_a_tiff_whose_strips_are_the_same_bytes_is_refused(compression):
    whole = tiff(np.zeros((64, 64), np.uint8), part=(1, 64), compression=compression)
    check_tiff(whole, "a.tif")
    (place,) = struct.unpack_from("<L", whole, whole.index(struct.pack("<HHL", 273, 4, 64)) + 8)
    first, second = struct.unpack_from("<2L", whole, place)
    shared = bytearray(whole[:second])
    struct.pack_into("<64L", shared, place, *[first] * 64)
    with pytest.raises(DataError, match="share their bytes"):
        check_tiff(bytes(shared), "a.tif")


def test_a_chain_of_pages_that_never_ends_is_refused():
    data = bytearray(tiff(noise(3, 5), {254: 1}))
    (count,) = struct.unpack_from("<H", data, 8)
    struct.pack_into("<L", data, 10 + 12 * count, 8)
    with pytest.raises(DataError, match="several pages"):
        check_tiff(bytes(data), "a.tif")


def test_a_tiff_with_random_tags_is_refused_or_told_and_nothing_else():
    rng = np.random.default_rng(0)
    good = saved(Image.fromarray(noise(13, 17, 3)), "TIFF", compression="tiff_deflate")
    start = struct.unpack_from("<L", good, 4)[0]
    told = 0
    for _ in range(2000):
        data = bytearray(good)
        for _ in range(rng.integers(1, 4)):
            data[rng.integers(start, min(len(data), start + 130))] = rng.choice([0, 1, 2, 127, 255])
        try:
            told += check_tiff(bytes(data), "a.tif").size == (13, 17)
        except DataError as error:
            assert error.where == "a.tif"
    assert 0 < told < 2000
