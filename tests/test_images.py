"""Facts about photographs: damage is noticed, every kind comes out upright RGB, and nothing but pixels is stored."""

from __future__ import annotations

import contextlib
import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from picture_bytes import bmp, chunk, png, saved, tiff
from PIL import Image

from converter.errors import DataError
from converter.pixels import decode
from converter.pixels.decode import decoded, decoded_fast, load, open_picture, without_warnings
from converter.pixels.geometry import Box, place
from converter.pixels.images import decode_image, encode_image, encode_jpeg, kept_bytes, open_photo, render
from converter.pixels.png import check_png
from converter.pixels.signatures import PNG_SIGNATURE

ORIENTATION = 0x0112


@pytest.fixture
def with_fast() -> None:
    if decode.decode_image_png_u8 is None:
        pytest.skip("segconv[fast] is not installed")


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def smooth(height: int, width: int) -> np.ndarray:
    """Returns uint8 [height, width, 3] of soft shapes only: at hard edges any two filters differ."""
    y, x = np.mgrid[0:height, 0:width]
    red = 127 + 120 * np.sin(x / 37) * np.cos(y / 53)
    green = 127 + 120 * np.sin((x + 2 * y) / 41)
    blue = 255 * x / width
    return np.stack([red, green, blue], axis=-1).astype(np.uint8)


def rendered(data: bytes, size: tuple[int, int], fit: str = "stretch") -> np.ndarray:
    return np.asarray(render(open_photo(data, "a.jpg"), size, fit))


def refusal(data: bytes, **options: int) -> str:
    with pytest.raises(DataError) as caught:
        open_photo(data, "a.jpg", **options)
    assert caught.value.where == "a.jpg"
    return caught.value.code


# ---- damage


def test_a_flipped_bit_anywhere_in_a_png_is_refused():
    data = saved(noise(3, 5, 3))
    for position in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(DataError):
            open_picture(bytes(damaged), "a.png")


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
    with pytest.raises(DataError, match="cut off or damaged"):
        rendered(data, (40, 40))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
@pytest.mark.parametrize("size", [(61, 83), (8, 11)])  # the second is decoded at 1/4 scale
def test_a_jpeg_cut_at_any_place_is_refused_even_if_only_its_last_byte_is_missing(options, size):
    data = saved(noise(61, 83, 3), "JPEG", quality=90, **options)
    for cut in {*range(0, len(data), 37), *range(len(data) - 8, len(data))}:
        with pytest.raises(DataError):
            rendered(data[:cut], size)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"\xff\xd8\xff",
        PNG_SIGNATURE,
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        saved(noise(3, 5), "GIF"),
        saved(noise(3, 5, 3), "WEBP"),
        b"BM",
        b"II*\0",
        b"II*\0" + bytes(99),
        b"MM\0*" + b"\xff" * 99,
        b"II+\0" + b"\xff" * 99,
    ],
    ids=["empty", "x", "soi", "signature", "postscript", "gif", "webp", "bm", "ii", "no-tags", "far", "big"],
)
def test_what_is_no_jpeg_png_tiff_or_bmp_is_refused_whatever_its_name(data):
    assert refusal(data) in {"E_FORMAT", "E_DAMAGED"}


@pytest.mark.parametrize(("data", "kind"), [
    (saved(noise(3, 5), "GIF"), ", but a GIF"),
    (saved(noise(3, 5, 3), "WEBP"), ", but a WebP"),
    (b"\n <!DOCTYPE html><title>404</title>", ", but a web page"),
    (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", ", but a pointer that `git lfs pull` replaces"),
    (b"\0\0\0\x18ftypheic", ", but an AVIF or HEIC"),
    (b"whatever", r"\."),
])  # fmt: skip
def test_a_file_of_another_kind_is_called_what_it_is(data, kind):
    with pytest.raises(DataError, match=f"is no JPEG, PNG, TIFF or BMP file{kind}"):
        open_photo(data, "a.jpg")


def test_an_animation_is_refused():
    frames = [Image.fromarray(noise(3, 5, 3)), Image.new("RGB", (5, 3))]
    assert refusal(saved(frames[0], "PNG", save_all=True, append_images=frames[1:])) == "E_FORMAT"


def test_too_many_pixels_are_refused_from_the_header_alone():
    assert open_photo(saved(noise(3, 5)), "a.jpg", 15).size == (3, 5)
    assert refusal(saved(noise(3, 5)), max_pixels=14) == "E_TOO_LARGE"
    bomb = png((60_000, 60_000), 1, 0, b"")
    assert refusal(bomb) == "E_TOO_LARGE"


def test_a_picture_that_pillow_itself_would_only_warn_of_is_not_warned_of():
    assert refusal(png((10_000, 10_000), 1, 0, b"")) == "E_TOO_LARGE"


# ---- kinds of photographs


def as_stored(upright: np.ndarray) -> dict[int, np.ndarray]:
    """Returns by orientation what lies in a file that EXIF turns upright (EXIF 2.32, 4.6.4, tag 274)."""
    return {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_orientation_that_a_camera_notes_is_undone(kind):
    upright = np.kron(np.arange(6, dtype=np.uint8).reshape(2, 3) * 50, np.ones((8, 8), np.uint8))
    upright = np.repeat(upright[..., None], 3, axis=2)
    stored = as_stored(upright)
    for orientation, pixels in stored.items():
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        data = saved(np.ascontiguousarray(pixels), kind, exif=exif, **({"quality": 100} if kind == "JPEG" else {}))
        photo = open_photo(data, "a.jpg")
        assert photo.size == (16, 24)
        assert photo.raw_size == pixels.shape[:2]
        turned = np.asarray(render(photo, (16, 24), "pad")).astype(int)
        assert np.abs(turned - upright).max() <= (0 if kind == "PNG" else 2), orientation


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_none(value):
    exif = Image.Exif()
    exif[ORIENTATION] = value
    assert open_photo(saved(noise(3, 5, 3), exif=exif), "a.jpg").orientation == 1


@pytest.mark.parametrize("exif", [b"Exif\0\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense", b"Exif\0\0MM"])
def test_damaged_exif_is_no_reason_to_lose_the_pixels(exif):
    assert open_photo(saved(noise(3, 5, 3), "JPEG", exif=exif), "a.jpg").orientation == 1


def test_grey_becomes_three_equal_channels():
    grey = noise(3, 5)
    assert np.array_equal(rendered(saved(grey), (3, 5)), np.repeat(grey[..., None], 3, axis=2))


def test_black_and_white_becomes_0_and_255():
    bits = Image.fromarray(noise(3, 5) > 127)
    assert bits.mode == "1"
    assert np.array_equal(rendered(saved(bits), (3, 5))[..., 0], np.asarray(bits) * 255)


def test_a_palette_becomes_its_colours():
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), "P")
    picture.putpalette([1, 2, 3, 40, 50, 60, 255, 0, 9])
    expected = [[[1, 2, 3], [40, 50, 60]], [[255, 0, 9], [40, 50, 60]]]
    assert rendered(saved(picture), (2, 2)).tolist() == expected


def test_a_transparent_palette_becomes_its_colours_without_a_warning():
    picture = Image.fromarray(np.array([[0, 1]], np.uint8), "P")
    picture.putpalette([1, 2, 3, 40, 50, 60])
    assert rendered(saved(picture, transparency=bytes([0, 128])), (1, 2)).tolist() == [[[1, 2, 3], [40, 50, 60]]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_alpha_channel_is_dropped_and_never_composited(mode):
    pixels = noise(3, 5, 4 if mode == "RGBA" else 2)
    picture = Image.frombytes(mode, (5, 3), pixels.tobytes())
    color = pixels[..., :-1]
    assert np.array_equal(rendered(saved(picture), (3, 5)), np.broadcast_to(color, (3, 5, 3)))


def test_a_cmyk_jpeg_becomes_rgb():
    data = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG")  # no cyan: red
    assert np.abs(rendered(data, (16, 16)).astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize(("color_type", "channels"), [(0, 1), (2, 3), (4, 2), (6, 4)])
def test_16_bits_a_channel_are_refused(color_type, channels):
    assert refusal(png((2, 2), 16, color_type, bytes(2 * (1 + 4 * channels)))) == "E_IMAGE_MODE"


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


def test_a_progressive_jpeg_has_the_pixels_of_the_same_coefficients_in_one_scan():
    plain = rendered(saved(smooth(33, 47), "JPEG", quality=90), (33, 47))
    assert np.array_equal(rendered(saved(smooth(33, 47), "JPEG", quality=90, progressive=True), (33, 47)), plain)


def test_inks_are_taken_from_white_where_adobe_says_that_they_are_inverted_and_refused_where_nobody_says():
    inks = noise(8, 8, 4) // 4 * 4
    inks = np.kron(inks, np.ones((8, 8, 1), np.uint8))
    data = saved(Image.frombytes("CMYK", (64, 64), inks.tobytes()), "JPEG", quality=100, subsampling=0)
    assert b"Adobe" in data  # and so Pillow writes 255 - ink
    rest = 255 - inks.astype(int)
    expected = rest[..., :3] * rest[..., 3:] / 255
    assert np.abs(rendered(data, (64, 64)) - expected).max() <= 4
    start = data.index(b"\xff\xee")
    with pytest.raises(DataError, match="four inks") as caught:
        open_photo(data[:start] + data[start + 16 :], "a.jpg")
    assert caught.value.code == "E_IMAGE_MODE"


def test_ycck_is_turned_into_inks_first():
    samples = np.kron(noise(8, 8, 4), np.ones((8, 8, 1), np.uint8))
    data = saved(Image.frombytes("CMYK", (64, 64), samples.tobytes()), "JPEG", quality=100, subsampling=0)
    marker = data.index(b"Adobe")
    assert data[marker + 11] == 0
    data = data[: marker + 11] + b"\2" + data[marker + 12 :]  # transform 2: the first three samples are Y, Cb, Cr
    y, cb, cr, black = np.moveaxis(255.0 - samples, 2, 0)  # as Pillow wrote them
    cb, cr = cb - 128, cr - 128
    rgb = np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1).clip(0, 255)
    # YCCK codes the inverse of the inks; Adobe inverts all of it once more (Adobe TN 5116; IJG's libjpeg.txt).
    expected = (255 - rgb) * black[..., None] / 255
    assert np.abs(rendered(data, (64, 64)) - expected).max() <= 6


# ---- TIFF and BMP

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
    with pytest.raises(DataError, match=r"holds big-endian numbers in the large form \(BigTIFF\), which is not read"):
        open_photo(tiff(noise(3, 5, 3), is_big=True, order=">"), "a.tif")


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
        # Without a word on the fourth one Pillow mixes them up.
        assert refusal(tiff(pixels, is_planar=True, compression=compression)) == "E_FORMAT"


@pytest.mark.parametrize(
    ("data", "code", "what"),
    [
        (tiff(noise(3, 5, 3), bits=16), "E_IMAGE_MODE", "16 bits a channel"),
        (tiff(noise(3, 5), bits=16), "E_IMAGE_MODE", "16 bits a channel"),
        (tiff(noise(3, 5), bits=32), "E_FORMAT", "numbers of 32 bits"),
        (tiff(noise(3, 5), {339: 3}, bits=32), "E_FORMAT", "floating-point numbers of 32 bits"),
        (tiff(noise(3, 5), {339: 2}), "E_FORMAT", "signed numbers of 8 bits"),
        (tiff(noise(3, 5, 4), {338: 1}), "E_FORMAT", "multiplied by their alpha channel"),
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
        open_photo(data, "a.tif")
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
        {257: 38},  # a row more than the strips hold
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
        with contextlib.suppress(DataError):  # the last bits of a stream may be of no use
            assert np.array_equal(rendered(bytes(damaged), (13, 17)), pixels)


def test_tiles_of_a_tiff_that_would_fill_the_memory_are_refused():
    tags = {322: 60_000, 323: 60_000}
    assert refusal(tiff(noise(16, 16), tags, is_tiled=True, part=(16, 16), compression=8)) == "E_DAMAGED"
    assert refusal(tiff(noise(1, 1), {256: 60_000, 257: 60_000})) == "E_TOO_LARGE"


def test_a_deflated_strip_that_swells_beyond_its_rows_is_refused():
    data = tiff(np.zeros((4000, 4000), np.uint8), {256: 8, 257: 8, 278: 8}, compression=8)
    assert refusal(data) == "E_DAMAGED"


@pytest.mark.parametrize("bits", [1, 4, 8])
def test_the_palette_of_a_bmp_becomes_its_colours(bits):
    indices, colors = noise(7, 11) >> (8 - bits), noise(2**bits, 3)
    assert np.array_equal(rendered(bmp(indices, bits, colors.tolist()), (7, 11)), colors[indices])


def test_a_colour_bmp_has_its_pixels():
    assert np.array_equal(rendered(saved(noise(7, 11, 3), "BMP"), (7, 11)), noise(7, 11, 3))


@pytest.mark.parametrize(("bits", "count"), [(4, 16), (8, 2)])
def test_a_bmp_whose_palette_pillow_takes_for_grey_samples_of_other_bits_is_refused(bits, count):
    greys = [(0, 0, 0), (255, 255, 255)] if count == 2 else [(level, level, level) for level in range(count)]
    assert refusal(bmp(noise(7, 11) % count, bits, greys)) == "E_FORMAT"


def test_a_bmp_of_run_lengths_is_refused_and_a_cut_one_too():
    data = bmp(noise(7, 12), 8, noise(256, 3).tolist())
    assert refusal(bmp(noise(7, 12), 8, noise(256, 3).tolist(), compression=1)) == "E_FORMAT"
    for cut in range(len(data)):
        with pytest.raises(DataError):
            rendered(data[:cut], (7, 12))


@pytest.mark.parametrize("kind", ["TIFF", "BMP", "PNG", "JPEG"])
def test_no_damage_to_a_file_makes_anything_but_a_refusal_or_a_picture(kind):
    rng = np.random.default_rng(3)
    data = saved(noise(13, 17, 3), kind)
    for _ in range(500):
        damaged = bytearray(data)
        for position in rng.integers(0, min(len(data), 400), rng.integers(1, 5)):
            damaged[position] = rng.integers(0, 256)
        with contextlib.suppress(DataError):
            photo = open_photo(bytes(damaged), "a", 10_000)
            assert np.asarray(render(photo, (13, 17), "stretch")).shape == (13, 17, 3)


# ---- placing


@pytest.mark.parametrize(
    ("source", "size", "box"),
    [
        ((100, 200), (100, 200), Box(0, 0, 100, 200)),
        ((100, 200), (50, 50), Box(12, 0, 25, 50)),  # half of 25 rows of padding, rounded down, stands above
        ((200, 100), (50, 50), Box(0, 12, 50, 25)),
        ((10, 10), (40, 60), Box(0, 10, 40, 40)),  # small pictures grow
        ((288, 384), (512, 512), Box(64, 0, 384, 512)),
        ((720, 960), (360, 480), Box(0, 0, 360, 480)),
        ((1, 1000), (10, 10), Box(4, 0, 1, 10)),  # 0.01 of a row is still one
        ((3, 2), (5, 5), Box(0, 1, 5, 3)),  # 3.33 columns
        ((3, 3), (1, 2), Box(0, 0, 1, 1)),
    ],
)
def test_pad_places_the_largest_box_of_the_same_shape_in_the_middle(source, size, box):
    assert place(source, size, "pad") == (Box(0, 0, *source), box)


def test_stretch_takes_all_of_the_size():
    assert place((3, 200), (50, 70), "stretch") == (Box(0, 0, 3, 200), Box(0, 0, 50, 70))


def test_a_placed_box_always_lies_within_the_size_and_touches_two_sides():
    rng = np.random.default_rng(0)
    for source, size in rng.integers(1, 2000, (1000, 2, 2)):
        box = place(tuple(source), tuple(size), "pad").box
        assert min(box.top, box.left) >= 0
        assert min(box.height, box.width) >= 1
        assert box.top + box.height <= size[0]
        assert box.left + box.width <= size[1]
        assert box.height == size[0] or box.width == size[1]


@pytest.mark.parametrize(
    ("source", "size", "crop"),
    [
        ((100, 200), (50, 50), Box(0, 50, 100, 100)),
        ((200, 101), (50, 50), Box(49, 0, 101, 101)),  # of 99 rows that go, 49 stand above
        ((720, 960), (512, 512), Box(0, 120, 720, 720)),
        ((10, 10), (40, 60), Box(1, 0, 7, 10)),  # 6.67 rows
        ((1, 1000), (10, 10), Box(0, 499, 1, 1)),
        ((360, 480), (720, 960), Box(0, 0, 360, 480)),
    ],
)
def test_crop_takes_the_largest_box_of_the_stored_shape_from_the_middle(source, size, crop):
    assert place(source, size, "crop") == (crop, Box(0, 0, *size))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_crop_takes_the_same_box_of_the_upright_photograph_however_it_lies_in_the_file(orientation):
    upright = noise(9, 14, 3)
    turns = as_stored(upright)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    data = saved(np.ascontiguousarray(turns[orientation]), exif=exif)
    crop = place((9, 14), (9, 9), "crop").crop
    assert crop == Box(0, 2, 9, 9)
    assert np.array_equal(rendered(data, (9, 9), "crop"), upright[:, 2:11])
    assert np.array_equal(rendered(data, (5, 14), "crop"), upright[2:7])


@pytest.mark.parametrize("size", [(125, 125), (250, 100), (60, 180), (700, 900)])
def test_decoding_at_reduced_scale_does_not_shift_what_is_cropped(size):
    data = saved(smooth(1001, 1503), "JPEG", quality=95)
    top, left, height, width = place((1001, 1503), size, "crop").crop
    area = (left, top, left + width, top + height)
    whole = Image.open(io.BytesIO(data)).convert("RGB")
    reference = np.asarray(whole.resize((size[1], size[0]), Image.Resampling.BILINEAR, box=area)).astype(int)
    ours = rendered(data, size, "crop").astype(int)
    assert np.abs(ours - reference).mean() < 1.0
    for axis in (0, 1):
        slope = np.gradient(reference.astype(float), axis=axis)
        assert abs(((ours - reference) * slope).sum() / (slope**2).sum()) < 0.05


def test_padding_is_0_and_the_picture_keeps_its_pixels():
    pixels = noise(4, 6, 3)
    expected = np.zeros((6, 6, 3), np.uint8)
    expected[1:5] = pixels
    assert np.array_equal(rendered(saved(pixels), (6, 6), "pad"), expected)


def test_padding_goes_by_the_upright_shape():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    pixels = noise(4, 6, 3)  # upright 6 high, 4 wide
    expected = np.zeros((6, 6, 3), np.uint8)
    expected[:, 1:5] = np.rot90(pixels, -1)
    assert np.array_equal(rendered(saved(pixels, exif=exif), (6, 6), "pad"), expected)


@pytest.mark.parametrize("size", [(125, 187), (250, 375), (360, 512), (512, 512), (700, 900)])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_decoding_a_large_jpeg_at_reduced_scale_neither_shifts_nor_changes_it(size, subsampling):
    data = saved(smooth(1001, 1503), "JPEG", quality=95, subsampling=subsampling)
    whole = Image.open(io.BytesIO(data)).convert("RGB").resize((size[1], size[0]), Image.Resampling.BILINEAR)
    reference = np.asarray(whole).astype(int)
    ours = rendered(data, size).astype(int)
    assert np.abs(ours - reference).mean() < 1.0
    # The mean slope against the mean difference is a shift in pixels, to first order.
    for axis in (0, 1):
        slope = np.gradient(reference.astype(float), axis=axis)
        shift = ((ours - reference) * slope).sum() / (slope**2).sum()
        assert abs(shift) < 0.05


# ---- what is stored


def markers(data: bytes) -> list[tuple[int, bytes]]:
    """Returns (marker, content) of a JPEG file up to its scan (ITU T.81, annex B)."""
    assert data[:2] == b"\xff\xd8"
    assert data[-2:] == b"\xff\xd9"
    found, position = [], 2
    while not found or found[-1][0] != 0xDA:
        assert data[position] == 0xFF
        (length,) = struct.unpack_from(">H", data, position + 2)
        found.append((data[position + 1], data[position + 4 : position + 2 + length]))
        position += 2 + length
    return found


def test_a_stored_photograph_is_baseline_420_without_metadata():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "A camera"
    options = {"exif": exif, "icc_profile": b"profile", "comment": b"secret", "dpi": (300, 300)}
    source = saved(noise(32, 48, 3), "JPEG", **options)
    data = encode_jpeg(render(open_photo(source, "a.jpg"), (48, 32), "pad"), 95)
    found = markers(data)
    # APP0, quantization tables, baseline frame, Huffman tables, scan
    assert {marker for marker, _ in found} == {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
    frame = dict(found)[0xC0]
    assert frame[0] == 8
    assert struct.unpack(">HH", frame[1:5]) == (48, 32)
    assert frame[5] == 3
    assert [frame[7], frame[10], frame[13]] == [0x22, 0x11, 0x11]  # sampling factors: 4:2:0
    for secret in (b"secret", b"camera", b"profile", b"Exif"):
        assert secret in source
        assert secret not in data


def test_metadata_of_a_png_is_not_stored_either():
    source = saved(noise(16, 16, 3), icc_profile=b"profile", dpi=(300, 300))
    data = encode_jpeg(render(open_photo(source, "a.png"), (16, 16), "pad"), 95)
    assert {marker for marker, _ in markers(data)} == {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
    assert dict(markers(data))[0xE0] == dict(markers(saved(noise(16, 16, 3), "JPEG")))[0xE0]


def test_the_quality_is_what_was_asked_for():
    picture = Image.fromarray(noise(16, 16, 3))
    expected = saved(picture, "JPEG", quality=70, subsampling="4:2:0")
    assert encode_jpeg(picture, 70) == expected


def test_a_stored_photograph_decodes_to_the_same_pixels_as_with_pillow():
    data = encode_jpeg(Image.fromarray(smooth(33, 47)), 95)
    pixels = decode_image(data, "a.jpg")
    assert (pixels.dtype, pixels.shape) == (np.uint8, (33, 47, 3))
    assert np.array_equal(pixels, np.asarray(Image.open(io.BytesIO(data))))


def test_a_stored_photograph_that_is_cut_is_refused():
    data = encode_jpeg(Image.fromarray(smooth(33, 47)), 95)
    with pytest.raises(DataError) as caught:
        decode_image(data[:-20], "a.jpg")
    assert caught.value.code == "E_DAMAGED"


@pytest.mark.parametrize("present", range(5))
@pytest.mark.parametrize("value", [0, 7])
def test_a_png_with_too_few_rows_is_refused_and_a_black_one_is_not(present, value):
    data = png((4, 3), 8, 0, bytes([0, *[value] * 3]) * present)
    picture = open_picture(data, "m.png").picture
    if present == 4:
        load(picture, "m.png")
        assert set(picture.tobytes()) == {value}
    else:
        with pytest.raises(DataError, match=r"too few rows|cut off"):
            load(picture, "m.png")


@pytest.mark.parametrize(("size", "depth"), [((1, 1), 8), ((5, 3), 8), ((9, 17), 1), ((8, 8), 4), ((2, 30), 2)])
def test_the_rows_of_an_interlaced_png_are_counted_pass_by_pass(size, depth):
    height, width = size
    rows = b""
    for left, top, right, down in ADAM7:
        columns = len(range(left, width, right))
        for _ in range(top, height, down) if columns else ():
            rows += bytes(1 + (columns * depth + 7) // 8)
    load(open_picture(png(size, depth, 0, rows, interlaced=1), "m.png").picture, "m.png")
    with pytest.raises(DataError, match=r"too few rows|cut off"):
        load(open_picture(png(size, depth, 0, rows[:-1], interlaced=1), "m.png").picture, "m.png")


# ---- the photograph's own bytes


def kept(data: bytes) -> bytes | None:
    return kept_bytes(open_photo(data, "a.jpg"))


@pytest.mark.parametrize("options", [
    {}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"restart_marker_rows": 1}, {"optimize": True},
])  # fmt: skip
def test_a_jpeg_is_kept_with_its_very_pixels_and_without_its_metadata(options):
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    plain = saved(smooth(33, 47), "JPEG", quality=88, **options)
    data = saved(smooth(33, 47), "JPEG", quality=88, exif=exif, icc_profile=b"profile", comment=b"secret", **options)
    assert kept(data) == kept(plain) == plain
    assert np.array_equal(decode_image(plain, "a.jpg"), np.asarray(Image.open(io.BytesIO(data))))
    assert kept(data + b"\xff\xd8 a second picture \xff\xd9") == plain


def test_a_jpeg_without_jfif_header_is_kept_where_every_reader_takes_it_for_ycbcr():
    data = saved(smooth(33, 47), "JPEG")
    assert data[2:4] == b"\xff\xe0"
    bare = data[:2] + data[20:]
    assert kept(bare) == bare
    adobe = b"\xff\xee\0\x0eAdobe\0\x64\0\0\0\0"
    assert kept(bare[:2] + adobe + b"\1" + bare[2:]) == bare[:2] + adobe + b"\1" + bare[2:]
    assert kept(bare[:2] + adobe + b"\0" + bare[2:]) is None  # these samples are RGB


def test_the_thumbnail_of_a_jfif_header_is_not_kept():
    data = saved(smooth(33, 47), "JPEG")
    header = b"\xff\xe0" + struct.pack(">H", 16 + 12) + data[6:18] + b"\2\2" + b"secret thumb"
    assert kept(data[:2] + header + data[20:]) == data


@pytest.mark.parametrize(
    "data",
    [
        saved(noise(9, 9), "JPEG"),
        saved(Image.new("CMYK", (9, 9)), "JPEG"),
        saved(noise(9, 9)),
        saved(noise(9, 9, 3), "BMP"),
        saved(noise(9, 9, 3), "TIFF"),
        saved(noise(9, 9, 3), transparency=(1, 2, 3)),
        saved(Image.new("RGBA", (9, 9))),
    ],
    ids=["grey", "cmyk", "grey-png", "bmp", "tiff", "transparent", "rgba"],
)
def test_what_not_every_reader_takes_for_the_same_rgb_is_not_kept(data):
    assert kept(data) is None


def test_a_photograph_that_is_to_be_turned_is_not_kept():
    exif = Image.Exif()
    exif[ORIENTATION] = 3
    assert kept(saved(noise(9, 9, 3), "JPEG", exif=exif)) is None


def test_a_png_is_kept_with_its_pixels_and_without_its_metadata():
    plain = saved(noise(9, 11, 3))
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    assert kept(saved(noise(9, 11, 3), exif=exif, icc_profile=b"profile", dpi=(300, 300))) == plain
    assert kept(plain + b"left over") == plain
    assert np.array_equal(decode_image(plain, "a.png"), noise(9, 11, 3))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_damaged_photograph_is_not_kept_but_refused(kind):
    data = saved(noise(33, 47, 3), kind)
    with pytest.raises(DataError):
        kept(data[:-30])


def test_a_photograph_can_be_stored_as_png_with_its_very_pixels_and_nothing_else():
    source = saved(noise(9, 11, 3), icc_profile=b"profile", dpi=(300, 300))
    data = encode_image(render(open_photo(source, "a.png"), (9, 11), "pad"), "png", 95)
    assert check_png(data, "a.png") == (8, 2)
    assert np.array_equal(decode_image(data, "a.png"), noise(9, 11, 3))
    assert {data[at + 4 : at + 8] for at in chunk_places(data)} == {b"IHDR", b"IDAT", b"IEND"}
    picture = Image.fromarray(noise(9, 11, 3))
    assert encode_image(picture, "jpeg:70", 70) == encode_jpeg(picture, 70)


def chunk_places(data: bytes) -> list[int]:
    places = [len(PNG_SIGNATURE)]
    while data[places[-1] + 4 : places[-1] + 8] != b"IEND":
        places.append(places[-1] + 12 + struct.unpack_from(">I", data, places[-1])[0])
    return places


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(1, 1), (7, 3), (40, 61)])
def test_the_fast_decoder_of_a_png_yields_the_pixels_that_were_saved_under_every_row_filter(size, channels, with_fast):
    pixels = noise(*size, channels)
    drawn = pixels // 64 * 64  # smooth enough for every filter to be chosen by somebody
    for array, level in ((pixels, 0), (pixels, 6), (drawn, 1), (drawn, 9)):
        data = saved(array if channels == 3 else array[..., 0], compress_level=level)
        found = decoded_fast(open_picture(data, "m.png").picture)
        assert found is not None
        assert np.array_equal(found, array if channels == 3 else array[..., 0])
    rows = b"".join(bytes([row % 5]) + noise(size[1], channels).tobytes() for row in range(size[0]))
    data = png(size, 8, 0 if channels == 1 else 2, rows)  # None, Sub, Up, Average, Paeth
    picture = open_picture(data, "m.png").picture
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
    assert decoded_fast(open_picture(data, "m.png").picture) is None


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
            decoded(open_picture(data, "m.png").picture, "m.png")
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
    with pytest.raises(DataError, match=r"too few rows|cut off"):
        rendered(png((4, 3), 8, 2, rows), (4, 3))


def test_warnings_are_kept_back_in_nested_blocks_and_heard_again_behind_them():
    with pytest.warns(UserWarning, match="heard") as heard:
        with without_warnings():
            with without_warnings():
                warnings.warn("inner", UserWarning, stacklevel=1)
            warnings.warn("outer", UserWarning, stacklevel=1)
        warnings.warn("heard", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in heard] == ["heard"]
