"""Facts about containers: damage that decoders do not see is told, and what is no picture is left out."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from picture_bytes import bmp, chunk, png, saved, tiff
from PIL import Image

from converter.errors import DataError
from converter.limits import MAX_SCANS
from converter.pixels.bmp import BmpHeader, bmp_header
from converter.pixels.jpeg import check_jpeg, strip_jpeg
from converter.pixels.png import check_png, check_png_rows, strip_png
from converter.pixels.signatures import PNG_SIGNATURE
from converter.pixels.tiff import Tag, check_tiff


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


# ---- PNG


def test_a_whole_png_tells_its_depth_and_colour_type():
    assert check_png(saved(noise(3, 5)), "a.png") == (8, 0)
    assert check_png(saved(noise(3, 5, 3)), "a.png") == (8, 2)
    assert check_png(saved(Image.new("1", (5, 3))), "a.png") == (1, 0)
    assert check_png(png((1, 1), 16, 2, bytes(7)), "a.png") == (16, 2)


def test_a_png_cut_at_any_byte_is_refused():
    data = saved(noise(3, 5, 3))
    for cut in range(len(data)):
        with pytest.raises(DataError):
            check_png(data[:cut], "a.png")


def test_a_png_that_does_not_begin_with_its_header_is_refused():
    with pytest.raises(DataError, match="does not begin with a header"):
        check_png(PNG_SIGNATURE + chunk(b"IEND", b""), "a.png")


def test_a_forged_chunk_length_is_refused():
    data = PNG_SIGNATURE + struct.pack(">I", 2**32 - 1) + b"IHDR" + bytes(20)
    with pytest.raises(DataError, match="announces 4294967295 bytes"):
        check_png(data, "a.png")


def test_the_rows_of_a_png_are_counted_without_being_kept():
    whole = png((1000, 1000), 8, 0, bytes(1001 * 1000))
    check_png_rows(whole, (1000, 1000), "a.png")
    with pytest.raises(DataError, match="too few rows"):
        check_png_rows(png((1000, 1000), 8, 0, bytes(1001 * 1000 - 1)), (1000, 1000), "a.png")


@pytest.mark.parametrize("interlaced", [0, 1])
def test_a_png_whose_pixels_cannot_be_inflated_is_refused(interlaced):
    data = png((3, 3), 8, 0, bytes(30), interlaced)
    place = data.index(b"IDAT") - 4
    stream = bytearray(zlib.compress(bytes(30)))
    stream[-1] ^= 1  # of its checksum
    for content in (bytes(stream), b"no stream", b""):
        damaged = data[:place] + chunk(b"IDAT", content) + chunk(b"IEND", b"")
        with pytest.raises(DataError, match="cannot be inflated" if content else "too few rows"):
            check_png_rows(damaged, (3, 3), "a.png")


def test_a_png_whose_stream_is_cut_into_chunks_anywhere_has_all_its_rows():
    data = png((3, 3), 8, 0, bytes(12))
    place, stream = data.index(b"IDAT") - 4, zlib.compress(bytes(12))
    for cut in range(len(stream) + 1):
        parts = chunk(b"IDAT", stream[:cut]) + chunk(b"tEXt", b"key\0value") + chunk(b"IDAT", stream[cut:])
        check_png_rows(data[:place] + parts + chunk(b"IEND", b""), (3, 3), "a.png")


def test_a_png_of_one_pixel_is_not_inflated_further_than_its_rows():
    data = png((1, 1), 8, 0, bytes(16 << 20))
    tracemalloc.start()
    check_png_rows(data, (1, 1), "a.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_png_is_stripped_to_its_pixels():
    assert strip_png(saved(noise(3, 5, 3), dpi=(9, 9))) == saved(noise(3, 5, 3))
    assert strip_png(saved(noise(3, 5))) is None


# ---- JPEG


def test_a_jpeg_is_stripped_up_to_its_first_end():
    data = saved(noise(9, 9, 3), "JPEG")
    comment = b"\xff\xfe\0\7hello"
    assert strip_jpeg(data[:2] + comment + data[2:] + b"more") == data
    assert strip_jpeg(data[:2] + b"\xff" + data[2:]) == data  # a fill byte


def test_a_cut_jpeg_is_not_stripped():
    data = saved(noise(9, 9, 3), "JPEG")
    assert [strip_jpeg(data[:cut]) for cut in range(2, len(data))] == [None] * (len(data) - 2)


@pytest.mark.parametrize("marker", [0xC3, 0xC9, 0xCA, 0xC5])  # lossless, arithmetic, hierarchical
def test_a_jpeg_that_few_readers_know_is_not_stripped(marker):
    data = saved(noise(9, 9, 3), "JPEG")
    assert strip_jpeg(data.replace(b"\xff\xc0\0\x11", bytes([0xFF, marker, 0, 0x11]))) is None


def scans(count: int, between: bytes = b"") -> bytes:
    """Returns a progressive JPEG with its last scan so often that it has `count` of them."""
    data = saved(noise(9, 9, 3), "JPEG", progressive=True)
    scan = between + data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + scan * (count - data.count(b"\xff\xda")) + data[-2:]


@pytest.mark.parametrize("between", [
    b"",
    b"\xff\xff\xff",  # fill bytes
    b"\xff\xd0",  # a restart
    b"\xff\x01",
    b"\xff\xfe\0\4\xff\xda",  # a comment
    b"\0\xff\0",
])  # fmt: skip
def test_a_jpeg_of_very_many_scans_is_refused(between):
    check_jpeg(scans(MAX_SCANS, between), "a.jpg")
    with pytest.raises(DataError, match="has more than 100 scans"):
        check_jpeg(scans(MAX_SCANS + 1, between), "a.jpg")


def test_scans_in_metadata_or_behind_the_first_end_do_not_count():
    data, many = saved(noise(9, 9, 3), "JPEG"), scans(MAX_SCANS + 1)
    check_jpeg(data[:2] + b"\xff\xe1" + struct.pack(">H", len(many) + 2) + many + data[2:], "a.jpg")  # a thumbnail
    check_jpeg(data + many, "a.jpg")


def test_a_jpeg_of_very_many_scans_that_is_cut_anywhere_is_let_through_or_refused():
    data = scans(MAX_SCANS + 1)
    for cut in range(len(data) - 300, len(data)):
        with contextlib.suppress(DataError):
            check_jpeg(data[:cut], "a.jpg")


# ---- BMP


def test_a_bmp_tells_its_bits_and_compression():
    assert bmp_header(bmp(noise(3, 5), 8, noise(256, 3).tolist(), compression=1), "a.bmp") == BmpHeader(8, 1)
    assert bmp_header(saved(noise(3, 5, 3), "BMP"), "a.bmp") == BmpHeader(24, 0)
    with pytest.raises(DataError, match="cut off"):
        bmp_header(b"BM" + bytes(51), "a.bmp")


# ---- TIFF


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
    with pytest.raises(DataError, match="tag 257 stands there twice"):
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
