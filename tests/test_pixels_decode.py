"""Decode: a file is decoded completely or refused, with the same message by the fast decoder and by Pillow."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from photo_files import ADAM7, noise, refusal, rendered, smooth
from picture_bytes import chunk, png, saved
from PIL import Image

from converter.errors import DataError
from converter.pixels import decode
from converter.pixels.decode import decoded, decoded_fast, load
from converter.pixels.images import decode_image, open_image, render
from converter.pixels.opening import open_image_file
from converter.pixels.pillow import without_warnings
from converter.pixels.signatures import PNG_SIGNATURE


@pytest.fixture
def with_fast() -> None:
    if decode.decode_image_png_u8 is None:
        pytest.skip("kornia-rs is not installed: it has no wheel for this machine")


def test_a_flipped_bit_anywhere_in_a_png_is_refused():
    data = saved(noise(3, 5, 3))
    for position in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(DataError):
            open_image_file(bytes(damaged), "a.png")


def test_bytes_behind_the_end_of_a_png_change_nothing():
    pixels = noise(3, 5, 3)
    data = saved(pixels) + b"left over"
    assert np.array_equal(decode_image(data, "a.png"), pixels)
    for position in range(len(data) - 9, len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 0xFF
        assert np.array_equal(decode_image(bytes(damaged), "a.png"), pixels)


def test_a_png_whose_pixels_end_early_is_refused_though_its_checksums_are_right():
    whole = zlib.compress(bytes(40 * 121))
    header = struct.pack(">IIBBBBB", 40, 40, 8, 2, 0, 0, 0)
    data = PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", whole[:-8]) + chunk(b"IEND", b"")
    with pytest.raises(DataError, match="truncated or damaged"):
        rendered(data, (40, 40))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("size", [(61, 83), (8, 11)])  # the second is decoded at 1/4 scale
def test_a_jpeg_cut_at_any_place_is_refused_even_if_only_its_last_byte_is_missing(options, size):
    data = saved(noise(61, 83, 3), "JPEG", quality=90, **options)
    for cut in {*range(0, len(data), 37), *range(len(data) - 8, len(data))}:
        with pytest.raises(DataError):
            rendered(data[:cut], size)


def test_an_animation_is_refused():
    frames = [Image.fromarray(noise(3, 5, 3)), Image.new("RGB", (5, 3))]
    assert refusal(saved(frames[0], "PNG", save_all=True, append_images=frames[1:])) == "E_FORMAT"


def test_too_many_pixels_are_refused_from_the_header_alone():
    assert open_image(saved(noise(3, 5)), "a.jpg", 15).size == (3, 5)
    assert refusal(saved(noise(3, 5)), max_pixels=14) == "E_TOO_LARGE"
    bomb = png((60_000, 60_000), 1, 0, b"")
    assert refusal(bomb) == "E_TOO_LARGE"


def test_a_picture_that_pillow_itself_would_only_warn_of_is_not_warned_of():
    assert refusal(png((10_000, 10_000), 1, 0, b"")) == "E_TOO_LARGE"


@pytest.mark.parametrize("color_type", [0, 2, 4, 6])
def test_interlaced_photographs_have_their_pixels(color_type):
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[color_type]
    pixels = noise(11, 13, channels)
    rows = b""
    for left, top, right, down in ADAM7:
        for row in pixels[top::down, left::right] if left < 13 else ():
            rows += b"\0" + row.tobytes()
    color = pixels[..., : channels - (color_type >= 4)]
    data = png((11, 13), 8, color_type, rows, interlaced=1)
    assert np.array_equal(rendered(data, (11, 13)), np.broadcast_to(color, (11, 13, 3)))


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PNG", "JPEG"])
def test_no_damage_to_a_file_makes_anything_but_a_refusal_or_a_picture(kind):
    rng = np.random.default_rng(3)
    data = saved(noise(13, 17, 3), kind)
    for _ in range(500):
        damaged = bytearray(data)
        for position in rng.integers(0, min(len(data), 400), rng.integers(1, 5)):
            damaged[position] = rng.integers(0, 256)
        with contextlib.suppress(DataError):
            photo = open_image(bytes(damaged), "a", 10_000)
            assert np.asarray(render(photo, (13, 17), "stretch")).shape == (13, 17, 3)


@pytest.mark.parametrize("present", range(5))
@pytest.mark.parametrize("value", [0, 7])
def test_a_png_with_too_few_rows_is_refused_and_a_black_one_is_not(present, value):
    data = png((4, 3), 8, 0, bytes([0, *[value] * 3]) * present)
    picture = open_image_file(data, "m.png").picture
    if present == 4:
        load(picture, "m.png")
        assert set(picture.tobytes()) == {value}
    else:
        with pytest.raises(DataError, match=r"too few rows|truncated"):
            load(picture, "m.png")


@pytest.mark.parametrize(("size", "depth"), [((1, 1), 8), ((5, 3), 8), ((9, 17), 1), ((8, 8), 4), ((2, 30), 2)])
def test_the_rows_of_an_interlaced_png_are_counted_pass_by_pass(size, depth):
    height, width = size
    rows = b""
    for left, top, right, down in ADAM7:
        columns = len(range(left, width, right))
        for _ in range(top, height, down) if columns else ():
            rows += bytes(1 + (columns * depth + 7) // 8)
    load(open_image_file(png(size, depth, 0, rows, interlaced=1), "m.png").picture, "m.png")
    with pytest.raises(DataError, match=r"too few rows|truncated"):
        load(open_image_file(png(size, depth, 0, rows[:-1], interlaced=1), "m.png").picture, "m.png")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (40, 61)])
def test_the_fast_decoder_of_a_png_yields_the_pixels_that_were_saved_under_every_row_filter(size, channels, with_fast):
    pixels = noise(*size, channels)
    drawn = pixels // 64 * 64  # smooth enough for some encoder to choose every filter
    for array, level in ((pixels, 0), (pixels, 6), (drawn, 1), (drawn, 9)):
        data = saved(array if channels == 3 else array[..., 0], compress_level=level)
        found = decoded_fast(open_image_file(data, "m.png").picture)
        assert found is not None
        assert np.array_equal(found, array if channels == 3 else array[..., 0])
    rows = b"".join(bytes([row % 5]) + noise(size[1], channels).tobytes() for row in range(size[0]))
    data = png(size, 8, 0 if channels == 1 else 2, rows)  # None, Sub, Up, Average, Paeth
    picture = open_image_file(data, "m.png").picture
    assert np.array_equal(decoded_fast(picture), np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(saved(noise(4, 5, 4)), id="alpha"),
        pytest.param(saved(Image.fromarray(noise(4, 5)).convert("P")), id="palette"),
        pytest.param(png((2, 2), 16, 2, (b"\0" + bytes(12)) * 2), id="16 bits"),
        pytest.param(png((8, 8), 4, 0, (b"\0" + bytes(4)) * 8), id="4 bits"),
        pytest.param(png((1, 1), 8, 2, b"\0" + bytes(3), interlaced=1), id="interlaced"),
        pytest.param(saved(noise(4, 5, 3), transparency=(0, 0, 0)), id="a transparent colour"),
        pytest.param(saved(noise(4, 5, 3), exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"), id="EXIF"),
        pytest.param(saved(noise(4, 5, 3), "JPEG"), id="no PNG"),
    ],
)
def test_whatever_is_more_than_the_pixels_of_a_png_is_left_to_pillow(data, with_fast):
    assert decoded_fast(open_image_file(data, "m.png", as_numbers=True).picture) is None


@pytest.mark.parametrize("damage", ["few rows", "deflate", "filter"])
def test_a_damaged_png_is_refused_in_the_same_words_with_the_fast_decoder_and_without(damage, with_fast, monkeypatch):
    rows = [b"\0" + bytes(row) for row in noise(20, 30)]
    content = b"".join(rows[:15] if damage == "few rows" else [b"\x09" + rows[0][1:], *rows[1:]])
    deflated = zlib.compress(content) if damage != "deflate" else b"\x78\x9c" + b"\xff" * 40
    header = struct.pack(">IIBBBBB", 30, 20, 8, 0, 0, 0, 0)
    data = PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", deflated) + chunk(b"IEND", b"")
    words = []
    for decoder in (decode.decode_image_png_u8, None):
        monkeypatch.setattr(decode, "decode_image_png_u8", decoder)
        with pytest.raises(DataError) as caught:
            decoded(open_image_file(data, "m.png").picture, "m.png")
        words.append(str(caught.value))
    assert words[0] == words[1]


def test_a_png_photograph_is_the_same_picture_with_the_fast_decoder_and_without(with_fast, monkeypatch):
    data, pictures = saved(smooth(70, 90)), []
    for decoder in (decode.decode_image_png_u8, None):
        monkeypatch.setattr(decode, "decode_image_png_u8", decoder)
        pictures.append(rendered(data, (33, 21), "crop"))
    assert np.array_equal(*pictures)


def test_a_png_photograph_with_too_few_rows_is_refused_like_a_mask():
    rows = bytes(1 + 3 * 3) * 3
    with pytest.raises(DataError, match=r"too few rows|truncated"):
        rendered(png((4, 3), 8, 2, rows), (4, 3))


def test_warnings_are_kept_back_in_nested_blocks_and_heard_again_behind_them():
    with pytest.warns(UserWarning, match="heard") as heard:
        with without_warnings():
            with without_warnings():
                warnings.warn("inner", UserWarning, stacklevel=1)
            warnings.warn("outer", UserWarning, stacklevel=1)
        warnings.warn("heard", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in heard] == ["heard"]
