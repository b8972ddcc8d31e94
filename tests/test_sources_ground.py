"""Ground: what a TIFF file says of the earth, of its pixels' size, and of where it has data."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from geotiffs import NEEDS_RASTERIO, write_geotiff
from PIL import Image

from converter.errors import UsageError
from converter.pixels.bands import AS_STORED
from converter.pixels.geometry import Box
from converter.sources.ground import (
    Georeference,
    georeference_of,
    is_geotiff,
    is_tiff,
    metres_of,
    square_metres_of,
    valid_pixels_of,
)

PLACE = Georeference("EPSG:25832", (0.2, 0.0, 500_000.0, 0.0, -0.2, 5_000_000.0))


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (9, 8)).save(buffer, kind)
    return buffer.getvalue()


def test_the_place_of_a_window_on_the_earth():
    place = Georeference("EPSG:25832", (0.2, 0.0, 100.0, 0.0, -0.2, 900.0))
    assert place.of(Box(10, 20, 5, 5), (1, 1)).transform == (0.2, 0.0, 104.0, 0.0, -0.2, 898.0)
    assert place.of(Box(10, 20, 5, 5), (2, 2)).transform == (0.4, 0.0, 108.0, 0.0, -0.4, 896.0)


def test_what_is_no_tiff_says_nothing_and_needs_no_rasterio(monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    assert (is_tiff(picture("PNG")), is_geotiff(picture("PNG"))) == (False, False)
    assert georeference_of(picture("PNG"), "a.png") is None
    assert valid_pixels_of(picture("PNG"), "a.png", AS_STORED) is None
    assert (is_tiff(picture("TIFF")), is_geotiff(picture("TIFF"))) == (True, False)
    with pytest.raises(UsageError, match=r"a.tif: .*rasterio is missing.*pip install 'segconv\[geo\]'"):
        georeference_of(picture("TIFF"), "a.tif")
    assert (square_metres_of(None), metres_of(Georeference("", PLACE.transform))) == (None, None)


@NEEDS_RASTERIO
def test_the_size_of_a_pixel_is_known_of_maps_alone(tmp_path):
    assert (square_metres_of(PLACE), metres_of(PLACE)) == (pytest.approx(0.04), pytest.approx(0.2))
    feet = Georeference("EPSG:2263", (1.0, 0.0, 0.0, 0.0, -2.0, 0.0))  # US survey feet of 1200 / 3937 m
    assert square_metres_of(feet) == pytest.approx(2 * (1200 / 3937) ** 2)
    assert metres_of(feet) == pytest.approx(2 * 1200 / 3937)
    degrees = Georeference("EPSG:4326", (1e-5, 0.0, 9.0, 0.0, -1e-5, 48.0))
    assert (square_metres_of(degrees), metres_of(degrees)) == (None, None)
    write_geotiff(tmp_path / "a.tif", np.zeros((20, 30), np.uint8))
    data = (tmp_path / "a.tif").read_bytes()
    assert is_geotiff(data)
    assert georeference_of(data, "a.tif") == PLACE
    assert georeference_of(data[:50], "a.tif") is None  # it is refused elsewhere, by those who read its pixels


@NEEDS_RASTERIO
def test_where_all_bands_have_the_nodata_value_there_is_no_data(tmp_path):
    pixels = np.full((20, 30, 3), 9, np.uint8)
    pixels[2, 3] = pixels[4, 5, 0] = 0
    write_geotiff(tmp_path / "a.tif", pixels, nodata=0)
    valid = valid_pixels_of((tmp_path / "a.tif").read_bytes(), "a.tif", AS_STORED)
    assert np.argwhere(~valid).tolist() == [[2, 3]]
    write_geotiff(tmp_path / "b.tif", pixels)
    assert valid_pixels_of((tmp_path / "b.tif").read_bytes(), "b.tif", AS_STORED) is None
    write_geotiff(tmp_path / "alpha.tif", np.dstack([pixels, pixels[..., 0]]), photometric="rgb", alpha="yes")
    assert valid_pixels_of((tmp_path / "alpha.tif").read_bytes(), "alpha.tif", AS_STORED) is None


@NEEDS_RASTERIO
def test_a_mask_in_the_file_says_where_there_is_no_data(tmp_path):
    import rasterio

    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        write_geotiff(tmp_path / "a.tif", np.full((20, 30, 3), 9, np.uint8))
        with rasterio.open(tmp_path / "a.tif", "r+") as file:
            mask = np.full((20, 30), 255, np.uint8)
            mask[5:7, 8] = 0
            file.write_mask(mask)
    valid = valid_pixels_of((tmp_path / "a.tif").read_bytes(), "a.tif", AS_STORED)
    np.testing.assert_array_equal(valid, mask > 0)
