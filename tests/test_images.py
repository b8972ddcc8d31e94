"""Facts about photographs: damage is noticed, every kind comes out upright RGB, and nothing but pixels is stored."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from picture_bytes import chunk, png, saved
from PIL import Image

from converter.errors import DataError
from converter.images import (
    PNG_SIGNATURE,
    Box,
    check_png,
    decode_image,
    encode_jpeg,
    load,
    open_photo,
    open_picture,
    place,
    render,
)

ORIENTATION = 0x0112


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


def test_a_png_that_does_not_begin_with_its_header_is_refused():
    with pytest.raises(DataError, match="does not begin with a header"):
        check_png(PNG_SIGNATURE + chunk(b"IEND", b""), "a.png")


def test_a_forged_chunk_length_is_refused():
    data = PNG_SIGNATURE + struct.pack(">I", 2**32 - 1) + b"IHDR" + bytes(20)
    with pytest.raises(DataError, match="announces 4294967295 bytes"):
        check_png(data, "a.png")


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
        saved(noise(3, 5), "BMP"),
        saved(noise(3, 5), "TIFF"),
        saved(noise(3, 5, 3), "WEBP"),
    ],
    ids=["empty", "x", "soi", "signature", "postscript", "gif", "bmp", "tiff", "webp"],
)
def test_what_is_neither_jpeg_nor_png_is_refused_whatever_its_name(data):
    assert refusal(data) in {"E_FORMAT", "E_DAMAGED"}


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


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_the_orientation_that_a_camera_notes_is_undone(kind):
    upright = np.kron(np.arange(6, dtype=np.uint8).reshape(2, 3) * 50, np.ones((8, 8), np.uint8))
    upright = np.repeat(upright[..., None], 3, axis=2)
    # What lies in the file, so that EXIF's turn makes it upright (EXIF 2.32, 4.6.4, tag 274).
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1],
        7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }
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
    assert place(source, size, "pad") == box


def test_stretch_takes_all_of_the_size():
    assert place((3, 200), (50, 70), "stretch") == Box(0, 0, 50, 70)


def test_a_placed_box_always_lies_within_the_size_and_touches_two_sides():
    rng = np.random.default_rng(0)
    for source, size in rng.integers(1, 2000, (1000, 2, 2)):
        box = place(tuple(source), tuple(size), "pad")
        assert min(box.top, box.left) >= 0
        assert min(box.height, box.width) >= 1
        assert box.top + box.height <= size[0]
        assert box.left + box.width <= size[1]
        assert box.height == size[0] or box.width == size[1]


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
    picture = open_picture(data, "m.png")
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
    for left, top, right, down in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        columns = len(range(left, width, right))
        for _ in range(top, height, down) if columns else ():
            rows += bytes(1 + (columns * depth + 7) // 8)
    load(open_picture(png(size, depth, 0, rows, interlaced=1), "m.png"), "m.png")
    with pytest.raises(DataError, match=r"too few rows|cut off"):
        load(open_picture(png(size, depth, 0, rows[:-1], interlaced=1), "m.png"), "m.png")
