"""GeoJSON: polygons cover what was predicted, where it lies on the earth."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from copying_model import COLORS, NAMES, blocks, copying_run
from geotiffs import NEEDS_RASTERIO, write_geotiff
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.errors import UsageError

pytestmark = NEEDS_TF


def predicted(tmp_path, photo):
    from trainer.prediction.options import PredictConfig
    from trainer.prediction.predict import predict

    run = copying_run(tmp_path, "tile", (64, 64))
    predict(PredictConfig(run, (str(photo),), tmp_path / "out", save=("geojson",)))
    return json.loads((tmp_path / f"out/geojson/{photo.stem}.geojson").read_text())["features"]


@NEEDS_RASTERIO
def test_polygons_in_pixels_are_the_class_map(tmp_path):
    from rasterio.features import rasterize

    mask = blocks((70, 90))
    mask[20:30, 40:60] = 3  # may be a hole in another class
    Image.fromarray(COLORS[mask]).save(tmp_path / "a.png")
    features = predicted(tmp_path, tmp_path / "a.png")
    shapes = [(feature["geometry"], feature["properties"]["id"]) for feature in features]
    np.testing.assert_array_equal(rasterize(shapes, out_shape=mask.shape, fill=9, dtype="uint8"), mask)
    for index, name in enumerate(NAMES):
        own = [feature["properties"] for feature in features if feature["properties"]["id"] == index]
        assert {each["class"] for each in own} == {name}
        assert sum(each["pixels"] for each in own) == (mask == index).sum()


@NEEDS_RASTERIO
def test_polygons_of_an_orthophoto_are_in_longitude_and_latitude_and_have_an_area(tmp_path):
    from rasterio.warp import transform

    mask = np.zeros((64, 64), np.uint8)
    mask[10:20, 30:50] = 1
    write_geotiff(tmp_path / "a.tif", COLORS[mask])  # 0.2 m a pixel from (500000, 5000000) in EPSG:25832
    features = predicted(tmp_path, tmp_path / "a.tif")
    red, black = (next(f for f in features if f["properties"]["id"] == index) for index in (1, 0))
    assert (red["properties"]["pixels"], red["properties"]["square_metres"]) == (200, 8.0)
    assert black["properties"]["pixels"] == 64 * 64 - 200
    (ring,) = red["geometry"]["coordinates"]
    x, y = [500_006.0, 500_010.0, 500_010.0, 500_006.0], [4_999_996.0, 4_999_996.0, 4_999_998.0, 4_999_998.0]
    longitude, latitude = transform("EPSG:25832", "EPSG:4326", x, y)
    expected = {(round(a, 7), round(b, 7)) for a, b in zip(longitude, latitude, strict=True)}
    assert {(round(a, 7), round(b, 7)) for a, b in ring} == expected
    outer, hole = (np.array(each) for each in black["geometry"]["coordinates"])
    turns = [float((r[:-1, 0] * r[1:, 1] - r[1:, 0] * r[:-1, 1]).sum()) for r in (outer - outer[0], hole - outer[0])]
    assert turns[0] > 0 > turns[1]  # counterclockwise, and clockwise around the hole


@NEEDS_RASTERIO
def test_what_has_no_data_has_no_polygon(tmp_path):
    pixels = COLORS[np.ones((64, 64), np.uint8)]
    pixels[:, 40:] = 7
    write_geotiff(tmp_path / "a.tif", pixels, nodata=7)
    (red,) = predicted(tmp_path, tmp_path / "a.tif")
    assert (red["properties"]["class"], red["properties"]["pixels"]) == ("red", 64 * 40)


def test_without_rasterio_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    Image.fromarray(COLORS[blocks((64, 64))]).save(tmp_path / "a.png")
    with pytest.raises(UsageError, match=r"geojson needs rasterio.*pip install 'segconv\[geo\]'"):
        predicted(tmp_path, tmp_path / "a.png")
