"""Large: a photograph that is read by windows gets the files that it gets in memory, also after a kill."""

from __future__ import annotations

import csv
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
from copying_model import COLORS, blocks, copying_run
from geotiffs import LIMIT, NEEDS_RASTERIO, write_geotiff
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.errors import DataError, MachineError, UsageError

pytestmark = NEEDS_TF

SIZE = (300, 270)
PNGS = ("index", "color", "overlay", "confidence")

# Runs the command line in blocks of columns, and kills its own process once a given number of parts is stored.
KILLED = """
import os, signal, sys
from converter.cli import main
from trainer.prediction import predictor, stored
from trainer.prediction.stored import StoredMap

stored.NOTE_EVERY_S = 0
parts = int(sys.argv[1])
predictor.num_blocks = lambda *sizes: 3
write = StoredMap.write
done = []

def counted(self, *given):
    write(self, *given)
    done.append(given)
    if len(done) == parts:
        os.kill(os.getpid(), signal.SIGKILL)

StoredMap.write = counted
sys.argv[1:] = sys.argv[2:]
main()
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return copying_run(tmp_path_factory.mktemp("large"), "tile", (64, 64))


@pytest.fixture
def photos(tmp_path):
    """A noisy orthophoto with a part that has no data."""
    noise = np.random.default_rng(0).normal(0, 90, (*SIZE, 3))
    pixels = (COLORS[blocks(SIZE)] + noise).clip(1, 255).astype(np.uint8)
    pixels[:20, 30:90] = 0
    (tmp_path / "photos").mkdir()
    write_geotiff(tmp_path / "photos/a.tif", pixels, nodata=0)
    return tmp_path / "photos"


def predict(run, photos, out, **choices):
    from trainer.prediction.options import PredictConfig
    from trainer.prediction.predict import predict as predict_all

    return predict_all(PredictConfig(run, (str(photos),), out, **{"max_pixels": LIMIT, "batch": 2} | choices))


def pixels_of(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


@NEEDS_RASTERIO
@pytest.mark.parametrize(
    ("fit", "options", "choices"),
    [
        ("tile", {}, {}),
        ("tile", {}, {"tta": "flips"}),
        ("tile", {"scale": 0.5}, {}),
        ("pad", {}, {"scale": "fit"}),
        ("crop", {}, {"scale": "2"}),
    ],
)
def test_files_are_those_of_the_photograph_in_memory(tmp_path, photos, fit, options, choices):
    import rasterio

    run = copying_run(tmp_path, fit, (64, 64), options=options)
    save = (*PNGS, "geotiff", "probabilities")
    reports = [
        predict(run, photos, tmp_path / name, save=save, max_pixels=most, **choices)
        for name, most in (("memory", 10**6), ("windows", LIMIT))
    ]
    assert reports[0].pixels == reports[1].pixels
    for kind in PNGS:
        memory, windows = (pixels_of(tmp_path / name / kind / "a.png").astype(int) for name in ("memory", "windows"))
        if kind in ("overlay", "confidence"):  # of 65535: what is resized differs by a level in places
            assert np.abs(memory - windows).max() <= (1 if kind == "overlay" else 300)
        else:
            np.testing.assert_array_equal(windows, memory)
    memory, windows = (np.load(tmp_path / name / "probabilities/a.npy") for name in ("memory", "windows"))
    np.testing.assert_allclose(windows, memory, atol=5e-3)
    assert {round(float(total)) for total in np.unique(memory.sum(axis=-1, dtype=np.float32))} == {0, 1}
    with (
        rasterio.open(tmp_path / "memory/geotiff/a.tif") as memory,
        rasterio.open(tmp_path / "windows/geotiff/a.tif") as windows,
    ):
        assert windows.profile == memory.profile
        np.testing.assert_array_equal(windows.read(1), memory.read(1))
        np.testing.assert_array_equal(windows.read(1) == 255, rasterio.open(photos / "a.tif").dataset_mask() == 0)
        assert (windows.crs.to_string(), windows.nodata, windows.transform.e) == ("EPSG:25832", 255, -0.2)
    areas = [(tmp_path / name / "areas.csv").read_text() for name in ("memory", "windows")]
    assert areas[0] == areas[1]
    row = next(csv.DictReader(areas[0].splitlines()))
    assert float(row["square_metres"]) == pytest.approx(int(row["pixels"]) * 0.04)
    again = predict(run, photos, tmp_path / "windows", save=save, **choices)
    assert (again.predicted, again.kept) == (0, 1)


@NEEDS_RASTERIO
def test_a_run_of_tiles_of_equal_metres_looks_at_photographs_at_these_metres(photos, tmp_path):
    half = copying_run(tmp_path / "half", "tile", (64, 64), options={"scale": 0.5})
    predict(half, photos, tmp_path / "expected", max_pixels=10**6)
    expected = pixels_of(tmp_path / "expected/index/a.png")
    run = copying_run(tmp_path, "tile", (64, 64), options={"scale": 1.0, "gsd": 0.4})  # the photograph has 0.2
    for name, most in (("memory", 10**6), ("windows", LIMIT)):
        predict(run, photos, tmp_path / name, max_pixels=most)
        np.testing.assert_array_equal(pixels_of(tmp_path / name / "index/a.png"), expected)
    with Image.open(photos / "a.tif") as picture:
        picture.save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: does not say how large .* trained at 0\.4 m a pixel.*--pixel-size"):
        predict(run, tmp_path / "a.png", tmp_path / "plain", max_pixels=10**6)
    predict(run, tmp_path / "a.png", tmp_path / "plain", max_pixels=10**6, pixel_size=0.2, overwrite=True)
    found = pixels_of(tmp_path / "plain/index/a.png")
    np.testing.assert_array_equal(found[expected != 255], expected[expected != 255])


@NEEDS_RASTERIO
def test_at_a_scale_that_does_not_divide_levels_are_rounded_in_places(run, photos, tmp_path):
    for name, most in (("memory", 10**6), ("windows", LIMIT)):
        predict(run, photos, tmp_path / name, max_pixels=most, scale="1.5")
    memory, windows = (pixels_of(tmp_path / name / "index/a.png") for name in ("memory", "windows"))
    assert (memory != windows).mean() < 1e-3


@NEEDS_RASTERIO
@pytest.mark.parametrize("parts", [1, 8])
def test_a_killed_prediction_goes_on_within_the_photograph(run, photos, tmp_path, monkeypatch, parts):
    from trainer.prediction import predictor
    from trainer.prediction.stored import StoredMap

    monkeypatch.setattr(predictor, "num_blocks", lambda *sizes: 3)
    written = []
    write = StoredMap.write
    monkeypatch.setattr(StoredMap, "write", lambda self, *given: written.append(given[0]) or write(self, *given))
    predict(run, photos, tmp_path / "whole", save=("index", "geotiff"))
    total = len(written)
    assert total > 8
    out = tmp_path / "out"
    arguments = ["predict", str(run), str(photos), "--out", str(out), "--save", "index,geotiff"]
    arguments += ["--batch", "2", "--max-pixels", str(LIMIT)]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(parts), *arguments], capture_output=True, timeout=300, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (out / "index").exists()
    written.clear()
    assert predict(run, photos, out, save=("index", "geotiff")).predicted == 1
    assert len(written) == total - parts
    for name in ("index/a.png", "geotiff/a.tif", "areas.csv"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list(out.glob(".unfinished*"))


@NEEDS_RASTERIO
def test_a_disk_that_fills_costs_the_file_and_not_the_prediction(run, photos, tmp_path, monkeypatch):
    from trainer.prediction.stored import StoredMap

    out, save = tmp_path / "out", ("index", "probabilities")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE[0] * SIZE[1] * 4 * 2 + 100, before[1]))  # without NumPy's header
    try:
        with pytest.raises(MachineError, match=r"a\.npy: cannot be written .*run the same command again"):
            predict(run, photos, out, save=save)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in (out / "index").iterdir()] == ["a.png"]
    assert list((out / "probabilities").iterdir()) == []

    def write_again(*given):
        raise AssertionError("it is predicted once")

    monkeypatch.setattr(StoredMap, "write", write_again)
    assert predict(run, photos, out, save=save).predicted == 1
    assert np.load(out / "probabilities/a.npy").shape == (*SIZE, 4)


@NEEDS_RASTERIO
def test_what_needs_all_of_it_at_once_is_refused_by_name(run, photos, tmp_path):
    with pytest.raises(DataError, match=r"photos/a\.tif: is read by windows, and --save geojson needs all of it"):
        predict(run, photos, tmp_path / "out", save=("index", "geojson"))
    Image.fromarray(COLORS[blocks((20, 30))]).save(photos / "b.png")
    report = predict(run, photos, tmp_path / "other", save=("index", "geojson"), on_error="skip")
    assert (report.predicted, len(report.refused)) == (1, 1)


@NEEDS_RASTERIO
def test_a_damaged_one_is_left_out_and_the_others_are_finished(run, photos, tmp_path):
    data = bytearray((photos / "a.tif").read_bytes())
    data[60_000:90_000] = bytes(30_000)
    (photos / "damaged.tif").write_bytes(data)
    report = predict(run, photos, tmp_path / "out", on_error="skip")
    assert [error.where for error in report.refused] == [str(photos / "damaged.tif")]
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.png")) == ["a.png"]
    assert not list((tmp_path / "out").glob(".unfinished*"))


@NEEDS_RASTERIO
def test_one_that_changes_meanwhile_is_refused(run, photos, tmp_path, monkeypatch):
    from trainer.prediction import large

    def stored_counts(*given):
        raise AssertionError("nothing is made of it")

    monkeypatch.setattr(large.StoredMap, "counts", stored_counts)
    write = large.StoredMap.write
    monkeypatch.setattr(large.StoredMap, "write", lambda self, *given: write(self, *given) or grow(photos / "a.tif"))
    with pytest.raises(DataError, match=r"photos/a\.tif: was changed while it was predicted"):
        predict(run, photos, tmp_path / "out")


def grow(path):
    with path.open("ab") as file:
        file.write(b"more")


def test_without_rasterio_one_line_says_what_to_install(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rasterio", None)
    Image.fromarray(COLORS[blocks((64, 64))]).save(tmp_path / "a.tif")
    with pytest.raises(UsageError, match=rf"{tmp_path}/a\.tif: is read by windows, .*pip install 'segconv\[geo\]'"):
        predict(run, tmp_path / "a.tif", tmp_path / "out")
    assert predict(run, tmp_path / "a.tif", tmp_path / "out", max_pixels=10**6).predicted == 1
