"""Bitmaps: pixels by alpha or by value, inflated within bounds; photographs are JPEG or PNG and whole."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pytest
from annotation_files import png
from PIL import Image

from converter.annotations.bitmaps import inflated, photograph_suffix, png_pixels
from converter.errors import DataError
from converter.limits import MAX_EMBEDDED_BYTES

PIXELS = np.array([[True, False, True], [False, True, False]])


def encoded(picture, kind="PNG"):
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    return buffer.getvalue()


def test_pixels_are_those_that_are_not_transparent_or_not_black():
    levels = Image.fromarray(PIXELS.astype(np.uint8) * 7)
    rgb = Image.merge("RGB", (levels, Image.new("L", (3, 2)), Image.new("L", (3, 2))))
    grey = Image.merge("LA", (Image.new("L", (3, 2), 9), levels))
    for data in (
        png(PIXELS),
        encoded(levels),
        encoded(rgb),
        encoded(grey),
        encoded(levels.point(lambda v: v * 36).convert("1")),
    ):
        assert png_pixels(data).tolist() == PIXELS.tolist()


@pytest.mark.parametrize(("data", "code"), [
    (b"", "E_FORMAT"), (b"GIF89a", "E_FORMAT"), (png(PIXELS)[:40], "E_DAMAGED"), (png(PIXELS)[:-1] + b"x", "E_DAMAGED"),
])  # fmt: skip
def test_what_is_no_whole_png_is_refused(data, code):
    with pytest.raises(DataError) as caught:
        png_pixels(data)
    assert caught.value.code == code


def test_what_swells_is_inflated_no_further_than_the_limit():
    assert inflated(zlib.compress(b"x" * 1000)) == b"x" * 1000
    bomb = zlib.compressobj(9)
    data = b"".join(bomb.compress(bytes(2**20)) for _ in range(MAX_EMBEDDED_BYTES // 2**20 + 1)) + bomb.flush()
    for each in (data, zlib.compress(b"x")[:-1], b"x", b""):
        with pytest.raises(DataError, match="has a bitmap that"):
            inflated(each)


def test_a_photograph_is_a_jpeg_or_a_png():
    picture = Image.new("RGB", (4, 4))
    assert photograph_suffix(encoded(picture, "JPEG")) == ".jpg"
    assert photograph_suffix(encoded(picture)) == ".png"
    for data, code in ((encoded(picture, "BMP"), "E_FORMAT"), (encoded(picture)[:-3], "E_DAMAGED")):
        with pytest.raises(DataError) as caught:
            photograph_suffix(data)
        assert caught.value.code == code
