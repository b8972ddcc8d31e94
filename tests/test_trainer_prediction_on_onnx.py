"""On ONNX Runtime: without TensorFlow the same command writes the same bytes; what is no model of ours is one line."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from command_line import assert_one_line
from copying_model import COLORS, blocks, copying_net, copying_run
from exported_runs import NEEDS_ONNXRUNTIME, NEEDS_TF2ONNX, small_run
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.errors import DataError, MachineError, UsageError
from trainer.prediction.on_onnx import OnnxNet, open_session, read_model
from trainer.prediction.options import PredictConfig
from trainer.run.info import read_run

pytestmark = [*NEEDS_TF, NEEDS_ONNXRUNTIME]

# The command line, in a process in which neither TensorFlow nor Keras can be imported.
WITHOUT = """
import sys
for name in ("tensorflow", "keras", "h5py", "ai_edge_litert", "tf2onnx", "onnx"):
    sys.modules[name] = None
from converter.cli import main
main()
"""

SIZES = {"a.png": (32, 32), "b/c.png": (50, 70), "d.png": (31, 20), "e.png": (97, 40)}


def export(run):
    from trainer.exporting.export import export as export_run
    from trainer.exporting.options import ExportConfig

    return export_run(ExportConfig(run, "onnx")).config.path


def segconv(folder, *words):
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}  # set by our backend
    words = [sys.executable, "-c", WITHOUT, "predict", *map(str, words)]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, timeout=300, check=False)


def files(out):
    names = (path for path in sorted(out.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in names if path.name != "predictions.json"}


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    for name, (height, width) in SIZES.items():
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (7, 9, 3), np.uint8))
        coarse.resize((width, height), Image.Resampling.BILINEAR).save(path)
    return tmp_path / "photos"


@NEEDS_TF2ONNX
@pytest.mark.parametrize(
    ("sizes", "choices"), [([], {}), ([], {"tta": "flips"}), ([(48, 60), (33, 70)], {"crop": "32x40"})]
)
def test_without_tensorflow_the_same_command_writes_the_same_bytes(tmp_path, photos, sizes, choices):
    from trainer.prediction.predict import predict

    run = small_run(tmp_path, *sizes, **choices)
    path = export(run)
    done = segconv(tmp_path, path, "photos", "--out", "onnx", "--save", "index,color,overlay,confidence")
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    save = ("index", "color", "overlay", "confidence")
    predict(PredictConfig(run=run, inputs=(str(photos),), out=tmp_path / "keras", save=save))
    found, expected = files(tmp_path / "onnx"), files(tmp_path / "keras")
    assert found.keys() == expected.keys()
    assert len({found[name] for name in found if name.startswith("index/")}) == len(SIZES)
    for name in SIZES:
        kept = dict.fromkeys(("index", "color", "overlay"), name)
        assert all(found[f"{kind}/{kept[kind]}"] == expected[f"{kind}/{kept[kind]}"] for kind in kept), name
        pixels = [np.asarray(Image.open(tmp_path / of / "confidence" / name), int) for of in ("onnx", "keras")]
        assert np.abs(pixels[0] - pixels[1]).max() <= 2  # of 65535: the last bit of float32
    assert found["areas.csv"] == expected["areas.csv"]


@NEEDS_TF2ONNX
def test_an_exported_model_is_predicted_with_from_anywhere(tmp_path, photos):
    run = small_run(tmp_path)
    export(run).rename(tmp_path / "field.onnx")
    assert read_model(tmp_path / "field.onnx").classes == read_run(run).classes
    done = segconv(tmp_path, "photos/a.png", "--run", "field.onnx", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "1 predicted" in done.stdout
    assert_one_line(segconv(tmp_path, "field.onnx", "photos", "--out", "o", "--tta", "scales"), 2, "Pass --tta flips")
    assert_one_line(segconv(tmp_path, "field.onnx", "--out", "o"), 2, "has nothing to predict")


@NEEDS_TF2ONNX
def test_classes_of_an_exported_model_are_restored_to_the_pixel(tmp_path):
    from trainer.exporting.facts import facts_of
    from trainer.exporting.onnx_file import write_onnx
    from trainer.exporting.serving import Served

    run, path = copying_run(tmp_path, "pad", (64, 96)), tmp_path / "copy.onnx"
    facts = facts_of(run, read_run(run), {"format": "onnx", "free_size": False}, ["class_map", "logits"])
    write_onnx(Served(copying_net((64, 96)), (64, 96), facts), path)
    for size in ((64, 96), (75, 120), (31, 45)):
        mask = blocks(size)
        Image.fromarray(COLORS[mask]).save(tmp_path / "a.png")
        done = segconv(tmp_path, path, "a.png", "--out", f"out{size[0]}")
        assert done.returncode == 0, done.stderr
        np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / f"out{size[0]}/index/a.png")), mask)


def test_what_is_no_model_is_one_line(tmp_path):
    (tmp_path / "photo.png").write_bytes(b"x")
    (tmp_path / "cut.onnx").write_bytes(b"\x08\x08" * 100)
    (tmp_path / "empty.onnx").write_bytes(b"")
    (tmp_path / "folder.onnx").mkdir()
    os.mkfifo(tmp_path / "pipe.onnx")
    for name, code, words in (
        ("cut.onnx", 1, "cut.onnx: is damaged, or not an ONNX model"),
        ("empty.onnx", 1, "empty.onnx: "),
        ("folder.onnx", 1, "is not a regular file"),
        ("pipe.onnx", 1, "is not a regular file"),
        ("none.onnx", 2, "none.onnx: does not exist"),
    ):
        assert_one_line(segconv(tmp_path, name, "photo.png", "--out", "out"), code, words)


def described(model, **changes: object) -> None:
    facts = model.metadata_props[0]
    facts.value = json.dumps(json.loads(facts.value) | changes)


@NEEDS_TF2ONNX
def test_a_model_of_others_is_refused(tmp_path):
    import onnx

    path = export(small_run(tmp_path))
    for change, message in (
        (lambda model: model.graph.output.pop(), "is not an ONNX file of segconv"),
        (lambda model: model.metadata_props.pop(0), "is not an ONNX file of segconv"),
        (lambda model: setattr(model.metadata_props[0], "value", '{"config": 3}'), r"is not a run's config\.json"),
        (lambda model: described(model, classes=["a"], class_map=[]), "is not of the size or the classes that it says"),
        (lambda model: described(model, size=[64, 32]), "is not of the size or the classes that it says"),
    ):
        model = onnx.load(path)
        change(model)
        onnx.save(model, tmp_path / "other.onnx")
        with pytest.raises(DataError, match=message):
            read_model(tmp_path / "other.onnx")


def test_without_onnx_runtime_the_command_that_installs_it_is_shown(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"pip install 'segconv\[onnx\]'"):
        open_session(tmp_path / "model.onnx")


@NEEDS_TF2ONNX
def test_failures_of_the_runtime_are_one_line(tmp_path):
    net = OnnxNet(export(small_run(tmp_path)), "none")
    with pytest.raises(DataError, match="cannot be run on windows of 8x9"):
        net.logits(np.zeros((1, 8, 9, 3), np.uint8))

    class Exhausted:
        def run(self, names, given):
            raise RuntimeError("Failed to allocate memory for requested buffer")

    net._session = Exhausted()
    with pytest.raises(MachineError, match=r"too little memory for batches of 2\. Pass a smaller --batch"):
        net.logits(np.zeros((2, 32, 32, 3), np.uint8))
