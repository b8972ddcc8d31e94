"""Polygons: drawn again by `segconv masks`, they are the class map."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from copying_model import COLORS, NAMES, blocks, copying_run
from PIL import Image, ImageDraw
from trainer_fixtures import NEEDS_TF

from converter.annotations.config import MasksConfig
from converter.annotations.write import draw_masks
from converter.errors import UsageError

pytestmark = NEEDS_TF


def polygons(mask, outside=None):
    pytest.importorskip("cv2", reason="needs segconv[polygons]")
    from trainer.prediction.polygons import polygons

    return [(index, border.tolist()) for index, border in polygons(np.array(mask, np.uint8), outside)]


def test_polygons_go_through_the_outermost_pixels_and_large_ones_stand_first():
    mask = [[1, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1], [0, 0, 0, 0]]
    assert polygons(mask) == [
        (1, [[0, 0], [0, 3], [3, 3], [3, 0]]),
        (0, [[0, 4], [3, 4]]),
        (2, [[1, 1], [1, 2], [2, 2], [2, 1]]),
    ]


def test_pixels_that_touch_at_a_corner_are_two_polygons():
    assert sorted(polygons([[0, 1], [1, 0]])) == [(0, [[0, 0]]), (0, [[1, 1]]), (1, [[0, 1]]), (1, [[1, 0]])]


def test_what_has_no_data_is_no_polygon():
    mask = np.full((8, 9), 255, np.uint8)
    mask[2:5, 3:6] = 1
    assert [index for index, _ in polygons(mask)] == [1]


def test_only_what_nothing_encloses_is_left_out_as_outside():
    mask = np.zeros((7, 7), np.uint8)
    mask[1:6, 1:6] = 1
    mask[3, 3] = 0
    assert [index for index, _ in polygons(mask, outside=0)] == [1, 0]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("outside", [None, 0])
def test_polygons_drawn_in_their_order_are_the_class_map(seed, outside):
    rng = np.random.default_rng(seed)
    height, width, classes, enlarged = rng.integers(1, 30, 4)
    mask = rng.integers(0, 1 + classes % 5, (height, width), np.uint8).repeat(1 + enlarged % 4, axis=seed % 2)
    drawn = Image.new("L", mask.shape[::-1])
    pen = ImageDraw.Draw(drawn)
    for index, border in polygons(mask, outside):
        pen.polygon([number for point in [*border, border[-1], border[-1]] for number in point], fill=index)
    np.testing.assert_array_equal(np.asarray(drawn), mask)


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
