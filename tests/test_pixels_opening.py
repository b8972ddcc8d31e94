"""Opening: bands and range as the user gives them, from every format; without them one line that says what it is."""

from __future__ import annotations

import numpy as np
import pytest
from mask_files import mapped, mapper, palette_png
from photo_files import ADAM7, as_stored, noise
from picture_bytes import png, saved, tiff
from PIL import Image

from converter.errors import DataError
from converter.pixels.bands import Samples
from converter.pixels.images import open_image, render, unmodified_bytes
from converter.pixels.opening import deep_samples, open_image_file


def read(data: bytes, bands: tuple[int, ...] = (), levels: tuple[tuple[float, float], ...] = ()) -> np.ndarray:
    image = open_image(data, "a.tif", samples=Samples(bands, levels))
    return np.asarray(render(image, image.size, "stretch"))


def refused(data: bytes, bands: tuple[int, ...] = (), levels: tuple[tuple[float, float], ...] = ()) -> DataError:
    with pytest.raises(DataError) as caught:
        open_image(data, "a.tif", samples=Samples(bands, levels))
    assert caught.value.where == "a.tif"
    return caught.value


def wide_png(samples: np.ndarray, color_type: int, *, interlaced: bool = False) -> bytes:
    """Returns a 16-bit PNG of samples [H, W, channels], written by hand."""
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    rows = b""
    for left, top, right, down in passes:
        for row in samples[top::down, left::right].astype(">u2"):
            rows += b"\0" + row.tobytes() if row.size else b""
    return png(samples.shape[:2], 16, color_type, rows, int(interlaced))


WIDE = np.random.default_rng(0).integers(0, 65536, (11, 13, 4), dtype=np.uint16)


def scaled(samples: np.ndarray, low: int = 0, high: int = 65535) -> np.ndarray:
    return np.floor((np.clip(samples.astype(float), low, high) - low) * 255 / (high - low) + 0.5).astype(np.uint8)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("color_type", "channels"), [(0, 1), (2, 3), (6, 4)])
def test_all_16_bits_of_a_png_count(color_type, channels, interlaced):
    samples = WIDE[..., :channels] >> 6  # in which the low bytes matter
    data = wide_png(samples, color_type, interlaced=interlaced)
    expected = scaled(samples, 100, 900)[..., : min(channels, 3)]
    assert np.array_equal(read(data, (), ((100, 900),)), np.broadcast_to(expected, (11, 13, 3)))
    error = refused(data)
    assert str(error) == (
        f"a.tif: has {channels} band{'s' if channels > 1 else ''}, 16 bits per channel, where 8-bit unsigned integers"
        " are read. Pass --range LOW:HIGH, or --range percentile:2:98, which brings them to 8 bits."
    )
    assert error.code == "E_IMAGE_MODE"


def test_bands_of_a_16_bit_png_are_picked():
    data = wide_png(WIDE, 6)
    assert np.array_equal(read(data, (4, 1, 2), ((0, 65535),)), scaled(WIDE[..., [3, 0, 1]]))
    assert refused(wide_png(WIDE[..., :2], 4), (), ((0, 1),)).code == "E_IMAGE_MODE"


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 5, 8])
def test_a_tiff_of_8_bands_is_read_with_the_bands_that_are_named(order, compression):
    pixels = noise(11, 13, 8)
    data = tiff(pixels, {262: 1}, order=order, compression=compression)
    assert np.array_equal(read(data, (3, 2, 1)), pixels[..., [2, 1, 0]])
    assert np.array_equal(read(data, (8,)), np.repeat(pixels[..., 7:], 3, axis=2))
    assert str(refused(data)) == (
        "a.tif: has 8 bands, 8 bits per channel, where 1, 3 or 4 bands are read. Pass --bands 3,2,1 with the numbers of"
        " its red, green and blue band, counted from 1."
    )
    assert "names band 9" in str(refused(data, (9, 2, 1)))


@pytest.mark.parametrize("bits", [8, 16])
def test_of_two_bands_one_is_read_as_grey_as_the_message_says(bits):
    pixels = WIDE[..., :2].astype(f"u{bits // 8}")
    data = tiff(pixels, {262: 1}, bits=bits)
    fix = refused(data).fix
    assert fix.startswith("Pass --bands 1 with the number of the band to read as grey, counted from 1")
    assert ("--range LOW:HIGH" in fix) == (bits == 16)
    expected = pixels[..., :1] if bits == 8 else scaled(pixels[..., :1])
    found = read(data, (1,), ((0, 65535),) if bits == 16 else ())
    assert np.array_equal(found, np.broadcast_to(expected, found.shape))


@pytest.mark.parametrize("bits", [16, 32])
def test_deep_bands_need_both_options_and_the_message_says_so(bits):
    pixels = WIDE.astype(f"u{bits // 8}").repeat(2, axis=2)
    data = tiff(pixels, {262: 1}, bits=bits)
    assert np.array_equal(read(data, (7, 5, 1), ((0, 65535),)), scaled(WIDE[..., [3, 2, 0]]))
    error = refused(data)
    assert f"has 8 bands, {bits} bits per channel, where 1, 3 or 4 bands of 8 bits are read" in str(error)
    assert "--bands 3,2,1" in error.fix
    assert "--range percentile:2:98" in error.fix
    assert "--range" in refused(data, (7, 5, 1)).fix
    assert "--bands" in refused(data, (), ((0, 9),)).fix


@pytest.mark.parametrize(
    ("samples", "tags", "shown"),
    [
        (WIDE[..., :1], {}, [0]),
        (WIDE[..., :3], {}, [0, 1, 2]),
        (WIDE, {}, [0, 1, 2]),
        (WIDE, {338: 0}, [0, 1, 2]),
        (WIDE[..., :2], {338: 2}, [0]),
    ],
    ids=["grey", "rgb", "rgbx", "rgb-infrared", "grey-alpha"],
)
def test_a_range_is_enough_where_the_file_says_which_bands_are_its_colours(samples, tags, shown):
    expected = np.broadcast_to(scaled(samples[..., shown]), (11, 13, 3))
    assert np.array_equal(read(tiff(samples, tags, bits=16), (), ((0, 65535),)), expected)


def test_floats_and_signed_numbers_are_scaled():
    numbers = np.array([[-1.0, 0.0, 0.25], [0.5, 1.0, 2.0]])
    for dtype, kind in (("f4", 3), ("f8", 3)):
        bits = int(dtype[1]) * 8
        data = tiff(numbers.astype(dtype).view(f"u{bits // 8}"), {339: kind}, bits=bits)
        assert read(data, (), ((0, 1),))[..., 0].tolist() == [[0, 0, 64], [128, 255, 255]]
    data = tiff((numbers * 100).astype("i2").view("u2"), {339: 2}, bits=16)
    assert read(data, (), ((-100, 155),))[..., 0].tolist() == [[0, 100, 125], [150, 200, 255]]


def test_white_is_0_where_the_file_says_so():
    data = tiff(np.array([[0, 65535, 100]]), {262: 0}, bits=16)
    assert read(data, (), ((0, 65535),))[0, :, 0].tolist() == [255, 0, 255]


def test_the_orientation_of_a_deep_tiff_is_undone():
    for orientation, pixels in as_stored(WIDE[..., :3]).items():
        data = tiff(np.ascontiguousarray(pixels), {274: orientation}, bits=16)
        assert np.array_equal(read(data, (), ((0, 65535),)), scaled(WIDE[..., :3])), orientation


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("BMP", {}), ("PPM", {})]
)
def test_bands_of_8_bits_are_picked_from_any_format(kind, options):
    pixels = noise(5, 7, 3)
    data = saved(pixels, kind, **options)
    assert np.array_equal(read(data, (3, 3, 1)), pixels[..., [2, 2, 0]])
    assert np.array_equal(read(data, (2,)), np.repeat(pixels[..., 1:2], 3, axis=2))


def test_the_fourth_band_of_infrared_tiles_is_picked():
    pixels = noise(5, 7, 4)
    for data in (saved(pixels), saved(pixels, "TIFF"), tiff(pixels, {338: 0}), tiff(pixels)):
        assert np.array_equal(read(data, (4, 1, 2)), pixels[..., [3, 0, 1]])


def test_bands_of_a_jpeg_are_picked_also_within_a_tiff():
    for kind, options in (("JPEG", {"quality": 95}), ("TIFF", {"compression": "jpeg"})):
        data = saved(noise(16, 16, 3), kind, **options)
        assert np.array_equal(read(data, (3, 1, 2)), read(data)[..., [2, 0, 1]])


def test_a_palette_has_no_bands():
    data = palette_png(np.array([[0, 1]]), (1, 2, 3), (4, 5, 6))
    assert "mode P, in which no bands can be picked" in str(refused(data, (1,)))
    assert "is a palette image" in str(refused(tiff(noise(3, 5), {262: 3, 320: (0,) * 768}), (1,)))


def test_8_bit_images_are_read_as_they_are_whatever_the_range():
    for kind in ("PNG", "TIFF", "JPEG", "BMP", "PPM"):
        data = saved(noise(5, 7, 3), kind)
        assert np.array_equal(read(data, (), ((0, 9),)), read(data))


def test_what_is_picked_or_scaled_is_never_stored_with_the_bytes_of_its_file():
    for data, samples in (
        (saved(noise(5, 7, 3)), Samples((3, 2, 1))),
        (saved(noise(5, 7, 3), "JPEG"), Samples((3, 2, 1))),
        (wide_png(WIDE[..., :3], 2), Samples((), ((0, 9),))),
    ):
        assert unmodified_bytes(open_image(data, "a", samples=samples)) is None


@pytest.mark.parametrize("dtype", ["u4", "i4", "i2", "i1", "f4", "f8"])
@pytest.mark.parametrize("compression", [1, 5, 8])
def test_masks_of_any_type_have_their_whole_numbers(dtype, compression):
    numbers = np.array([[0, 1, 2], [100, 7, 0]])
    bits = int(dtype[1]) * 8
    kind = {"u": 1, "i": 2, "f": 3}[dtype[0]]
    data = tiff(numbers.astype(dtype).view(f"u{bits // 8}"), {339: kind}, bits=bits, compression=compression)
    assert mapped(data, mapper("a,0", "b,1", "c,2", "d,100", "e,7")).tolist() == [[0, 1, 2], [3, 4, 0]]


@pytest.mark.parametrize("mode", ["I", "F"])
def test_masks_that_pillow_saves_as_int32_and_float_have_their_numbers(mode):
    numbers = np.array([[0, 1], [300, 65535]], np.int32 if mode == "I" else np.float32)
    data = saved(Image.fromarray(numbers), "TIFF")
    assert mapped(data, mapper("a,0", "b,1", "c,300", "d,65535")).tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize("bands", [2, 5, 8])
def test_a_mask_of_many_bands_is_told_to_be_one(bands):
    with pytest.raises(DataError) as caught:
        open_image_file(tiff(noise(3, 5, bands), {262: 1}), "a.tif", as_numbers=True)
    assert str(caught.value) == (
        f"a.tif: has {bands} bands, 8 bits per channel, where a mask has 1 or 3. Save the band with the classes as an"
        " 8-bit PNG."
    )


def test_deep_samples_are_the_numbers_that_a_range_is_measured_on():
    assert deep_samples(saved(noise(3, 5, 3)), "a", 99, ()) is None
    assert deep_samples(saved(noise(3, 5, 3)), "a", 99, (3,)) is None
    assert np.array_equal(deep_samples(tiff(WIDE[..., :3], bits=16), "a", 999, (3, 1, 2)), WIDE[..., [2, 0, 1]])
    assert np.array_equal(deep_samples(wide_png(WIDE[..., :3], 2), "a", 999, ()), WIDE[..., :3])
    with pytest.raises(DataError, match="has 8 bands"):
        deep_samples(tiff(noise(3, 5, 8), bits=16), "a", 99, ())
