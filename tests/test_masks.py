"""Facts about masks: a value is taken as it is drawn or refused by name, and sampling never makes a new one."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from picture_bytes import png, saved
from PIL import Image

from converter.classes import parse_class_map
from converter.errors import DataError
from converter.masks import MAX_TABLES, MaskMapper, count_classes, decode_mask, encode_png, open_mask
from converter.sample import draw_tile

TUTORIAL = ("background,*", "building,76", "vegetation,150", "road,255")
SIZES = [((4, 6), (2, 3)), ((4, 6), (3, 5)), ((7, 5), (3, 11)), ((5, 7), (10, 14)), ((3, 3), (7, 10)), ((9, 4), (1, 1))]


def mapper(*rows: str) -> MaskMapper:
    return MaskMapper(parse_class_map("\n".join(("name,value", *rows)), "classes.csv"))


def palette_png(indices: np.ndarray, *colors: tuple[int, int, int]) -> bytes:
    picture = Image.fromarray(indices.astype(np.uint8), "P")
    picture.putpalette([level for color in colors for level in color])
    return saved(picture)


def mapped(data: bytes, classes: MaskMapper, size: tuple[int, int] | None = None) -> np.ndarray:
    source = open_mask(data, "a.png")
    mask = classes.map_mask(source, size or source.size, "stretch")
    assert mask.dtype == np.uint8
    assert mask.shape == (size or source.size)
    return mask


def refusal(data: bytes, classes: MaskMapper, size: tuple[int, int] | None = None) -> DataError:
    with pytest.raises(DataError) as caught:
        mapped(data, classes, size)
    assert caught.value.where == "a.png"
    return caught.value


def steps(old: int, new: int) -> np.ndarray:
    """Returns which of `old` rows each of `new` rows takes, computed as Pillow does: by adding up old / new.

    In exact numbers it is floor((i + 0.5) * old / new); where that is a whole number before the floor, rounding
    decides.
    """
    return np.cumsum([0.5 * (old / new), *[old / new] * (new - 1)]).astype(int)


def nearest(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns the array sampled to (height, width)."""
    return array[steps(array.shape[0], size[0])[:, None], steps(array.shape[1], size[1])]


# ---- the tutorial


def test_the_tutorials_label_map_gives_the_tutorials_one_hot_rows():
    mask = mapped(saved(np.array([[25, 76], [150, 255]], np.uint8)), mapper(*TUTORIAL))
    assert np.eye(4, dtype=int)[mask.ravel()].tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_where_the_tutorials_bicubic_masks_lose_labels_ours_lose_none():
    _, drawn = draw_tile(0, "train", 1)
    greys = np.array([0, 76, 150, 255], np.uint8)[drawn]
    size = (201, 269)
    expected = nearest(drawn, size)
    # What the tutorial does: the default filter, and background for every grey that is not listed.
    blended = np.asarray(Image.fromarray(greys).resize((size[1], size[0]), Image.Resampling.BICUBIC))
    table = np.zeros(256, np.uint8)
    table[[76, 150, 255]] = 1, 2, 3
    assert (table[blended] != expected).mean() > 0.01
    assert (mapped(saved(greys), mapper(*TUTORIAL), size) != expected).sum() == 0


# ---- kinds of masks


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


def test_palette_indices_are_classes_by_number_by_colour_or_by_p():
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


def test_a_black_and_white_mask_written_by_pillow_holds_0_and_1():
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


def test_16_bit_grey_is_not_cut_down_to_8_bits():
    data = png((1, 3), 16, 0, b"\0" + struct.pack(">3H", 1, 257, 65535))
    assert mapped(data, mapper("a,1", "b,257", "c,65535")).tolist() == [[0, 1, 2]]
    assert "257 (1 pixel" in refusal(data, mapper("a,1", "c,65535")).what


def test_16_bit_grey_can_be_resampled():
    values = np.array([[1, 257], [300, 65535]])
    data = png((2, 2), 16, 0, b"".join(b"\0" + struct.pack(">2H", *row) for row in values))
    classes = mapper("a,1", "b,257", "c,300", "d,65535")
    assert mapped(data, classes, (4, 4)).tolist() == nearest(np.array([[0, 1], [2, 3]]), (4, 4)).tolist()
    assert mapped(data, classes, (1, 1)).tolist() == [[3]]


@pytest.mark.parametrize(("color_type", "samples"), [(2, [300] * 3), (4, [300, 65535]), (6, [300] * 3 + [65535])])
def test_16_bits_a_channel_are_refused_because_their_low_bytes_would_be_lost(color_type, samples):
    data = png((1, 1), 16, color_type, b"\0" + struct.pack(f">{len(samples)}H", *samples))
    assert refusal(data, mapper("a,1", "b,0")).code == "E_MASK_MODE"


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_opaque_alpha_channel_is_dropped(mode):
    picture = Image.new(mode, (2, 1), (7, 7, 7, 255) if mode == "RGBA" else (7, 255))
    assert mapped(saved(picture), mapper("a,0", "b,7")).tolist() == [[1, 1]]


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_partly_transparent_mask_is_refused(mode):
    picture = Image.new(mode, (2, 1), (7, 7, 7, 255) if mode == "RGBA" else (7, 255))
    picture.putpixel((1, 0), (7, 7, 7, 254) if mode == "RGBA" else (7, 254))
    assert refusal(saved(picture), mapper("a,7")).code == "E_MASK_MODE"


def test_a_jpeg_is_no_mask_whatever_is_in_it():
    data = saved(np.zeros((8, 8), np.uint8), "JPEG")
    error = refusal(data, mapper("a,0", "a,*"))
    assert (error.code, error.mend) == ("E_FORMAT", "Save masks as PNG: JPEG changes values at every edge.")


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


# ---- unlisted values


def test_an_unlisted_value_is_named_with_its_count_in_the_whole_mask_and_the_nearest_class():
    levels = np.array([[1, 1, 12, 12], [12, 10, 10, 77]], np.uint8)
    error = refusal(saved(levels), mapper("ground,1", "road,11"))
    assert error.code == "E_MASK_VALUE"
    assert error.what == (
        "holds 3 unlisted values: 12 (3 pixels, nearest: 'road' 11); "
        "10 (2 pixels, nearest: 'road' 11); 77 (1 pixel, nearest: 'road' 11)"
    )


def test_the_count_is_over_the_whole_mask_though_only_part_of_it_is_sampled():
    error = refusal(saved(np.full((20, 20), 5, np.uint8)), mapper("a,1"), (2, 2))
    assert "5 (400 pixels" in error.what


def test_a_flood_of_unlisted_values_is_cut_to_the_most_frequent_three():
    error = refusal(saved(np.arange(256, dtype=np.uint8).reshape(16, 16)), mapper("a,0"))
    assert error.what.startswith("holds 255 unlisted values: 1 (1 pixel")
    assert error.what.endswith(" and 252 more")


def test_an_unlisted_palette_entry_is_told_with_its_colour():
    error = refusal(palette_png(np.array([[0, 1]]), (0, 0, 0), (9, 9, 9)), mapper("a,0"))
    assert "palette entry 1 (9, 9, 9) (1 pixel, nearest: 'a' 0)" in error.what


def test_a_mask_that_some_tool_made_grey_is_recognised():
    error = refusal(saved(np.array([[0, 76]], np.uint8)), mapper("a,0 0 0", "b,255 0 0"))
    assert "the grey of (255, 0, 0): these masks were converted to grey" in error.what
    error = refusal(saved(np.array([[0, 77]], np.uint8)), mapper("a,0 0 0", "b,255 0 0"))
    assert "converted to grey" not in error.what


def test_an_unlisted_value_without_any_listed_one_is_still_told():
    assert "7 (1 pixel)" in refusal(saved(np.array([[7]], np.uint8)), mapper("a,p3")).what


# ---- sampling


@pytest.mark.parametrize(("old", "new"), SIZES)
@pytest.mark.parametrize("kind", ["grey", "colour", "palette"])
def test_sampling_takes_the_pixel_that_the_formula_names(old, new, kind):
    indices = np.arange(old[0] * old[1], dtype=np.uint8).reshape(old)
    classes = mapper(*(f"c{k},{k}" for k in range(indices.size)))
    data = {
        "grey": lambda: saved(indices),
        "colour": lambda: saved(np.repeat(indices[..., None], 3, axis=2)),
        "palette": lambda: palette_png(indices, *((k, k, k) for k in range(indices.size))),
    }[kind]()
    assert np.array_equal(mapped(data, classes, new), nearest(indices, new))


def test_the_formula_is_exact_but_for_ties_and_those_are_one_pixel_off_at_most():
    ties = 0
    for old in range(1, 120):
        for new in range(1, 120):
            exact, rest = np.divmod((2 * np.arange(new) + 1) * old, 2 * new)
            taken = np.asarray(Image.fromarray(np.arange(old, dtype=np.uint8)[None]).resize((new, 1), 0))[0]
            assert np.array_equal(taken, steps(old, new))
            off = taken != exact
            assert (rest[off] == 0).all()
            assert (taken[off] == exact[off] - 1).all()
            ties += off.sum()
    assert ties > 0


def test_sampling_and_mapping_can_be_done_in_either_order():
    rng = np.random.default_rng(0)
    table = rng.permutation(256)
    classes = mapper(*(f"c{k},{table[k]}" for k in range(200)), "ignore,*")
    for _ in range(50):
        old, new = rng.integers(1, 40, (2, 2)).tolist()
        levels = rng.integers(0, 256, old, dtype=np.uint8)
        whole = mapped(saved(levels), classes)
        ours = mapped(saved(levels), classes, tuple(new))
        assert np.array_equal(ours, nearest(whole, new))
        assert np.array_equal(ours, mapped(saved(nearest(levels, new)), classes))


def test_no_class_appears_that_was_not_drawn_whatever_the_mask_and_the_size():
    rng = np.random.default_rng(1)
    colors = rng.integers(0, 256, (12, 3), dtype=np.uint8)
    classes = mapper(*(f"c{k},{red} {green} {blue}" for k, (red, green, blue) in enumerate(colors.tolist())))
    for _ in range(300):
        old, new = rng.integers(1, 33, (2, 2)).tolist()
        drawn = rng.integers(0, 12, old) // rng.integers(1, 6)
        stored = mapped(saved(colors[drawn]), classes, tuple(new))
        assert stored.shape == tuple(new)
        assert set(np.unique(stored)) <= set(np.unique(drawn))


# ---- storing


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


def test_padding_is_ignored():
    source = open_mask(saved(np.array([[1, 2], [0, 3]], np.uint8)), "a.png")
    padded = mapper("a,0", "b,1", "c,2", "d,3").map_mask(source, (4, 2), "pad")
    assert padded.tolist() == [[255, 255], [1, 2], [0, 3], [255, 255]]
    assert padded.dtype == np.uint8


@pytest.mark.parametrize("num_classes", [1, 4, 255])
def test_classes_are_counted_as_numpy_counts_them(num_classes):
    rng = np.random.default_rng(0)
    mask = rng.choice(np.array([*range(num_classes), 255], np.uint8), (37, 53))
    expected = np.bincount(mask.ravel(), minlength=256)
    assert count_classes(mask, num_classes) == (expected[:num_classes].tolist(), expected[255])
