"""Source evaluation: equals what an independent script computes from the files that predict writes."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from copying_model import COLORS, NAMES, blocks, copying_run
from geotiffs import NEEDS_RASTERIO, write_geotiff
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.config import SourceConfig
from converter.errors import DataError, UsageError

pytestmark = NEEDS_TF

SIZES = {"one": (64, 96), "two": (90, 71), "three": (40, 133)}
EXTRA = {"four": (50, 50)}  # of the train split


@pytest.fixture
def source(tmp_path):
    """A dataset of photographs with noise, so that the model is not always right, and masks with ignored pixels."""
    rng = np.random.default_rng(0)
    for kind in ("images", "masks"):
        (tmp_path / "source" / kind).mkdir(parents=True)
    for name, size in (SIZES | EXTRA).items():
        mask = blocks(size)
        noise = rng.normal(0, 90, (*size, 3))
        image = (COLORS[mask] + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / f"source/images/{name}.png")
        mask[:5] = 9
        Image.fromarray(mask).save(tmp_path / f"source/masks/{name}.png")
    for split, names in (("train", EXTRA), ("val", SIZES)):
        text = "".join(f"images/{name}.png;masks/{name}.png\n" for name in names)
        (tmp_path / f"source/{split}.txt").write_text(text)
    rows = [f"{name},{index}" for index, name in enumerate(NAMES)]
    (tmp_path / "source/classes.csv").write_text("\n".join(["name,value", *rows, "ignore,9", ""]))
    return SourceConfig(tmp_path / "source", classes=str(tmp_path / "source/classes.csv"))


@pytest.fixture
def large_source(source):
    """The same dataset as JPEG files of four times the size: for a model of 48x48 they are decoded at a reduced one."""
    for kind in ("images", "masks"):
        for path in (source.src / kind).iterdir():
            with Image.open(path) as picture:
                picture.load()
            larger = picture.resize((4 * picture.width, 4 * picture.height), Image.Resampling.NEAREST)
            larger.save(path if kind == "masks" else path.with_suffix(".jpg"))
    for path in source.src.glob("*.txt"):
        path.write_text(path.read_text().replace(".png;", ".jpg;"))
    for path in (source.src / "images").glob("*.png"):
        path.unlink()
    return source


@pytest.mark.parametrize(
    ("dataset", "fit"), [("source", "pad"), ("source", "stretch"), ("source", "crop"), ("large_source", "pad")]
)
def test_scores_at_the_source_are_those_of_the_predicted_files(request, tmp_path, dataset, fit):
    source = request.getfixturevalue(dataset)
    from trainer.evaluation.source import evaluate_source
    from trainer.prediction.options import PredictConfig
    from trainer.prediction.predict import predict

    run = copying_run(tmp_path, fit, (48, 48))
    predict(PredictConfig(run=run, inputs=(str(source.src / "images"),), out=tmp_path / "out"))
    right, truth, found = np.zeros(4), np.zeros(4), np.zeros(4)
    for name in SIZES:
        mask = np.asarray(Image.open(source.src / f"masks/{name}.png"))
        prediction = np.asarray(Image.open(tmp_path / f"out/index/{name}.png"))
        for index in range(4):
            valid = mask != 9
            truth[index] += ((mask == index) & valid).sum()
            found[index] += ((prediction == index) & valid).sum()
            right[index] += ((mask == index) & (prediction == index)).sum()
    evaluation = evaluate_source(run, source)
    np.testing.assert_allclose(evaluation.scores.iou, right / (truth + found - right), atol=1e-9)
    assert 0.3 < evaluation.scores.miou < 1
    (path,) = run.glob("evaluation-source-*-val-source.json")
    assert json.loads(path.read_text())["miou"] == evaluation.scores.miou
    assert json.loads(path.read_text())["at"] == "source"


def test_scores_at_the_stored_size_are_those_of_records(source, tmp_path):
    from converter.building.build import build
    from converter.config import BuildConfig, PairConfig
    from trainer.evaluation.records import evaluate
    from trainer.evaluation.source import STORED, HowScored, evaluate_source

    pair = PairConfig(size=(48, 64), image_format="png")
    build(BuildConfig(source, out=tmp_path / "records", pair=pair, workers=1))
    run = copying_run(tmp_path, "pad", (48, 64))
    expected = evaluate(run, data=tmp_path / "records")
    found = evaluate_source(run, source, how=HowScored(STORED))
    assert found.matrix.tolist() == expected.matrix.tolist()


def test_scores_of_photographs_that_were_cut_into_tiles_are_those_of_the_tiles(source, tmp_path):
    from converter.building.build import build
    from converter.config import BuildConfig, PairConfig, TileConfig
    from trainer.evaluation.records import evaluate
    from trainer.evaluation.source import STORED, HowScored, evaluate_source

    # Without overlap and with padded edges, each pixel of the photographs is in one tile; the model looks at one pixel.
    pair = PairConfig((48, 64), "tile", image_format="png", tile=TileConfig(0, "pad", scale=0.5))
    build(BuildConfig(source, out=tmp_path / "records", pair=pair, workers=1))
    run = copying_run(tmp_path, "tile", (48, 64), options={"scale": 0.5})
    expected = evaluate(run, data=tmp_path / "records")
    assert sum(map(sum, expected.matrix.tolist())) > 0
    assert evaluate_source(run, source, how=HowScored(STORED)).matrix.tolist() == expected.matrix.tolist()
    assert any("images/three@0_64.png" in path.read_text() for path in run.glob("images-*.csv"))


def test_the_class_map_is_the_runs_where_none_is_named(source, tmp_path):
    from trainer.evaluation.source import evaluate_source

    run = copying_run(tmp_path, "pad", (48, 64))  # whose class map does not list 9
    (source.src / "classes.csv").unlink()
    with pytest.raises(DataError, match="9"):
        evaluate_source(run, SourceConfig(source.src))


def test_a_split_that_is_not_there_is_refused(source, tmp_path):
    from trainer.evaluation.source import evaluate_source

    with pytest.raises(UsageError, match="has no split 'test', but 'train', 'val'"):
        evaluate_source(copying_run(tmp_path, "pad", (48, 64)), source, "test")


def test_masks_are_read_with_a_tolerance_and_photographs_without_one_as_the_user_says(source, tmp_path):
    from trainer.evaluation.source import HowScored, evaluate_source

    run = copying_run(tmp_path, "pad", (48, 48))
    for name, size in (SIZES | EXTRA).items():
        Image.fromarray(COLORS[blocks(size)]).save(source.src / f"masks/{name}.jpg", quality=100, subsampling=0)
        Image.fromarray(COLORS[blocks(size)]).save(source.src / f"images/{name}.png")
    pairs = [f"images/{name}.png;masks/{name}.jpg\n" for name in SIZES]
    (source.src / "val.txt").write_text("".join(pairs))
    (source.src / "train.txt").write_text("images/four.png;masks/four.jpg\n")
    rows = [f"{name},{' '.join(map(str, COLORS[index]))}\n" for index, name in enumerate(NAMES)]
    (source.src / "classes.csv").write_text("name,value\n" + "".join(rows))
    with pytest.raises(DataError, match="is compressed as JPEG"):
        evaluate_source(run, source)
    with pytest.raises(UsageError, match="--tolerance: is 500"):
        HowScored(tolerance=500)
    assert evaluate_source(run, source, how=HowScored(tolerance=30)).scores.miou > 0.9
    (source.src / "val.txt").write_text("".join(pairs[:2]) + "images/three.png;\n")
    without = dataclasses.replace(source, missing_mask="ignore")
    scores = evaluate_source(run, without, how=HowScored(tolerance=30)).scores
    assert sum(scores.pixels) == 64 * 96 + 90 * 71


def test_blocks_are_scored_each_alone_and_together_they_are_the_photograph(source, tmp_path):
    from trainer.evaluation.source import STORED, HowScored, evaluate_source

    run = copying_run(tmp_path, "tile", (32, 32))
    whole = evaluate_source(run, source)
    blocks_of = {"one": ["0,0,64,50", "0,50,64,46"], "two": ["0,0,90,71"], "three": ["0,0,20,133", "20,0,20,133"]}
    lines = [f"images/{n}.png[{box}];masks/{n}.png\n" for n, boxes in blocks_of.items() for box in boxes]
    (source.src / "val.txt").write_text("".join(lines))
    for at in ("source", STORED):  # without --scale, tiles have the pixels of the photograph
        found = evaluate_source(run, source, how=HowScored(at))
        # The model looks at one pixel; windows lie elsewhere, and a pixel between two classes may be rounded otherwise.
        assert np.abs(found.matrix - whole.matrix).sum() <= 4
        assert found.matrix.sum() == whole.matrix.sum()
        assert found.records == 5
    (path,) = run.glob("images-*-source.csv")
    assert "images/one.png[0,50,64,46]" in path.read_text().replace('"', "")
    (source.src / "val.txt").write_text("images/one.png[0,0,65,50];masks/one.png\n")
    with pytest.raises(UsageError, match=r"val\.txt:1: names a block of images/one\.png that is not within its 64x96"):
        evaluate_source(run, source)


@NEEDS_RASTERIO
def test_blocks_of_a_photograph_beyond_the_limits_are_read_by_windows(source, tmp_path):
    from trainer.evaluation.source import evaluate_source

    run = copying_run(tmp_path, "tile", (32, 32))
    whole = evaluate_source(run, source)
    lines = []
    for name, (height, width) in SIZES.items():
        for kind in ("images", "masks"):
            pixels = np.asarray(Image.open(source.src / f"{kind}/{name}.png"))
            write_geotiff(source.src / f"{kind}/{name}.tif", pixels)
        lines += [f"images/{name}.tif[0,0,{height},40];masks/{name}.tif\n"]
        lines += [f"images/{name}.tif[0,40,{height},{width - 40}];masks/{name}.tif\n"]
    (source.src / "val.txt").write_text("".join(lines))
    equal_metres = copying_run(tmp_path / "metres", "tile", (32, 32), options={"gsd": 0.2})  # those of the files
    assert evaluate_source(equal_metres, source).matrix.sum() == whole.matrix.sum()
    found = evaluate_source(run, dataclasses.replace(source, max_pixels=1000))
    assert np.abs(found.matrix - whole.matrix).sum() <= 4
    assert found.matrix.sum() == whole.matrix.sum()
