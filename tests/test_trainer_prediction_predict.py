"""Predict: from photographs to files, once each; what a kill leaves, and what is refused."""

from __future__ import annotations

import csv
import json
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
from copying_model import COLORS, blocks, copying_run
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.errors import DataError, MachineError, UsageError
from trainer.prediction.options import PredictConfig

pytestmark = NEEDS_TF

SIZES = {"a/1.png": (64, 96), "a/2.png": (50, 70), "b/1.png": (97, 63), "c.png": (31, 45), "d.png": (200, 150)}

# Runs the command line, and kills its own process once a method was called a given number of times.
KILLED = """
import os, signal, sys
from converter.cli import main
from trainer.prediction.outputs import Outputs

name, calls = sys.argv[1], int(sys.argv[2])
method = getattr(Outputs, name)
done = []

def counted(self, *given):
    found = method(self, *given)
    done.append(name)
    if len(done) == calls:
        os.kill(os.getpid(), signal.SIGKILL)
    return found

setattr(Outputs, name, counted)
sys.argv[1:] = sys.argv[3:]
main()
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return copying_run(tmp_path_factory.mktemp("predict"), "pad", (64, 96))


@pytest.fixture
def photos(tmp_path):
    for name, size in SIZES.items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(COLORS[blocks(size)]).save(path)
    return tmp_path / "photos"


def predict(run, *inputs, **choices):
    from trainer.prediction.predict import predict as predict_all

    return predict_all(PredictConfig(run=run, inputs=tuple(map(str, inputs)), batch=2, **choices))


def contents(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def test_every_photograph_gets_its_classes_under_its_own_path(run, photos, tmp_path):
    report = predict(run, photos, out=tmp_path / "out", save=("index", "color", "overlay", "confidence"))
    assert (report.predicted, report.kept, report.refused) == (5, 0, ())
    for name, size in SIZES.items():
        with Image.open(tmp_path / "out/index" / name) as index, Image.open(tmp_path / "out/color" / name) as color:
            np.testing.assert_array_equal(np.asarray(index), blocks(size))
            np.testing.assert_array_equal(np.asarray(color.convert("RGB")), COLORS[blocks(size)])
        with Image.open(tmp_path / "out/confidence" / name) as confidence:
            assert confidence.size == size[::-1]
            assert np.asarray(confidence).min() > 65535 / 4  # the largest of four probabilities
    assert report.pixels == tuple(sum(int((blocks(size) == n).sum()) for size in SIZES.values()) for n in range(4))


def test_areas_are_those_of_all_photographs_in_the_folder(run, photos, tmp_path):
    predict(run, photos / "a", out=tmp_path / "out")
    predict(run, photos / "c.png", out=tmp_path / "out", pixel_size=0.5)
    with (tmp_path / "out/areas.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert sorted({row["file"] for row in rows}) == ["1.png", "2.png", "c.png"]
    row = next(row for row in rows if (row["file"], row["class"]) == ("c.png", "white"))
    pixels = int((blocks((31, 45)) == 3).sum())
    assert (row["height"], row["width"], row["pixels"]) == ("31", "45", str(pixels))
    assert float(row["square_metres"]) == pixels / 4


def test_a_world_file_is_copied_beside_pictures_of_the_same_size(run, photos, tmp_path):
    world = "0.2\n0.0\n0.0\n-0.2\n500000.1\n4999999.9\n"
    (photos / "a/1.pgw").write_text(world)
    (photos / "c.wld").write_text("no numbers at all\n")
    out, save = tmp_path / "out", ("index", "overlay", "confidence")
    predict(run, photos, out=out, save=save)
    found = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*.pgw")}
    assert found == {"index/a/1.pgw": world, "confidence/a/1.pgw": world}
    assert predict(run, photos, out=out, save=save).kept == 5
    (photos / "a/1.pgw").write_text(world.replace("0.2", "0.3"))
    assert predict(run, photos, out=out, save=save).predicted == 1
    assert (out / "index/a/1.pgw").read_text() == world.replace("0.2", "0.3")
    (out / "index/a/1.pgw").unlink()
    assert predict(run, photos, out=out, save=save).predicted == 1


def test_a_world_file_of_a_rotated_photograph_is_not_copied(run, photos, tmp_path, caplog):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLORS[blocks((40, 60))]).save(photos / "turned.png", exif=exif)
    (photos / "turned.wld").write_text("1 0 0 -1 0 0")
    predict(run, photos / "turned.png", out=tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.pgw"))
    assert "its world file is not copied" in caplog.text


def test_what_is_done_and_unchanged_is_not_done_again(run, photos, tmp_path, monkeypatch):
    out = tmp_path / "out"
    predict(run, photos, out=out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert predict(run, photos, out=out).kept == 5
    Image.fromarray(COLORS[blocks((40, 40))]).save(photos / "c.png")  # another photograph
    (out / "index/a/1.png").unlink()
    (out / "index/d.png").write_bytes(b"damaged")
    report = predict(run, photos, out=out)
    assert (report.predicted, report.kept) == (3, 2)
    with Image.open(out / "index/c.png") as index:
        assert index.size == (40, 40)
    unchanged = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert {path.name for path in before if before[path] == unchanged[path]} == {"2.png", "1.png"}
    assert predict(run, photos, out=out, save=("color",)).predicted == 5
    assert predict(run, photos, out=out, save=("color", "index")).kept == 5


@pytest.mark.parametrize(
    ("method", "calls"),
    [("add", 1), *(pytest.param(*cut, marks=pytest.mark.slow) for cut in (("add", 3), ("write", 1), ("write", 7)))],
)
def test_a_killed_prediction_goes_on_to_the_same_bytes(run, photos, tmp_path, method, calls):
    save = ("index", "overlay")
    predict(run, photos, out=tmp_path / "whole", save=save)
    out = tmp_path / "out"
    arguments = ["predict", str(run), str(photos), "--out", str(out), "--save", ",".join(save), "--batch", "2"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, method, str(calls), *arguments], capture_output=True, timeout=300, check=False
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (out / "areas.csv").exists()
    report = predict(run, photos, out=out, save=save)
    assert report.kept == calls if method == "add" else report.kept <= calls // len(save)
    assert report.kept + report.predicted == 5
    found, expected = contents(out), contents(tmp_path / "whole")
    assert found.keys() == expected.keys()
    assert {name for name in found if found[name] != expected[name]} <= {".receipts.jsonl"}  # in another order


def test_a_disk_that_fills_leaves_what_is_finished_and_the_same_command_goes_on(run, photos, tmp_path):
    out, save = tmp_path / "out", ("probabilities",)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))  # of d.png alone, they are larger
    try:
        with pytest.raises(MachineError, match=r"d\.npy: cannot be written .*run the same command again") as caught:
            predict(run, photos, out=out, save=save)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.exit_code == 4
    finished = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.suffix == ".npy"}
    assert finished == {f"probabilities/{name.removesuffix('.png')}.npy" for name in SIZES if name != "d.png"}
    report = predict(run, photos, out=out, save=save)
    assert (report.predicted, report.kept) == (1, 4)


def test_a_photograph_that_build_refuses_is_refused_by_name_or_skipped(run, photos, tmp_path):
    (photos / "b/1.png").write_bytes((photos / "b/1.png").read_bytes()[:-40])
    with pytest.raises(DataError, match=r"photos/b/1\.png: is truncated"):
        predict(run, photos, out=tmp_path / "out")
    report = predict(run, photos, out=tmp_path / "out", on_error="skip")
    assert [error.where for error in report.refused] == [str(photos / "b/1.png")]
    (line,) = (tmp_path / "out/errors.jsonl").read_text().splitlines()
    assert json.loads(line)["file"] == str(photos / "b/1.png")
    assert len(list((tmp_path / "out/index").rglob("*.png"))) == 4


def test_probabilities_are_of_every_class_and_refused_where_they_do_not_fit_into_memory(
    run, photos, tmp_path, monkeypatch
):
    from trainer.prediction import predict as module

    monkeypatch.setattr(module, "MAX_PROBABILITY_BYTES", 150 * 200 * 4 * 2 - 1)
    report = predict(run, photos, out=tmp_path / "out", save=("index", "probabilities"), on_error="skip")
    assert [(error.where, error.code) for error in report.refused] == [(str(photos / "d.png"), "E_TOO_LARGE")]
    shares = np.load(tmp_path / "out/probabilities/c.npy", allow_pickle=False)
    assert (shares.shape, shares.dtype) == ((31, 45, 4), np.float16)
    np.testing.assert_allclose(shares.sum(axis=-1, dtype=np.float32), 1, atol=2e-3)
    np.testing.assert_array_equal(shares.argmax(axis=-1), np.asarray(Image.open(tmp_path / "out/index/c.png")))


def test_a_large_damaged_photograph_is_skipped_in_its_turn(run, photos, tmp_path, monkeypatch):
    from trainer.prediction import predictor

    monkeypatch.setattr(predictor, "AHEAD_PIXELS", 0)
    Image.fromarray(COLORS[blocks((300, 300))]).save(photos / "c.tif", compression="tiff_lzw")
    (photos / "c.png").unlink()
    data = bytearray((photos / "c.tif").read_bytes())
    data[200:400] = bytes(200)
    (photos / "c.tif").write_bytes(data)
    report = predict(run, photos, out=tmp_path / "out", on_error="skip")
    assert (report.predicted, len(report.refused)) == (4, 1)


def test_predictions_of_another_model_are_not_mixed(run, photos, tmp_path):
    other = copying_run(tmp_path / "other", "stretch", (32, 32))
    predict(run, photos / "a", out=tmp_path / "out")
    with pytest.raises(UsageError, match=r"of another run or with other options \(differing: model\)"):
        predict(other, photos / "b", out=tmp_path / "out")
    predict(other, photos / "b", out=tmp_path / "out", overwrite=True)
    assert [path.name for path in (tmp_path / "out/index").rglob("*.png")] == ["1.png"]


def test_records_are_predicted_at_their_stored_size(run, tmp_path):
    from test_trainer_prediction_inputs import records_of_colours

    records = records_of_colours(tmp_path)
    report = predict(run, records, out=tmp_path / "out")
    assert report.predicted == 2
    with Image.open(tmp_path / "out/index/images/one.png") as index:
        assert index.size == (48, 40)
