"""PNG: chunks and rows are complete, or the file is refused before a decoder sees it."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import pytest
from photo_files import noise
from picture_bytes import chunk, png, saved
from PIL import Image

from converter.errors import DataError
from converter.pixels.png import check_png, check_png_rows, strip_png
from converter.pixels.signatures import PNG_SIGNATURE


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
    with pytest.raises(DataError, match="declares 4294967295 bytes"):
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
