"""TIFF samples: chosen bands have the numbers that were written, however they lie, or the file is refused."""

from __future__ import annotations

import contextlib
from itertools import product

import numpy as np
import pytest
from photo_files import noise
from picture_bytes import saved, tiff
from PIL import Image

from converter.errors import DataError
from converter.pixels import tiff_samples as module
from converter.pixels.tiff import check_tiff
from converter.pixels.tiff_samples import tiff_samples

LAYOUTS: tuple[dict[str, object], ...] = ({}, {"part": (10, 53)}, {"part": (16, 32), "is_tiled": True})
FORMATS = {"u": 1, "i": 2, "f": 3}  # NumPy's kinds, and the numbers of the tag SampleFormat


def read(data: bytes, *bands: int) -> np.ndarray:
    return tiff_samples(data, check_tiff(data, "a.tif"), bands, "a.tif")


def written(samples: np.ndarray, tags: dict[int, int | tuple[int, ...]] | None = None, **options: object) -> bytes:
    """Returns a TIFF of samples of any type, written by hand."""
    kind, bits = samples.dtype.kind, samples.dtype.itemsize * 8
    own = {339: (FORMATS[kind],) * samples.shape[2]}
    return tiff(samples.view(f"u{bits // 8}"), own | (tags or {}), bits=bits, **options)


def drawn(dtype: str, *shape: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    if dtype[0] == "f":
        return rng.normal(0, 1000, shape).astype(dtype)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype, endpoint=True)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i2", "u4", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize(("order", "compression"), [*product("<>", (1, 5, 8, 32773))])
def test_bands_have_their_numbers_however_they_lie(dtype, order, compression):
    samples = drawn(dtype, 37, 53, 7)
    for layout, is_planar in product(LAYOUTS, (False, True)):
        data = written(samples, order=order, compression=compression, is_planar=is_planar, **layout)
        found = read(data, 6, 1, 4)
        assert found.dtype == samples.dtype
        assert np.array_equal(found, samples[..., [5, 0, 3]])


@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_bands_of_a_big_tiff_have_their_numbers(order, is_big):
    samples = drawn("u2", 5, 7, 12)
    assert np.array_equal(read(written(samples, order=order, is_big=is_big), 12, 11), samples[..., [11, 10]])


@pytest.mark.parametrize("compression", [5, 8])
@pytest.mark.parametrize(("dtype", "order"), [*product(("u1", "u2", "i2", "u4"), "<>")])
def test_differences_of_each_row_are_added_up_again(dtype, order, compression):
    samples = drawn(dtype, 37, 53, 5)
    for layout, is_planar in product(LAYOUTS, (False, True)):
        down, across = layout.get("part", (37, 53))
        padded = np.zeros((48, 64, 5), dtype)
        padded[:37, :53] = samples
        differences = padded.copy()
        for left in range(0, 64, across):  # each part begins anew
            part = padded[:, left : left + across]
            differences[:, left + 1 : left + across] = part[:, 1:] - part[:, :-1]
        data = written(
            np.ascontiguousarray(differences[:37, :53]), {317: 2},
            order=order, compression=compression, is_planar=is_planar, **layout,
        )  # fmt: skip
        assert np.array_equal(read(data, 3, 5, 1), samples[..., [2, 4, 0]])
        del down


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
@pytest.mark.parametrize("predictor", [1, 2, 3])
def test_what_libtiff_predicted_is_read_as_it_was(compression, predictor):
    floats = drawn("f4", 37, 53)
    if predictor != 2:
        data = saved(Image.fromarray(floats), "TIFF", compression=compression, tiffinfo={317: predictor})
        assert np.array_equal(read(data, 1)[..., 0], floats)
    if predictor != 3:
        levels = drawn("u2", 37, 53)
        data = saved(Image.fromarray(levels), "TIFF", compression=compression, tiffinfo={317: predictor})
        assert np.array_equal(read(data, 1)[..., 0], levels)
        data = saved(noise(37, 53, 3), "TIFF", compression=compression, tiffinfo={317: predictor})
        assert np.array_equal(read(data, 3, 1), noise(37, 53, 3)[..., [2, 0]])
        numbers = drawn("i4", 37, 53)
        data = saved(Image.fromarray(numbers), "TIFF", compression=compression, tiffinfo={317: predictor})
        assert np.array_equal(read(data, 1)[..., 0], numbers)


def test_a_predictor_that_its_compression_does_not_have_changes_nothing():
    samples = drawn("u2", 5, 7, 5)
    for compression in (1, 32773):
        assert np.array_equal(read(written(samples, {317: 2}, compression=compression), 2)[..., 0], samples[..., 1])


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (tiff(noise(3, 5) % 16, bits=4), "4-bit samples"),
        (saved(noise(3, 5, 3), "TIFF", compression="jpeg"), "compression 7"),
        (tiff(noise(3, 5, 5), {317: 34892}, compression=8), "predictor 34892"),
        (tiff(noise(3, 5, 5), {317: 3}, compression=8), "predictor 3"),
        (tiff(noise(3, 5, 5), {266: 2}), "reversed bits"),
    ],
)
def test_what_cannot_be_read_exactly_is_refused_by_name(data, what):
    with pytest.raises(DataError, match=f"is a TIFF file with {what}") as caught:
        read(data, 1)
    assert caught.value.code == "E_IMAGE_MODE"


def test_more_samples_than_fit_into_memory_are_refused_before_they_are_decoded(monkeypatch):
    data = written(drawn("u2", 20, 30, 9), part=(5, 30))
    monkeypatch.setattr(module, "MAX_SAMPLE_BYTES", 20 * 30 * 3 * 2)
    assert read(data, 1, 2, 3).shape == (20, 30, 3)
    with pytest.raises(DataError) as caught:
        read(data, 1, 2, 3, 4)
    assert caught.value.code == "E_TOO_LARGE"
    with pytest.raises(DataError):
        read(written(drawn("u2", 20, 30, 9)), 1)  # one strip of all bands


@pytest.mark.parametrize("compression", [5, 32773])
def test_a_strip_that_cannot_hold_its_bytes_is_refused_before_memory_is_taken_for_them(compression, monkeypatch):
    data = written(np.zeros((1000, 1000, 5), np.uint8), compression=compression)
    assert not read(data, 5).any()
    monkeypatch.setattr(module, "opened", None)  # Pillow is not asked
    huge = written(np.zeros((2, 2, 5), np.uint8), {256: 7000, 257: 7000, 278: 7000}, compression=compression)
    with pytest.raises(DataError, match="a strip or tile is incomplete"):
        read(huge, 5)


@pytest.mark.parametrize("compression", [1, 5, 8, 32773])
def test_bands_cut_at_any_byte_are_refused(compression):
    data = written(drawn("u2", 7, 9, 6), compression=compression, part=(3, 9))
    read(data, 6, 1, 2)
    for cut in range(len(data)):
        with pytest.raises(DataError):
            read(data[:cut], 6, 1, 2)


@pytest.mark.parametrize("compression", [5, 8, 32773])
def test_no_damage_makes_anything_but_a_refusal_or_bands_of_the_right_shape(compression):
    rng = np.random.default_rng(3)
    data = written(drawn("u2", 13, 17, 5), compression=compression)
    for _ in range(500):
        damaged = bytearray(data)
        for position in rng.integers(0, len(data), rng.integers(1, 5)):
            damaged[position] = rng.integers(0, 256)
        with contextlib.suppress(DataError):
            header = check_tiff(bytes(damaged), "a", 10_000)
            assert tiff_samples(bytes(damaged), header, (1,), "a").shape == (*header.size, 1)
