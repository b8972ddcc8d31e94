"""GeoTIFF: a prediction lies where the photograph lies, and holds the same classes as every other picture of it."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from copying_model import COLORS, blocks, copying_run
from geotiffs import NEEDS_RASTERIO, write_geotiff
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.errors import UsageError
from converter.pixels.pillow import without_warnings

pytestmark = NEEDS_TF


@NEEDS_RASTERIO
@pytest.mark.parametrize("size", [(80, 96), (300, 270)])
def test_a_prediction_lies_where_the_photograph_lies(tmp_path, size):
    import rasterio

    from trainer.prediction.options import PredictConfig
    from trainer.prediction.predict import predict

    run = copying_run(tmp_path, "tile", (64, 64))
    (tmp_path / "photos").mkdir()
    write_geotiff(tmp_path / "photos/a.tif", COLORS[blocks(size)])
    Image.fromarray(COLORS[blocks(size)]).save(tmp_path / "photos/b.png")
    predict(PredictConfig(run, (str(tmp_path / "photos"),), tmp_path / "out", save=("index", "geotiff")))
    for name in ("a", "b"):
        with without_warnings(), rasterio.open(tmp_path / f"out/geotiff/{name}.tif") as file:
            np.testing.assert_array_equal(file.read(1), blocks(size))
            np.testing.assert_array_equal(file.read(1), np.asarray(Image.open(tmp_path / f"out/index/{name}.png")))
            assert file.nodata == 255
            assert [file.colormap(1)[index][:3] for index in range(4)] == [tuple(color) for color in COLORS.tolist()]
            if name == "a":
                assert file.crs.to_string() == "EPSG:25832"
                assert file.transform[:6] == (0.2, 0.0, 500_000.0, 0.0, -0.2, 5_000_000.0)
            else:
                assert file.crs is None
    report = predict(PredictConfig(run, (str(tmp_path / "photos"),), tmp_path / "out", save=("index", "geotiff")))
    assert (report.predicted, report.kept) == (0, 2)


def test_without_rasterio_one_line_says_what_to_install(tmp_path, monkeypatch):
    from trainer.prediction.options import PredictConfig
    from trainer.prediction.predict import predict

    monkeypatch.setitem(sys.modules, "rasterio", None)
    Image.fromarray(COLORS[blocks((64, 64))]).save(tmp_path / "a.png")
    run = copying_run(tmp_path, "tile", (64, 64))
    with pytest.raises(UsageError, match=r"geotiff needs rasterio.*pip install 'segconv\[geo\]'"):
        predict(PredictConfig(run, (str(tmp_path / "a.png"),), tmp_path / "out", save=("geotiff",)))
