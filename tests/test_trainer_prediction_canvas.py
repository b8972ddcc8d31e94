"""Canvas: windows of a file are those of the canvas that is painted of the whole photograph."""

from __future__ import annotations

import io

import numpy as np
import pytest
from geotiffs import NEEDS_RASTERIO, write_geotiff
from PIL import Image

from converter.config import SourceConfig
from converter.pixels.geometry import Box
from converter.pixels.images import open_image
from converter.sources.rasters import Raster
from trainer.prediction import canvas as module
from trainer.prediction.canvas import RasterCanvas, scaled_pixels
from trainer.prediction.views import View, paint

SIZE = (151, 203)
VIEWS = {
    "its own size": View(SIZE, SIZE, (0, 0), SIZE, SIZE),
    "half of it": View(SIZE, (76, 102), (0, 0), (76, 102), (76, 102)),
    "padded as records, in windows": View(SIZE, (48, 64), (8, 0), (64, 64), (80, 90)),
}


@pytest.fixture
def pixels():
    smooth = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    return np.asarray(Image.fromarray(smooth).resize(SIZE[::-1], Image.Resampling.BICUBIC))


@NEEDS_RASTERIO
@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("read_pixels", [4_000_000, 500])
def test_windows_are_those_of_the_whole_canvas(tmp_path, monkeypatch, pixels, view, read_pixels):
    monkeypatch.setattr(module, "READ_PIXELS", read_pixels)
    write_geotiff(tmp_path / "a.tif", pixels)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    whole = paint(open_image(buffer.getvalue(), "a.png"), view)
    with Raster("a.tif", SourceConfig(tmp_path)) as raster:
        canvas = RasterCanvas(raster, view)
        assert canvas.shape == whole.shape
        for top, left, height, width in ((0, 0, 30, 40), (20, 11, 33, 50), (canvas.shape[0] - 9, 50, 9, 30)):
            part = slice(top, top + height), slice(left, left + width)
            found = canvas[part].astype(int)
            assert found.shape == whole[part].shape
            # Resized parts are rounded twice, as Pillow resizes rows after columns: by one level here and there.
            assert np.abs(found - whole[part]).max() <= (0 if view.scaled == SIZE else 1)


@NEEDS_RASTERIO
def test_all_of_a_file_is_read_some_rows_at_a_time(tmp_path, monkeypatch, pixels):
    monkeypatch.setattr(module, "READ_PIXELS", 203 * 16)
    write_geotiff(tmp_path / "a.tif", pixels)
    asked = []
    with Raster("a.tif", SourceConfig(tmp_path)) as raster:
        read = raster.image
        monkeypatch.setattr(raster, "image", lambda box: asked.append(box) or read(box))
        found = scaled_pixels(raster, Box(0, 0, 38, 51), (38, 51))
    assert found.shape == (38, 51, 3)
    assert len(asked) > 8
    assert max(box.height for box in asked) <= 16 + 12  # and the rows around that the filter needs
