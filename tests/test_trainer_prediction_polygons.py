"""Polygons: drawn again by `segconv masks`, they are the class map."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from copying_model import COLORS, NAMES, blocks, copying_run
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.annotations.config import MasksConfig
from converter.annotations.write import draw_masks
from converter.errors import UsageError

pytestmark = NEEDS_TF


@pytest.mark.parametrize("orientation", [1, 6])
def test_predictions_come_back_through_segconv_masks(tmp_path, orientation):
    pytest.importorskip("cv2", reason="needs segconv[polygons]")
    from trainer.prediction.options import PredictConfig
    from trainer.prediction.predict import predict

    (tmp_path / "photos/a").mkdir(parents=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name, size in {"one.png": (64, 96), "a/two.png": (90, 71)}.items():
        Image.fromarray(COLORS[blocks(size)]).save(tmp_path / "photos" / name, exif=exif)
    run = copying_run(tmp_path, "pad", (48, 48))
    predict(PredictConfig(run, (str(tmp_path / "photos"),), tmp_path / "out", save=("index", "polygons")))
    draw_masks(MasksConfig(src=tmp_path / "out/polygons", out=tmp_path / "dataset"))
    listed = (tmp_path / "dataset/classes.csv").read_text().splitlines()[1:]
    values = {line.split(",")[0]: int(line.split(",")[-1]) for line in listed}
    for name in ("one", "a/two"):
        expected = np.asarray(Image.open(tmp_path / f"out/index/{name}.png"))
        found = np.asarray(Image.open(tmp_path / f"dataset/png/{name}.png"))
        np.testing.assert_array_equal(found, np.array([values[label] for label in NAMES])[expected])
        image = np.asarray(Image.open(tmp_path / f"dataset/jpg/{name}.png"))
        assert image.shape == (*expected.shape, 3)
    content = json.loads((tmp_path / "out/polygons/one.json").read_text())
    assert {shape["label"] for shape in content["shapes"]} <= set(NAMES)


def test_a_missing_opencv_is_said_before_anything_is_predicted(tmp_path, monkeypatch):
    from trainer.prediction.options import PredictConfig
    from trainer.prediction.predict import predict

    monkeypatch.setitem(sys.modules, "cv2", None)
    Image.fromarray(COLORS[blocks((8, 8))]).save(tmp_path / "one.png")
    run = copying_run(tmp_path, "pad", (48, 48))
    with pytest.raises(UsageError, match=r"polygons needs opencv.*pip install 'segconv\[polygons\]'"):
        predict(PredictConfig(run, (str(tmp_path / "one.png"),), tmp_path / "out", save=("polygons",)))
    assert not (tmp_path / "out").exists()
