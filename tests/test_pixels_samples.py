"""Samples: levels are what the formula says, masks have exactly the numbers of the file."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest

from converter.errors import DataError
from converter.pixels.bands import Samples
from converter.pixels.samples import as_picture, chosen_bands, described, to_8_bits, whole_numbers


@pytest.mark.parametrize("dtype", ["u2", "i2", "u4", "f4", "f8", "i1"])
@pytest.mark.parametrize(("low", "high"), [(0, 100), (-50, 77), (10, 11), (0, 510)])
def test_levels_are_those_of_exact_fractions(dtype, low, high):
    lowest = 0 if dtype[0] == "u" else -100
    band = np.arange(lowest, 127 if dtype == "i1" else 600).astype(dtype)[None]
    expected = [
        floor(Fraction(255 * (min(max(int(x), low), high) - low), high - low) + Fraction(1, 2)) for x in band[0]
    ]
    assert to_8_bits(band, low, high)[0].tolist() == expected


def test_what_is_no_number_is_0_and_what_is_infinite_is_clipped():
    band = np.array([[np.nan, -np.inf, np.inf, 5]], np.float32)
    assert to_8_bits(band, 0, 10).tolist() == [[0, 0, 255, 128]]


def test_each_band_has_its_own_range_or_all_have_one():
    array = np.full((2, 3, 3), 10, np.uint16)
    one = as_picture(array, Samples((), ((0, 20),)), "TIFF", "a")
    assert (one.mode, one.format, one.getpixel((0, 0))) == ("RGB", "TIFF", (128, 128, 128))
    own = as_picture(array, Samples((), ((0, 20), (0, 10), (10, 20))), "TIFF", "a")
    assert own.getpixel((2, 1)) == (128, 255, 0)
    grey = as_picture(array[..., :1], Samples((), ((0, 20),)), "TIFF", "a")
    assert (grey.mode, grey.getpixel((0, 0))) == ("L", 128)
    with pytest.raises(DataError, match="is read as 1 band, and --range has 3 ranges"):
        as_picture(array[..., :1], Samples((), ((0, 20), (0, 10), (10, 20))), "TIFF", "a")


def test_8_bits_stay_as_they_are_whatever_the_range():
    array = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    assert np.array_equal(np.asarray(as_picture(array, Samples((), ((0, 2),)), "TIFF", "a")), array)


def test_bands_are_those_of_the_user_or_of_the_file_and_must_be_there():
    assert chosen_bands(Samples(), 8, (1, 2, 3), "a") == (1, 2, 3)
    assert chosen_bands(Samples((8, 1, 1)), 8, (1, 2, 3), "a") == (8, 1, 1)
    with pytest.raises(DataError, match="has 1 band, and --bands names band 2") as caught:
        chosen_bands(Samples((1, 2, 3)), 1, (1,), "a")
    assert caught.value.fix == "Pass --bands with numbers from 1 to 1."


@pytest.mark.parametrize("dtype", ["i1", "i2", "u4", "i4", "i8", "f2", "f4", "f8"])
def test_a_mask_of_whole_numbers_has_exactly_these_numbers(dtype):
    numbers = np.array([[0, 1, 2], [100, 7, 0]]).astype(dtype)
    picture = whole_numbers(numbers, "a")
    assert (picture.mode, np.asarray(picture).tolist()) == ("I;16", [[0, 1, 2], [100, 7, 0]])


@pytest.mark.parametrize(("number", "dtype"), [(-1, "i2"), (65536, "u4"), (0.5, "f4"), (np.nan, "f4"), (np.inf, "f8")])
def test_a_mask_with_any_other_number_is_refused_with_its_place(number, dtype):
    numbers = np.zeros((3, 4), dtype)
    whole_numbers(numbers, "a")
    numbers[1, 2] = number
    with pytest.raises(DataError, match=r"holds .* at row 1, column 2, where whole numbers") as caught:
        whole_numbers(numbers, "a")
    assert caught.value.code == "E_MASK_MODE"
    numbers[2] = number
    with pytest.raises(DataError, match="and 4 more such numbers"):
        whole_numbers(numbers, "a")


def test_the_text_names_bands_and_depth():
    assert described(8, 16, "signed") == "8 bands, 16 bits per channel, signed"
    assert described(1, 32) == "1 band, 32 bits per channel"
