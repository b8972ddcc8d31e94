"""Levels: percentiles of the train split, the same for any number of workers and any order of the images."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from picture_bytes import saved, tiff

from converter.config import SourceConfig
from converter.errors import UsageError
from converter.sources.levels import level_at, levels_in, with_levels

MASK = saved(np.zeros((6, 8), np.uint8))


def dataset(folder: Path, images: list[np.ndarray], val: int = 0) -> SourceConfig:
    """Writes 16-bit TIFF images with masks, of which the last `val` are in val, and a class map."""
    for number, image in enumerate(images):
        split = "val" if number >= len(images) - val else "train"
        for kind, data in (("images", tiff(image, bits=image.dtype.itemsize * 8)), ("masks", MASK)):
            path = folder / kind / split / f"{number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".tif" if kind == "images" else ".png").write_bytes(data)
    (folder / "classes.csv").write_text("name,value\na,0\n")
    return SourceConfig(folder)


def images(count: int, channels: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 3000, (6, 8, channels), dtype=np.uint16) for _ in range(count)]


def ranged(source: SourceConfig, text: str) -> SourceConfig:
    return dataclasses.replace(source, range=text)


@pytest.mark.parametrize("percentiles", [(0, 100), (2, 98), (25.5, 50), (0, 1)])
def test_levels_are_the_percentiles_of_each_band_of_the_train_split_alone(tmp_path, percentiles):
    pixels = images(5)
    pixels[4] += 50_000  # in val
    source = ranged(dataset(tmp_path, pixels, val=1), "percentile:{}:{}".format(*percentiles))
    trained = np.concatenate([image.reshape(-1, 3) for image in pixels[:4]])
    expected = np.percentile(trained, percentiles, axis=0, method="inverted_cdf")
    for workers in (1, 2):
        assert with_levels(source, workers).levels == tuple(map(tuple, expected.T.tolist()))


def test_bands_are_picked_before_they_are_measured(tmp_path):
    pixels = images(3, 8)
    source = dataclasses.replace(ranged(dataset(tmp_path, pixels), "percentile:0:100"), bands=(8, 1, 2))
    found = np.concatenate([image.reshape(-1, 8)[:, [7, 0, 1]] for image in pixels])
    assert with_levels(source, 1).levels == tuple(zip(found.min(0).tolist(), found.max(0).tolist(), strict=True))


def test_a_range_of_numbers_is_measured_by_nobody(tmp_path):
    source = ranged(SourceConfig(tmp_path / "none"), "0:3000")
    assert with_levels(source, 1) is source
    assert with_levels(SourceConfig(tmp_path / "none"), 1) == SourceConfig(tmp_path / "none")


def test_where_there_is_nothing_to_measure_the_reason_is_given(tmp_path):
    source = dataset(tmp_path / "a", images(2))
    for path in (tmp_path / "a/images/train").iterdir():
        path.write_bytes(saved(np.zeros((6, 8, 3), np.uint8), "TIFF"))
    with pytest.raises(UsageError, match="no image of the split train has more than 8 bits"):
        with_levels(ranged(source, "percentile:2:98"), 1)
    with pytest.raises(UsageError, match=r"0\.tif: has 8 bands, 16 bits per channel"):
        with_levels(ranged(dataset(tmp_path / "b", images(2, 8)), "percentile:2:98"), 1)
    flat = [np.full((6, 8, 3), 7, np.uint16)] * 2
    with pytest.raises(UsageError, match="gives 7:7,7:7,7:7, which is no range"):
        with_levels(ranged(dataset(tmp_path / "c", flat), "percentile:2:98"), 1)
    with pytest.raises(UsageError, match="some images have one band and others three"):
        with_levels(ranged(dataset(tmp_path / "d", [*images(1), images(1)[0][..., :1]]), "percentile:2:98"), 1)


def test_an_image_that_cannot_be_read_is_left_to_the_build(tmp_path):
    source = ranged(dataset(tmp_path, images(3)), "percentile:0:100")
    levels = with_levels(source, 1).levels
    path = tmp_path / "images/train/3.tif"
    path.write_bytes(tiff(images(1)[0], bits=16)[:-9])
    (tmp_path / "masks/train/3.png").write_bytes(MASK)
    assert with_levels(source, 1).levels == levels


@pytest.mark.parametrize("dtype", ["u2", "i2", "i1"])
def test_levels_of_few_bits_are_counted_exactly(dtype):
    info = np.iinfo(dtype)
    band = np.array([[info.min, 0, 5], [5, info.max, 5]], dtype)
    expected = {float(info.min): 1, 0.0: 1, 5.0: 3, float(info.max): 1}
    assert levels_in(band) == (expected | {0.0: 2} if info.min == 0 else expected)


@pytest.mark.parametrize("dtype", ["f4", "f8", "u4", "i4"])
def test_levels_of_many_bits_are_right_to_one_part_in_2048(dtype):
    numbers = (np.random.default_rng(0).lognormal(8, 2, 5000)).astype(dtype)
    counts = levels_in(numbers.reshape(50, 100))
    assert sum(counts.values()) == 5000
    for percent in (0, 2, 50, 98, 100):
        expected = np.percentile(numbers, percent, method="inverted_cdf")
        assert level_at(counts, percent) == pytest.approx(expected, rel=1 / 2048, abs=0)


def test_what_is_no_finite_number_does_not_count_and_there_is_one_zero():
    counts = levels_in(np.array([[np.nan, np.inf, -np.inf, 0.0, -0.0, -3.0, 1e300]]))
    assert counts == {0.0: 2, -3.0: 1}
