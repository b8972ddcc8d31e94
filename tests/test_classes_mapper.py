"""Mapper: every kind of mask is mapped to the same class indices, and an unlisted value is reported."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from mask_files import ADAM7, TUTORIAL, mapped, mapper, nearest, palette_png, refusal
from picture_bytes import bmp, png, saved, tiff
from PIL import Image

from converter.errors import DataError
from converter.limits import MAX_TABLES
from converter.pixels.geometry import place
from converter.pixels.masks import MaskValue, ValueCounter, open_mask
from converter.sample.write import draw_tile


def test_the_tutorials_label_map_gives_the_tutorials_one_hot_rows():
    mask = mapped(saved(np.array([[25, 76], [150, 255]], np.uint8)), mapper(*TUTORIAL))
    assert np.eye(4, dtype=int)[mask.ravel()].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_where_the_tutorials_bicubic_masks_lose_labels_ours_lose_none():
    _, drawn = draw_tile(0, "train", 1)
    greys = np.array([0, 76, 150, 255], np.uint8)[drawn]
    size = (201, 269)
    expected = nearest(drawn, size)
    # What the tutorial does: the default filter, and background for every unlisted grey level.
    blended = np.asarray(Image.fromarray(greys).resize((size[1], size[0]), Image.Resampling.BICUBIC))
    table = np.zeros(256, np.uint8)
    table[[76, 150, 255]] = 1, 2, 3
    assert (table[blended] != expected).mean() > 0.01
    assert (mapped(saved(greys), mapper(*TUTORIAL), size) != expected).sum() == 0


def test_grey_levels_are_classes():
    mask = mapped(saved(np.array([[0, 7, 200]], np.uint8)), mapper("a,7", "b,0", "ignore,200"))
    assert mask.tolist() == [[1, 0, 255]]


def test_colours_are_classes():
    data = saved(np.array([[[0, 255, 0], [22, 0, 255], [255, 255, 255]]], np.uint8))
    assert mapped(data, mapper("a,22 0 255", "b,#00FF00", "c,#FFFFFF")).tolist() == [[1, 0, 2]]


def test_red_and_blue_are_not_swapped():
    data = saved(np.array([[[1, 2, 3], [3, 2, 1]]], np.uint8))
    assert mapped(data, mapper("a,1 2 3", "b,3 2 1")).tolist() == [[0, 1]]


def test_a_grey_level_in_a_colour_mask_is_the_colour_of_three_equal_channels():
    colors = np.array([[[76, 76, 76], [9, 9, 9]]], np.uint8)
    greys = np.array([[76, 9]], np.uint8)
    for classes in (mapper("a,9", "b,76"), mapper("a,9 9 9", "b,#4C4C4C")):
        assert mapped(saved(colors), classes).tolist() == [[1, 0]]
        assert mapped(saved(greys), classes).tolist() == [[1, 0]]


@pytest.mark.parametrize("color", [(255, 0, 0), (0, 129, 3)])
def test_a_colour_whose_luminance_is_a_class_is_still_not_that_class(color):
    data = saved(np.full((1, 2, 3), color, np.uint8))
    assert np.asarray(Image.open(io.BytesIO(data)).convert("L")).tolist() == [[76, 76]]
    assert "holds 1 unlisted value: " + str(color) in refusal(data, mapper("a,76", "b,0")).what


def test_peers_row_11_palette_indices_are_classes_by_number_by_colour_or_by_p():
    data = palette_png(np.array([[0, 1, 2]]), (0, 0, 0), (128, 0, 0), (0, 128, 0))
    assert mapped(data, mapper("a,0", "b,1", "c,2")).tolist() == [[0, 1, 2]]
    assert mapped(data, mapper("a,0 128 0", "b,0 0 0", "c,128 0 0")).tolist() == [[1, 2, 0]]
    assert mapped(data, mapper("a,p2", "b,p1", "c,p0")).tolist() == [[2, 1, 0]]


def test_a_palette_entry_that_may_be_two_classes_is_refused_unless_p_decides():
    data = palette_png(np.array([[0, 1]]), (0, 0, 0), (128, 0, 0))
    rows = ("a,0", "a,1", "b,128 0 0")
    error = refusal(data, mapper(*rows))
    assert "palette entry 1, colour (128, 0, 0), may be 'a' or 'b'" in error.what
    assert mapped(data, mapper(*rows, "b,p1")).tolist() == [[0, 1]]


def test_masks_with_other_palettes_do_not_inherit_the_table_of_the_first():
    classes = mapper("a,1 1 1", "b,2 2 2")
    indices = np.array([[0, 1]])
    for _ in range(2):
        assert mapped(palette_png(indices, (1, 1, 1), (2, 2, 2)), classes).tolist() == [[0, 1]]
        assert mapped(palette_png(indices, (2, 2, 2), (1, 1, 1)), classes).tolist() == [[1, 0]]


def test_a_thousand_palettes_do_not_pile_up():
    classes = mapper("a,1 1 1", "a,*")
    for level in range(MAX_TABLES + 20):
        mapped(palette_png(np.array([[0]]), (level, 1, 1)), classes)
    assert len(classes._tables) <= MAX_TABLES


@pytest.mark.parametrize(
    ("depth", "rows", "expected"),
    [(1, b"\x00\x60\x00\x90", [[0, 1, 1, 0], [1, 0, 0, 1]]), (2, b"\x00\x1b\x00\xe4", [[0, 1, 2, 3], [3, 2, 1, 0]])],
)
def test_samples_of_1_and_2_bits_are_the_files_own_numbers(depth, rows, expected):
    classes = mapper("a,0", "b,1", "c,2", "d,3")
    assert mapped(png((2, 4), depth, 0, rows), classes).tolist() == expected
    assert mapped(png((2, 4), depth, 0, rows), classes, (4, 8)).tolist() == np.kron(expected, np.ones((2, 2))).tolist()


def test_samples_of_4_bits_are_the_files_own_numbers():
    rows = bytes([0, 0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF])
    assert mapped(png((1, 16), 4, 0, rows), mapper(*(f"c{k},{k}" for k in range(16)))).tolist() == [[*range(16)]]


def test_peers_row_11_a_black_and_white_mask_written_by_pillow_holds_0_and_1():
    data = saved(Image.fromarray(np.array([[False, True]])))
    assert mapped(data, mapper("a,0", "b,1")).tolist() == [[0, 1]]


@pytest.mark.parametrize("white", ["255", "#FFFFFF"])
def test_a_sample_of_few_bits_that_may_be_meant_as_drawn_is_refused_even_under_a_star(white):
    black_and_white = saved(Image.new("1", (2, 2), 1))
    error = refusal(black_and_white, mapper("background,*", f"building,{white}"))
    assert "has 1-bit samples: a 1 there is drawn as 255" in str(error)
    assert mapped(black_and_white, mapper("background,0", "building,1")).tolist() == [[1, 1], [1, 1]]


def test_a_level_of_16_bits_is_no_colour_of_8():
    almost_black = saved(np.full((1, 1), 255, np.uint16))
    assert "unlisted value: 255" in str(refusal(almost_black, mapper("white,#FFFFFF")))
    assert mapped(almost_black, mapper("a,255")).tolist() == [[0]]


def test_peers_row_11_16_bit_grey_is_not_cut_down_to_8_bits():
    data = png((1, 3), 16, 0, b"\0" + struct.pack(">3H", 1, 257, 65535))
    assert mapped(data, mapper("a,1", "b,257", "c,65535")).tolist() == [[0, 1, 2]]
    assert "257 (1 pixel" in refusal(data, mapper("a,1", "c,65535")).what


def test_16_bit_grey_can_be_resampled():
    values = np.array([[1, 257], [300, 65535]])
    data = png((2, 2), 16, 0, b"".join(b"\0" + struct.pack(">2H", *row) for row in values))
    classes = mapper("a,1", "b,257", "c,300", "d,65535")
    assert mapped(data, classes, (4, 4)).tolist() == nearest(np.array([[0, 1], [2, 3]]), (4, 4)).tolist()
    assert mapped(data, classes, (1, 1)).tolist() == [[3]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_peers_row_11_an_opaque_alpha_channel_is_dropped(mode):
    image = Image.new(mode, (2, 1), (7, 7, 7, 255) if mode == "RGBA" else (7, 255))
    assert mapped(saved(image), mapper("a,0", "b,7")).tolist() == [[1, 1]]


def test_a_mask_compressed_as_jpeg_is_refused_and_the_tolerance_is_named():
    levels = np.zeros((8, 8), np.uint8)
    for data in (saved(levels, "JPEG"), saved(levels, "TIFF", compression="jpeg")):
        error = refusal(data, mapper("a,0", "a,*"))
        assert (error.code, "--tolerance" in error.fix) == ("E_FORMAT", True)
        with pytest.raises(DataError, match="compressed as JPEG"):
            ValueCounter().count(open_mask(data, "a.png"))


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 8, 32773])
def test_grey_samples_of_a_tiff_are_the_files_own_numbers_also_where_0_is_white(bits, photometric, order, compression):
    numbers = np.arange(2**bits, dtype=np.uint8).reshape(2, -1)[:, :127]
    classes = mapper(*(f"c{k},{k}" for k in range(min(255, 2**bits))))
    for layout in ({}, {"part": (1, numbers.shape[1])}, {"part": (16, 16), "is_tiled": True}):
        data = tiff(numbers, {262: photometric}, bits=bits, order=order, compression=compression, **layout)
        assert np.array_equal(mapped(data, classes), numbers)


@pytest.mark.parametrize("photometric", [0, 1])
@pytest.mark.parametrize("kind", ["group3", "group4"])
def test_a_tiff_of_a_fax_machine_holds_0_and_1(photometric, kind):
    bits = np.random.default_rng(0).integers(0, 2, (33, 41)).astype(bool)
    data = saved(Image.fromarray(bits), "TIFF", compression=kind, tiffinfo={262: photometric})
    drawn = np.asarray(Image.open(io.BytesIO(data)))
    numbers = drawn if photometric else ~drawn
    assert np.array_equal(mapped(data, mapper("a,0", "b,1")), numbers)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [1, 8])
@pytest.mark.parametrize("photometric", [0, 1])
def test_16_bit_grey_of_a_tiff_is_not_cut_down_to_8_bits(order, compression, photometric):
    data = tiff(np.array([[1, 257], [65535, 1]]), {262: photometric}, bits=16, order=order, compression=compression)
    classes = mapper("a,1", "b,257", "c,65535")
    assert mapped(data, classes).tolist() == [[0, 1], [2, 0]]
    assert mapped(data, classes, (1, 1)).tolist() == [[0]]
    assert mapped(data, classes, (4, 4)).tolist() == np.kron([[0, 1], [2, 0]], np.ones((2, 2))).tolist()


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_palette_of_a_tiff_or_bmp_is_read_by_index_and_by_colour(bits):
    count = 2**bits
    indices = np.arange(count).reshape(2, -1)
    colors = [(k, 255 - k, 7) for k in range(count)]
    palette = tuple(color[channel] * 257 for channel in range(3) for color in colors)
    files = [tiff(indices, {262: 3, 320: palette}, bits=bits)]
    files += [bmp(indices, bits, colors)] if bits != 2 else []
    classes = min(count, 255)
    expected = np.where(indices < 255, indices, 255)
    for data in files:
        assert np.array_equal(mapped(data, mapper(*(f"c{k},p{k}" for k in range(classes)), "ignore,p255")), expected)
        by_color = [f"c{k},{k} {255 - k} 7" for k in range(classes)]
        assert np.array_equal(mapped(data, mapper(*by_color, "ignore,255 0 7")), expected)


def test_a_black_and_white_bmp_holds_0_and_1():
    indices = np.array([[0, 1, 1], [1, 0, 0]])
    for colors in ([(0, 0, 0), (255, 255, 255)], [(255, 255, 255), (0, 0, 0)]):
        assert mapped(bmp(indices, 1, colors), mapper("a,0", "b,1")).tolist() == indices.tolist()


def test_a_tiff_or_bmp_in_colour_is_read_by_colour():
    colors = np.array([[[1, 2, 3], [3, 2, 1]]], np.uint8)
    for data in (saved(colors, "BMP"), saved(colors, "TIFF"), saved(colors, "TIFF", compression="tiff_lzw")):
        assert mapped(data, mapper("a,1 2 3", "b,3 2 1")).tolist() == [[0, 1]]


@pytest.mark.parametrize("extra", [(), (0,), (2,)])
def test_a_fourth_band_of_a_tiff_is_dropped_where_it_is_opaque_and_refused_else(extra):
    colors = np.full((2, 2, 4), (7, 8, 9, 255), np.uint8)
    assert mapped(tiff(colors, {338: extra}), mapper("a,7 8 9")).tolist() == [[0, 0], [0, 0]]
    colors[1, 1, 3] = 254
    assert refusal(tiff(colors, {338: extra}), mapper("a,7 8 9")).code == "E_MASK_MODE"


@pytest.mark.parametrize("depth", [1, 2, 4, 8])
def test_peers_row_11_a_palette_with_transparency_is_read_like_any_other(depth):
    indices = np.arange(2**depth, dtype=np.uint8).reshape(2, -1)
    image = Image.fromarray(indices, "P")
    image.putpalette([level for k in range(2**depth) for level in (k, 9, 9)])
    data = saved(image, bits=depth, transparency=bytes(2**depth))
    assert np.array_equal(mapped(data, mapper(*(f"c{k},{k}" for k in range(255)), "ignore,255")), indices)


@pytest.mark.parametrize("color_type", [0, 2])
def test_an_interlaced_mask_has_its_values(color_type):
    drawn = np.random.default_rng(0).integers(0, 9, (11, 13), dtype=np.uint8)
    pixels = drawn if color_type == 0 else np.repeat(drawn[..., None], 3, axis=2)
    rows = b""
    for left, top, right, down in ADAM7:
        for row in pixels[top::down, left::right]:
            rows += b"\0" + row.tobytes()
    data = png((11, 13), 8, color_type, rows, interlaced=1)
    assert np.array_equal(mapped(data, mapper(*(f"c{k},{k}" for k in range(9)))), drawn)


def six_ways(drawn: np.ndarray) -> dict[str, tuple[bytes, list[str]]]:
    """Returns one mask of four classes and ignore, index 4, in all common encodings: (file, class map)."""
    colors = np.array([(128, 64, 128), (0, 0, 0), (64, 0, 128), (192, 192, 128), (255, 255, 255)], np.uint8)
    greys = np.array([76, 150, 29, 226, 255], np.uint8)
    names = ["road", "sky", "car", "pole", "ignore"]
    by_color = [f"{name},{red} {green} {blue}" for name, (red, green, blue) in zip(names, colors.tolist(), strict=True)]
    by_index = [f"{name},{index}" for index, name in enumerate(names)]
    palette = Image.fromarray(drawn, "P")
    palette.putpalette(colors.tobytes())
    return {
        "rgb": (saved(colors[drawn]), by_color),
        "palette": (saved(palette, bits=8), by_color),
        "index": (saved(drawn), by_index),
        "grey": (saved(greys[drawn]), [f"{name},{grey}" for name, grey in zip(names, greys, strict=True)]),
        "4-bit palette": (saved(palette, bits=4), [f"{name},p{index}" for index, name in enumerate(names)]),
        "tiff": (saved(colors[drawn], "TIFF", compression="tiff_lzw"), by_color),
    }


@pytest.mark.parametrize("fit", ["pad", "stretch", "crop"])
@pytest.mark.parametrize("resample", ["nearest", "vote"])
@pytest.mark.parametrize("size", [(36, 48), (20, 20), (50, 31)])
def test_a_mask_that_is_stored_in_six_ways_becomes_the_same_indices(fit, resample, size):
    drawn = np.random.default_rng(0).integers(0, 5, (12, 16)).astype(np.uint8)
    drawn = np.kron(drawn, np.ones((3, 3), np.uint8))
    results = {}
    for way, (data, rows) in six_ways(drawn).items():
        assert data[24] == 4 if way == "4-bit palette" else True
        results[way] = mapper(*rows).map_mask(open_mask(data, way), size, fit, resample)
    for way, mask in results.items():
        assert np.array_equal(mask, results["index"]), way
    if size == (36, 48):
        assert np.array_equal(results["index"], np.where(drawn == 4, 255, drawn))


def test_255_classes_and_ignore_fill_the_byte():
    classes = mapper(*(f"c{k},{k}" for k in range(255)), "ignore,255")
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(mapped(saved(levels), classes), levels)
    assert mapped(saved(np.full((1, 1, 3), 254, np.uint8)), classes).tolist() == [[254]]
    assert "unlisted" in refusal(png((1, 1), 16, 0, b"\0\1\0"), classes).what


@pytest.mark.parametrize("count", [1, 2, 127, 128, 253, 254, 255])
def test_for_any_number_of_classes_each_value_is_its_class_and_an_unlisted_one_is_none(count):
    classes = mapper(*(f"c{k},{k}" for k in range(count)))
    levels = np.arange(count, dtype=np.uint8)[None]
    assert np.array_equal(mapped(saved(levels), classes), levels)
    for unlisted in {count, 255}:
        assert "unlisted" in refusal(saved(np.array([[0, unlisted]], np.uint8)), classes).what


@pytest.mark.parametrize(("default", "index"), [("ignore,*", 255), ("a,*", 0), ("b,*", 1)])
def test_a_star_takes_every_value_that_is_not_listed(default, index):
    classes = mapper("a,1", "b,2", default)
    assert mapped(saved(np.array([[1, 2, 3, 255]], np.uint8)), classes).tolist() == [[0, 1, index, index]]
    colors = np.array([[[1, 1, 1], [9, 8, 7]]], np.uint8)
    assert mapped(saved(colors), classes).tolist() == [[0, index]]


def test_a_colour_near_a_listed_one_is_taken_for_it_and_counted():
    colors = np.array([[[255, 0, 0], [250, 5, 5], [249, 0, 0]], [[0, 250, 3], [0, 255, 0], [0, 250, 3]]], np.uint8)
    classes = mapper("a,255 0 0", "b,0 255 0", "c,*", tolerance=5)
    assert mapped(saved(colors), classes).tolist() == [[0, 0, 2], [1, 1, 1]]  # 249 is 6 away: the default class
    assert classes.corrected_pixels == 3
    mapped(saved(colors), classes)
    assert classes.corrected_pixels == 6
    error = refusal(saved(colors), mapper("a,255 0 0", "b,0 255 0", tolerance=5))
    assert error.what.startswith("holds 1 unlisted value: (249, 0, 0) (1 pixel")
    assert "holds 3 unlisted" in refusal(saved(colors), mapper("a,255 0 0", "b,0 255 0")).what


def test_without_tolerance_nothing_is_corrected_or_counted():
    classes = mapper("a,7", "b,*")
    assert mapped(saved(np.array([[7, 8]], np.uint8)), classes).tolist() == [[0, 1]]
    assert classes.corrected_pixels == 0


def test_the_nearest_is_by_squared_distance_among_those_within_the_tolerance_in_every_channel():
    near = np.array([[[10, 10, 10]]], np.uint8)
    assert mapped(saved(near), mapper("a,10 10 18", "b,15 15 15", tolerance=8)).tolist() == [[0]]  # 64 against 75
    assert mapped(saved(near), mapper("a,10 10 18", "b,15 15 15", tolerance=7)).tolist() == [[1]]  # a is 8 away


def test_a_value_between_two_classes_stays_unlisted_and_one_between_two_values_of_a_class_does_not():
    middle = saved(np.array([[10]], np.uint8))
    assert refusal(middle, mapper("a,8", "b,12", tolerance=5)).code == "E_MASK_VALUE"
    assert mapped(middle, mapper("a,8", "b,12", "ignore,*", tolerance=5)).tolist() == [[255]]
    assert mapped(middle, mapper("a,8", "a,12", "b,13", tolerance=5)).tolist() == [[0]]


def test_the_grey_levels_and_the_colours_of_a_class_map_are_both_within_reach():
    classes = mapper("a,100", "b,200 200 200", "c,9 9 90", tolerance=3)
    assert mapped(saved(np.array([[98, 203, 100]], np.uint8)), classes).tolist() == [[0, 1, 0]]
    colors = np.array([[[101, 99, 100], [199, 200, 200], [9, 12, 90]]], np.uint8)
    assert mapped(saved(colors), classes).tolist() == [[0, 1, 2]]
    assert classes.corrected_pixels == 5


def test_the_number_of_a_palette_entry_is_never_corrected_but_its_colour_is():
    data = palette_png(np.array([[0, 1, 2]]), (0, 0, 0), (252, 0, 0), (0, 0, 0))
    assert "palette entry 2" in refusal(data, mapper("a,0", "b,1", tolerance=9)).what
    classes = mapper("a,0", "b,255 0 0", "c,p2", tolerance=9)
    assert mapped(data, classes).tolist() == [[0, 1, 2]]
    assert classes.corrected_pixels == 1


@pytest.mark.parametrize(("bits", "numbers"), [(2, [[0, 3]]), (4, [[0, 9]]), (16, [[0, 9]])])
def test_numbers_of_other_than_8_bits_are_never_corrected(bits, numbers):
    error = refusal(tiff(np.array(numbers), bits=bits), mapper("a,0", f"b,{numbers[0][1] - 1}", tolerance=9))
    assert f"unlisted value: {numbers[0][1]}" in error.what


def test_with_a_tolerance_every_value_of_the_mask_is_looked_at_and_counted_not_only_those_that_are_sampled():
    levels = np.full((20, 20), 7, np.uint8)
    levels[::2] = 9
    for fit in ("stretch", "crop"):
        classes = mapper("a,7", tolerance=2)
        assert classes.map_mask(open_mask(saved(levels), "a.png"), (2, 1), fit).tolist() == [[0], [0]]
        assert classes.corrected_pixels == 200
    levels[0, 0] = 77
    assert "77 (1 pixel" in refusal(saved(levels), mapper("a,7", tolerance=2), (2, 2)).what


def test_a_jpeg_mask_is_read_with_a_tolerance():
    drawn = np.kron(np.random.default_rng(0).integers(0, 3, (8, 8)), np.ones((12, 12), int))
    colors = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255)], np.uint8)
    greys = np.array([0, 120, 250], np.uint8)
    for image, rows in (
        (colors[drawn], ("a,255 0 0", "b,0 255 0", "c,0 0 255")),
        (greys[drawn], ("a,0", "b,120", "c,250")),
    ):
        data = saved(image, "JPEG", quality=95, subsampling=0)
        classes = mapper(*rows, tolerance=40)
        damaged = np.asarray(Image.open(io.BytesIO(data))) != image
        assert np.array_equal(mapped(data, classes), drawn)
        assert classes.corrected_pixels == np.count_nonzero(damaged.any(axis=2) if damaged.ndim == 3 else damaged) > 0


@pytest.mark.parametrize("count", [3, 254, 255])
@pytest.mark.parametrize("star", [(), ("ignore,*",)])
def test_what_is_corrected_is_what_a_loop_over_all_classes_finds(count, star):
    rng = np.random.default_rng(count)
    listed = rng.choice(1 << 12, count, replace=False)
    listed = np.stack([listed >> 8, listed >> 4 & 15, listed & 15], axis=1) * 16
    pixels = (listed[rng.integers(0, count, (30, 40))] + rng.integers(-9, 10, (30, 40, 3))).clip(0, 255)
    classes = mapper(*(f"c{k},{r} {g} {b}" for k, (r, g, b) in enumerate(listed.tolist())), *star, tolerance=8)
    apart = np.abs(pixels[:, :, None] - listed)
    squared = np.where(apart.max(axis=3) <= 8, (apart**2).sum(axis=3), 10**6)
    ordered = np.sort(squared, axis=2)
    is_near = (ordered[..., 0] < 10**6) & (ordered[..., 0] < ordered[..., 1])
    expected = np.where(is_near, squared.argmin(axis=2), 255)
    data = saved(pixels.astype(np.uint8))
    if star:
        assert np.array_equal(mapped(data, classes), expected)
        assert classes.corrected_pixels == np.count_nonzero(is_near & (ordered[..., 0] > 0))
    else:
        found = len(np.unique(pixels[~is_near], axis=0))
        assert refusal(data, classes).what.startswith(f"holds {found} unlisted values")
    for row, column in ((0, 0), (7, 9), (29, 39), (11, 5)):
        red, green, blue = pixels[row, column].tolist()
        value = MaskValue("RGB", 8, red | green << 8 | blue << 16, (red, green, blue))
        none = 255 if star else None
        assert classes.index_of(value) == (expected[row, column] if is_near[row, column] else none)


def test_a_counted_value_has_the_index_that_it_is_mapped_to():
    drawn = np.array([[0, 1, 2, 3]])
    palette = [(0, 0, 0), (128, 0, 0), (9, 9, 9), (128, 0, 0)]
    for data, rows in (
        (palette_png(drawn, *palette), ("a,0", "b,128 0 0", "c,p3", "ignore,*")),
        (saved(np.array([palette], np.uint8)), ("a,0", "b,128 0 0", "ignore,*")),
        (saved(np.array([[0, 9, 9, 128]], np.uint8)), ("a,0 0 0", "b,9", "ignore,*")),
        (tiff(drawn, bits=2), ("a,0", "b,1", "c,2", "d,3")),
        (tiff(drawn * 300, bits=16), ("a,0", "b,300", "c,900", "ignore,*")),
    ):
        classes = mapper(*rows)
        source = open_mask(data, "a.png")
        by_value = np.zeros(256, int)
        for value, count in ValueCounter().count(source).items():
            index = classes.index_of(value)
            assert index is not None
            by_value[index] += count
        assert by_value.tolist() == np.bincount(mapped(data, classes).ravel(), minlength=256).tolist()


def test_a_value_has_no_index_where_it_is_not_listed_and_none_that_could_be_two():
    classes = mapper("a,1", "b,128 0 0")
    assert classes.index_of(MaskValue("RGB", 8, 5, (5, 0, 0))) is None
    assert classes.index_of(MaskValue("P", 8, 5, (128, 0, 0))) == 1  # though entry 1 of the same colour could be a or b
    with pytest.raises(ValueError, match="may be 'a' or 'b'"):
        classes.index_of(MaskValue("P", 8, 1, (128, 0, 0)))


def test_sampling_and_mapping_can_be_done_in_either_order():
    rng = np.random.default_rng(0)
    table = rng.permutation(256)
    classes = mapper(*(f"c{k},{table[k]}" for k in range(200)), "ignore,*")
    for _ in range(50):
        old, new = rng.integers(1, 40, (2, 2)).tolist()
        levels = rng.integers(0, 256, old, dtype=np.uint8)
        full = mapped(saved(levels), classes)
        ours = mapped(saved(levels), classes, tuple(new))
        assert np.array_equal(ours, nearest(full, new))
        assert np.array_equal(ours, mapped(saved(nearest(levels, new)), classes))


def test_peers_row_6_no_class_appears_that_was_not_drawn_whatever_the_mask_and_the_size():
    rng = np.random.default_rng(1)
    colors = rng.integers(0, 256, (12, 3), dtype=np.uint8)
    classes = mapper(*(f"c{k},{red} {green} {blue}" for k, (red, green, blue) in enumerate(colors.tolist())))
    for _ in range(300):
        old, new = rng.integers(1, 33, (2, 2)).tolist()
        drawn = rng.integers(0, 12, old) // rng.integers(1, 6)
        stored = mapped(saved(colors[drawn]), classes, tuple(new))
        assert stored.shape == tuple(new)
        assert set(np.unique(stored)) <= set(np.unique(drawn))


@pytest.mark.parametrize("resample", ["nearest", "vote"])
@pytest.mark.parametrize("fit", ["pad", "stretch", "crop"])
def test_peers_row_6_set_of_out_is_a_subset_of_set_of_in_and_padding(fit, resample):
    rng = np.random.default_rng(2)
    classes = mapper(*(f"c{k},{20 * k}" for k in range(12)), "ignore,255")
    levels = np.array([*range(0, 240, 20), 255], np.uint8)
    for _ in range(200):
        old, new = rng.integers(1, 33, (2, 2)).tolist()
        drawn = rng.integers(0, 13, old) // rng.integers(1, 6)
        stored = classes.map_mask(open_mask(saved(levels[drawn]), "a.png"), tuple(new), fit, resample)
        assert stored.shape == tuple(new)
        box = place(tuple(old), tuple(new), fit).box
        inside = stored[box.top : box.top + box.height, box.left : box.left + box.width]
        assert set(np.unique(inside)) <= set(np.unique(np.where(drawn == 12, 255, drawn)))
        assert np.count_nonzero(stored == 255) - np.count_nonzero(inside == 255) == stored.size - inside.size


def test_padding_is_ignored():
    source = open_mask(saved(np.array([[1, 2], [0, 3]], np.uint8)), "a.png")
    padded = mapper("a,0", "b,1", "c,2", "d,3").map_mask(source, (4, 2), "pad")
    assert padded.tolist() == [[255, 255], [1, 2], [0, 3], [255, 255]]
    assert padded.dtype == np.uint8
