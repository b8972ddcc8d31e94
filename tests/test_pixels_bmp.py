"""BMP: palettes and colours are decoded correctly; run lengths and what Pillow misreads are refused."""

from __future__ import annotations

import numpy as np
import pytest
from photo_files import noise, refusal, rendered
from picture_bytes import bmp, saved

from converter.errors import DataError
from converter.pixels.bmp import BmpHeader, bmp_header


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


def test_a_bmp_tells_its_bits_and_compression():
    assert bmp_header(bmp(noise(3, 5), 8, noise(256, 3).tolist(), compression=1), "a.bmp") == BmpHeader(8, 1)
    assert bmp_header(saved(noise(3, 5, 3), "BMP"), "a.bmp") == BmpHeader(24, 0)
    with pytest.raises(DataError, match="truncated"):
        bmp_header(b"BM" + bytes(51), "a.bmp")
