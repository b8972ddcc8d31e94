"""Large files: written some rows at a time, they hold what was predicted, to other readers as well."""

from __future__ import annotations

import resource

import numpy as np
import pytest
from geotiffs import NEEDS_RASTERIO
from PIL import Image

from converter.dataset.manifest import ClassInfo
from converter.pixels.geometry import Box
from trainer.prediction import large_files, stored
from trainer.prediction.restoring import ClassMap, Wanted
from trainer.prediction.stored import StoredMap

SIZE = (610, 300)
CLASSES = [ClassInfo(n, f"class {n}", (n, 255 - n, 40 * n), (str(n),)) for n in range(3)]


@pytest.fixture
def drawing(tmp_path, monkeypatch):
    """What files are drawn from, with a gap, of which some rows are read at a time."""
    monkeypatch.setattr(stored, "ROWS_BYTES", 300 * 9 * 256)
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 3, SIZE, np.uint8)
    mask[100:400, 7:90] = 255
    shares = rng.random((*SIZE, 3)).astype(np.float16)
    with StoredMap(tmp_path, {}, SIZE, Wanted(True, True), 3) as held:
        held.write(Box(0, 0, *SIZE), ClassMap(mask, rng.integers(0, 65536, SIZE, np.uint16), shares))
        yield large_files.LargeDrawing(held, None, "a.tif", CLASSES, True)


def test_index_and_confidence_have_every_pixel(drawing, tmp_path):
    large_files.index_file(drawing, tmp_path / "index.png")
    large_files.confidence_file(drawing, tmp_path / "confidence.png")
    found = drawing.stored.rows(0, SIZE[0])
    with Image.open(tmp_path / "index.png") as picture:
        assert picture.mode == "L"
        np.testing.assert_array_equal(np.asarray(picture), found.mask)
    with Image.open(tmp_path / "confidence.png") as picture:
        assert picture.mode.startswith("I;16")
        np.testing.assert_array_equal(np.asarray(picture), found.confidence)


def test_probabilities_are_an_array_of_numpy(drawing, tmp_path):
    large_files.probabilities_file(drawing, tmp_path / "a.npy")
    found = np.load(tmp_path / "a.npy", mmap_mode="r", allow_pickle=False)
    assert (found.shape, found.dtype) == ((*SIZE, 3), np.float16)
    np.testing.assert_array_equal(found, drawing.stored.rows(0, SIZE[0]).probabilities)


def test_colours_are_those_of_the_classes_and_gaps_are_transparent(drawing, tmp_path):
    large_files.color_file(drawing, tmp_path / "color.png")
    mask = drawing.stored.rows(0, SIZE[0]).mask
    with Image.open(tmp_path / "color.png") as picture:
        assert picture.mode == "P"
        np.testing.assert_array_equal(np.asarray(picture), mask)
        drawn = np.asarray(picture.convert("RGBA"))
    np.testing.assert_array_equal(drawn[..., 3], np.where(mask == 255, 0, 255))
    colors = np.array([info.color for info in CLASSES])
    np.testing.assert_array_equal(drawn[mask != 255][:, :3], colors[mask[mask != 255]])


@NEEDS_RASTERIO
@pytest.mark.parametrize("left", [200, 2000])  # bytes that are missing: GDAL alone ends without an error
def test_a_disk_that_fills_is_an_error_whatever_gdal_says(drawing, tmp_path, monkeypatch, left):
    from converter.sources.ground import Georeference

    class Place:
        georeference = Georeference("EPSG:25832", (0.2, 0.0, 500_000.0, 0.0, -0.2, 5_000_000.0))

    object.__setattr__(drawing, "raster", Place)
    large_files.geotiff_file(drawing, tmp_path / "whole.tif")
    size = (tmp_path / "whole.tif").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - left, before[1]))
    try:
        with pytest.raises(OSError, match=r"GDAL|what was written"):
            large_files.geotiff_file(drawing, tmp_path / "cut.tif")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
