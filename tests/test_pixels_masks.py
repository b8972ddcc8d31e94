"""Masks: exact values of the file, counted, and stored masks read back."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from mask_files import mapped, mapper, palette_png, refusal
from picture_bytes import png, saved, tiff
from PIL import Image

from converter.errors import DataError
from converter.pixels import decode
from converter.pixels.masks import ValueCounter, count_classes, decode_mask, encode_png, open_mask


@pytest.mark.parametrize(("color_type", "samples"), [(2, [300] * 3), (4, [300, 65535]), (6, [300] * 3 + [65535])])
def test_16_bits_a_channel_are_refused_because_their_low_bytes_would_be_lost(color_type, samples):
    data = png((1, 1), 16, color_type, b"\0" + struct.pack(f">{len(samples)}H", *samples))
    assert refusal(data, mapper("a,1", "b,0")).code == "E_MASK_MODE"


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_partly_transparent_mask_is_refused(mode):
    picture = Image.new(mode, (2, 1), (7, 7, 7, 255) if mode == "RGBA" else (7, 255))
    picture.putpixel((1, 0), (7, 7, 7, 254) if mode == "RGBA" else (7, 254))
    assert refusal(saved(picture), mapper("a,7")).code == "E_MASK_MODE"


def test_a_mask_that_is_no_picture_file_of_a_known_kind_is_refused():
    for data in (b"", b"x" * 99, saved(np.zeros((3, 3, 3), np.uint8), "JPEG2000")):
        assert refusal(data, mapper("a,*")).code == "E_FORMAT"


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_mask_that_its_own_orientation_turns_is_refused(kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    levels = np.full((8, 8), 7, np.uint8)
    data = tiff(levels, {274: orientation}) if kind == "TIFF" else saved(levels, kind, exif=exif)
    classes = mapper("a,7", tolerance=1)
    if orientation == 1:
        assert mapped(data, classes).tolist() == [[0] * 8] * 8
    else:
        error = refusal(data, classes)
        assert (error.code, f"has EXIF orientation {orientation}" in error.what) == ("E_MASK_MODE", True)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (tiff(np.ones((2, 2, 3), int), bits=16), "E_MASK_MODE"),
        (tiff(np.ones((2, 2, 5), int), {338: (0, 0)}), "E_MASK_MODE"),
        (tiff(np.full((2, 2), 65536), bits=32), "E_MASK_MODE"),
        (tiff(np.full((2, 2), -1), {339: 2}, bits=16), "E_MASK_MODE"),
        (tiff(np.full((2, 2), 1.5, np.float32).view(np.uint32), {339: 3}, bits=32), "E_MASK_MODE"),
        (tiff(np.full((2, 2), np.nan, np.float32).view(np.uint32), {339: 3}, bits=32), "E_MASK_MODE"),
        (tiff(np.ones((2, 2, 3), int), bits=32), "E_MASK_MODE"),
        (tiff(np.ones((2, 2, 8), int)), "E_MASK_MODE"),
        (tiff(np.ones((2, 2, 2), int)), "E_MASK_MODE"),
        (tiff(np.ones((2, 2), int), {339: 5}, bits=64), "E_FORMAT"),
        (tiff(np.ones((2, 2, 4), int), {262: 5}), "E_MASK_MODE"),
    ],
)
def test_what_a_tiff_cannot_hold_exactly_for_us_is_refused(data, code):
    assert refusal(data, mapper("a,*")).code == code


def test_a_bmp_of_5_bits_a_channel_is_refused():
    data = bytearray(saved(np.zeros((2, 2, 3), np.uint8), "BMP"))
    data[28] = 16
    assert refusal(bytes(data), mapper("a,*")).code == "E_MASK_MODE"


def counted(data: bytes, counter: ValueCounter | None = None) -> dict[str, int]:
    return {str(value): count for value, count in (counter or ValueCounter()).count(open_mask(data, "a.png")).items()}


def test_values_are_counted_in_the_notation_of_a_class_map_most_frequent_first():
    drawn = np.array([[0, 2, 2], [1, 2, 1]])
    assert [*counted(saved(drawn.astype(np.uint8))).items()] == [("2", 3), ("1", 2), ("0", 1)]
    colors = np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255)], np.uint8)
    assert [*counted(saved(colors[drawn])).items()] == [("#0000FF", 3), ("#FF0000", 2), ("#000000", 1)]
    assert [*counted(palette_png(drawn, *colors.tolist())).items()] == [("p2", 3), ("p1", 2), ("p0", 1)]
    assert counted(tiff(drawn * 300, bits=16)) == {"600": 3, "300": 2, "0": 1}
    assert counted(tiff(drawn, bits=2)) == {"2": 3, "1": 2, "0": 1}


def test_the_colours_of_many_masks_are_counted_right_whatever_stood_in_those_before():
    rng = np.random.default_rng(0)
    counter = ValueCounter()
    for number in range(12):
        colors = rng.integers(0, 256, ([3, 200, 5000][number % 3], 3), dtype=np.uint8)
        drawn = colors[rng.integers(0, len(colors), (60, 70))]
        found, counts = np.unique(drawn.reshape(-1, 3), axis=0, return_counts=True)
        expected = {tuple(color): count for color, count in zip(found.tolist(), counts.tolist(), strict=True)}
        values = counter.count(open_mask(saved(drawn), "a.png"))
        assert {value.color: count for value, count in values.items()} == expected
        assert [*values.values()] == sorted(expected.values(), reverse=True)


def test_of_a_photograph_given_as_a_mask_only_the_most_frequent_colours_are_held():
    pixels = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    pixels[:2] = 7
    found, others, pixels_of_others = ValueCounter().count_most_frequent(open_mask(saved(pixels), "a.png"), 5)
    assert (len(found), next(iter(found.items()))[1]) == (5, 200)
    assert sum(found.values()) + pixels_of_others == 10_000
    assert others + 5 == len(np.unique(pixels.reshape(-1, 3), axis=0))


@pytest.mark.parametrize("fit", ["pad", "stretch", "crop"])
@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_a_mask_is_the_same_with_the_fast_decoder_and_without(kind, fit, monkeypatch):
    rng, classes = np.random.default_rng(0), mapper("a,0", "b,7", "c,200")
    for size in ((90, 70), (61, 128), (33, 33)):
        levels = rng.choice(np.array([0, 7, 200], np.uint8), size)
        data = saved(levels if kind == "grey" else np.stack([levels] * 3, -1))
        found = []
        for decoder in (decode.decode_image_png_u8, None):
            monkeypatch.setattr(decode, "decode_image_png_u8", decoder)
            found.append(classes.map_mask(open_mask(data, "a.png"), (40, 51), fit))
        assert np.array_equal(*found)


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (16, 16), (33, 257)])
def test_a_stored_mask_is_read_by_pillow_as_it_was(shape):
    mask = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    with Image.open(io.BytesIO(encode_png(mask))) as picture:
        picture.load()
        assert (picture.format, picture.mode) == ("PNG", "L")
        assert np.array_equal(np.asarray(picture), mask)
    assert encode_png(mask)[24:29] == bytes([8, 0, 0, 0, 0])  # depth, grey, deflate, filters, not interlaced
    assert np.array_equal(decode_mask(encode_png(mask), "a.png"), mask)


def test_a_mask_that_does_not_lie_row_after_row_in_memory_is_stored_as_it_looks():
    mask = np.arange(12, dtype=np.uint8).reshape(3, 4)
    for view in (mask.T, mask[::-1], mask[:, ::2]):
        assert np.array_equal(decode_mask(encode_png(view), "a.png"), view)


@pytest.mark.tf
def test_a_stored_mask_is_read_by_tensorflow_as_it_was():
    import tensorflow as tf

    mask = np.random.default_rng(0).integers(0, 256, (33, 57), dtype=np.uint8)
    assert np.array_equal(tf.io.decode_png(encode_png(mask)).numpy()[..., 0], mask)


@pytest.mark.parametrize(
    "data",
    [
        saved(np.zeros((2, 2, 3), np.uint8)),
        palette_png(np.array([[0]]), (0, 0, 0)),
        png((1, 4), 2, 0, b"\x00\x1b"),
        png((1, 1), 16, 0, bytes(3)),
        saved(np.zeros((8, 8), np.uint8), "JPEG"),
        b"",
    ],
    ids=["rgb", "palette", "2-bit", "16-bit", "jpeg", "empty"],
)
def test_what_no_writer_of_ours_stores_is_refused_on_reading(data):
    with pytest.raises(DataError):
        decode_mask(data, "a.png")


@pytest.mark.parametrize("num_classes", [1, 4, 255])
def test_classes_are_counted_as_numpy_counts_them(num_classes):
    rng = np.random.default_rng(0)
    mask = rng.choice(np.array([*range(num_classes), 255], np.uint8), (37, 53))
    expected = np.bincount(mask.ravel(), minlength=256)
    assert count_classes(mask, num_classes) == (expected[:num_classes].tolist(), expected[255])
