"""Rasters: windows of TIFF files that are too large to be decoded, with exactly the numbers of the file."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from geotiffs import LIMIT, NEEDS_RASTERIO, write_geotiff
from PIL import Image

from converter.config import SourceConfig
from converter.errors import DataError, UsageError
from converter.pixels.geometry import Box
from converter.sources import rasters
from converter.sources.ground import Georeference
from converter.sources.rasters import Raster, is_raster
from converter.sources.refs import ExampleRef

BOX = Box(5, 17, 40, 33)
PART = np.s_[5:45, 17:50]


def noise(*shape, kind=np.uint8):
    return np.random.default_rng(0).integers(0, np.iinfo(kind).max, shape, kind, endpoint=True)


def refusal(folder, name, use="image", **options):
    with pytest.raises(DataError) as caught, Raster(name, SourceConfig(folder, **options)) as raster:
        getattr(raster, use)(BOX)
    assert caught.value.where == name
    return f"{caught.value.code} {caught.value.what}"


def test_only_tiff_files_beyond_the_limits_are_read_by_windows(tmp_path):
    for suffix in ("tif", "png"):
        for name, side in (("small", 20), ("large", 40)):
            Image.new("L", (side, side)).save(tmp_path / f"{name}.{suffix}")
    source = SourceConfig(tmp_path, max_pixels=LIMIT)
    assert is_raster(ExampleRef("train", "large.tif", "large.png"), source)
    assert is_raster(ExampleRef("train", "small.tif", "large.tif"), source)
    assert not is_raster(ExampleRef("train", "small.tif", "large.png"), source)
    assert not is_raster(ExampleRef("train", "small.tif", ""), source)
    (tmp_path / "large.tif").write_bytes((tmp_path / "large.tif").read_bytes()[:20])
    assert not is_raster(ExampleRef("train", "large.tif", ""), source)  # refused by name, as any damaged file
    with pytest.raises(DataError, match="does not exist"):
        is_raster(ExampleRef("train", "none.tif", ""), source)


def test_without_rasterio_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    Image.new("L", (9, 9)).save(tmp_path / "a.tif")
    with pytest.raises(UsageError, match=r"a.tif: is read by windows, .* Install it: pip install 'segconv\[geo\]'"):
        Raster("a.tif", SourceConfig(tmp_path))


def test_a_file_outside_the_source_folder_is_not_opened(tmp_path):
    with pytest.raises(DataError, match="leaves the source folder"):
        Raster("../a.tif", SourceConfig(tmp_path))


@NEEDS_RASTERIO
@pytest.mark.parametrize("bands", [1, 3, 4])
def test_windows_of_photographs_are_their_pixels(tmp_path, bands):
    pixels = noise(90, 70, bands)
    write_geotiff(tmp_path / "a.tif", pixels)
    with Raster("a.tif", SourceConfig(tmp_path)) as raster:
        assert raster.size == (90, 70)
        assert raster.georeference == Georeference("EPSG:25832", (0.2, 0.0, 500_000.0, 0.0, -0.2, 5_000_000.0))
        assert raster.metres_a_pixel() == pytest.approx(0.2)
        expected = pixels[PART][..., :3] if bands > 1 else np.repeat(pixels[PART], 3, axis=2)
        np.testing.assert_array_equal(np.asarray(raster.image(BOX)), expected)


@NEEDS_RASTERIO
def test_bands_and_levels_are_those_that_the_user_chose(tmp_path):
    pixels = noise(90, 70, 6, kind=np.uint16)
    write_geotiff(tmp_path / "a.tif", pixels)
    with Raster("a.tif", SourceConfig(tmp_path, bands=(5, 1, 2), range="0:65535")) as raster:
        expected = np.floor(pixels[PART][..., [4, 0, 1]] * (255 / 65535) + 0.5)
        np.testing.assert_array_equal(np.asarray(raster.image(BOX)), expected)
    assert refusal(tmp_path, "a.tif").startswith("E_IMAGE_MODE has 6 bands, 16 bits per channel, where 1, 3 or 4")
    assert refusal(tmp_path, "a.tif", bands=(7,), range="0:9") == "E_IMAGE_MODE has 6 bands, and --bands names band 7"
    assert "8-bit unsigned integers are read" in refusal(tmp_path, "a.tif", bands=(1,))


@NEEDS_RASTERIO
def test_windows_of_masks_are_their_numbers(tmp_path):
    palette = {number: (number, 255 - number, 7, 255) for number in range(256)}
    numbers, wide = noise(90, 70), noise(90, 70, kind=np.uint16)
    write_geotiff(tmp_path / "grey.tif", numbers)
    write_geotiff(tmp_path / "palette.tif", numbers, colors=palette)
    write_geotiff(tmp_path / "wide.tif", wide)
    write_geotiff(tmp_path / "float.tif", wide.astype(np.float32))
    write_geotiff(tmp_path / "color.tif", noise(90, 70, 3))
    write_geotiff(tmp_path / "bits.tif", numbers % 2, nbits=1)
    expected = {"grey": ("L", numbers), "palette": ("P", numbers), "wide": ("I;16", wide), "float": ("I;16", wide)}
    for name, (mode, array) in (expected | {"color": ("RGB", noise(90, 70, 3))}).items():
        with Raster(f"{name}.tif", SourceConfig(tmp_path)) as raster:
            mask = raster.mask(BOX)
            assert mask.picture.mode == mode
            np.testing.assert_array_equal(np.asarray(mask.picture), array[PART])
    with Raster("bits.tif", SourceConfig(tmp_path)) as raster:
        mask = raster.mask(BOX)
        assert mask.depth == 1
        np.testing.assert_array_equal(np.asarray(mask.picture), numbers[PART] % 2 * 255)  # as Pillow has them
    with Raster("palette.tif", SourceConfig(tmp_path)) as raster:
        drawn = np.asarray(raster.mask(BOX).picture.convert("RGB"))
        np.testing.assert_array_equal(drawn[..., 1], 255 - numbers[PART])
        np.testing.assert_array_equal(np.asarray(raster.image(BOX)), drawn)


@NEEDS_RASTERIO
def test_what_cannot_be_read_is_refused_by_name(tmp_path):
    write_geotiff(tmp_path / "five.tif", noise(90, 70, 5))
    write_geotiff(tmp_path / "half.tif", np.full((90, 70), 0.5, np.float32))
    write_geotiff(tmp_path / "jpeg.tif", noise(90, 70), compress="jpeg")
    assert refusal(tmp_path, "five.tif", "mask").startswith("E_MASK_MODE has 5 bands")
    assert refusal(tmp_path, "half.tif", "mask").startswith("E_MASK_MODE holds 0.5")
    assert refusal(tmp_path, "jpeg.tif", "mask").startswith("E_FORMAT is compressed as JPEG")
    write_geotiff(tmp_path / "cut.tif", noise(900, 700))
    (tmp_path / "cut.tif").write_bytes((tmp_path / "cut.tif").read_bytes()[:9000])
    assert refusal(tmp_path, "cut.tif").startswith("E_DAMAGED cannot be read")
    (tmp_path / "text.tif").write_bytes(b"II*\0 no image")
    assert refusal(tmp_path, "text.tif").startswith("E_DAMAGED cannot be read")
    picture = Image.new("L", (90, 70))
    picture.getexif()[0x0112] = 6
    picture.save(tmp_path / "turned.tif", tiffinfo={274: 6})
    assert refusal(tmp_path, "turned.tif") == "E_FORMAT is rotated by its orientation tag"


@NEEDS_RASTERIO
def test_a_block_that_does_not_fit_into_memory_is_refused_with_the_command_that_rewrites_it(tmp_path, monkeypatch):
    monkeypatch.setattr(rasters, "MAX_BLOCK_BYTES", 5000)
    write_geotiff(tmp_path / "a.tif", noise(90, 70), tiled=False, blockysize=90)
    assert refusal(tmp_path, "a.tif").startswith("E_TOO_LARGE is stored in blocks of 90x70 pixels")
    write_geotiff(tmp_path / "b.tif", noise(90, 70))
    monkeypatch.setattr(rasters, "MAX_PIXELS", 40 * 33 - 1)
    assert refusal(tmp_path, "b.tif").startswith("E_TOO_LARGE a tile needs 40x33 of its pixels at once")


@NEEDS_RASTERIO
def test_the_size_of_a_pixel_is_that_on_the_ground_or_is_refused(tmp_path):
    write_geotiff(tmp_path / "feet.tif", noise(90, 70), crs="EPSG:2263", metres=1)
    with Raster("feet.tif", SourceConfig(tmp_path)) as raster:
        assert raster.metres_a_pixel() == pytest.approx(0.3048006)
    write_geotiff(tmp_path / "degrees.tif", noise(90, 70), crs="EPSG:4326")
    with (
        pytest.raises(DataError, match="no projected coordinate"),
        Raster("degrees.tif", SourceConfig(tmp_path)) as raster,
    ):
        raster.metres_a_pixel()


@NEEDS_RASTERIO
def test_side_car_files_change_nothing_and_nothing_reaches_stderr(tmp_path):
    write_geotiff(tmp_path / "a.tif", noise(90, 70))
    (tmp_path / "a.tif.aux.xml").write_text("<PAMDataset><GeoTransform>9,9,9,9,9,9</GeoTransform></PAMDataset>")
    (tmp_path / "cut.tif").write_bytes((tmp_path / "a.tif").read_bytes()[:900])
    code = """
import sys
from pathlib import Path
from converter.config import SourceConfig
from converter.errors import DataError
from converter.pixels.geometry import Box
from converter.sources.rasters import Raster
for name in ("a.tif", "cut.tif"):
    try:
        with Raster(name, SourceConfig(Path(sys.argv[1]))) as raster:
            raster.image(Box(0, 0, 90, 70))
            print(raster.georeference.transform[0])
    except DataError as error:
        print(error.code)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("0.2\nE_DAMAGED\n", "")
