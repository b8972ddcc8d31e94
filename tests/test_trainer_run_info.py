"""config.json: the options of a run, and everything that a prediction needs."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys

import pytest

from converter.dataset.manifest import ClassInfo, Manifest
from converter.errors import DataError, UsageError
from trainer.choices.augments import AUGMENTS
from trainer.choices.encoders import PREPROCESSINGS
from trainer.config import TrainConfig
from trainer.run.info import ImageInput, read_run, seal_of_records
from trainer.run.runs import create_run

MANIFEST = Manifest(
    "streets",
    (96, 128),
    "pad",
    (ClassInfo(0, "road", (1, 2, 3), ("7", "8")), ClassInfo(1, "café", (4, 5, 6), ("#ff0000",))),
    {},
    ignore_values=("255",),
)


def test_a_run_says_what_it_was_started_with(tmp_path):
    config = TrainConfig(
        data=tmp_path / "records", runs=tmp_path, model="unet", batch=3, augment="nadir", strengths=AUGMENTS["nadir"]
    )
    info = read_run(create_run(config, MANIFEST))
    assert info.config == config
    assert (info.dataset, info.size, info.classes) == ("streets", (96, 128), ("road", "café"))


def test_the_records_are_remembered_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_run(create_run(TrainConfig(), MANIFEST)).config.data == tmp_path / "records"


def test_a_choice_of_a_later_version_does_not_hinder_reading(tmp_path):
    run = create_run(TrainConfig(runs=tmp_path), MANIFEST)
    facts = json.loads((run / "config.json").read_text())
    facts["config"]["telepathy"] = facts["config"]["strengths"]["fog"] = 1
    (run / "config.json").write_text(json.dumps(facts))
    assert read_run(run).config.epochs == 50


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"it is not a run\. Train one: segconv train"):
        read_run(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"config": {"data": 1}}'])
def test_a_damaged_config_is_named(tmp_path, text):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(DataError, match=r"config\.json: is not a run's config\.json"):
        read_run(tmp_path)


def test_the_same_records_have_the_same_seal_and_others_another(tmp_path):
    run = create_run(TrainConfig(runs=tmp_path), MANIFEST)
    assert read_run(run).records == seal_of_records(MANIFEST)
    assert seal_of_records(dataclasses.replace(MANIFEST, name="roads")) != seal_of_records(MANIFEST)


def test_a_run_of_a_version_without_strengths_has_those_of_its_preset(tmp_path):
    run = create_run(TrainConfig(runs=tmp_path, augment="nadir"), MANIFEST)
    facts = json.loads((run / "config.json").read_text())
    del facts["config"]["strengths"], facts["records"]
    (run / "config.json").write_text(json.dumps(facts))
    info = read_run(run)
    assert (info.config.strengths, info.records) == (AUGMENTS["nadir"], "")


@pytest.mark.parametrize(
    ("key", "value"), [("loss", "foo"), ("batch", 2.5), ("deterministic", 1), ("epochs", None), ("model", 3)]
)
def test_a_choice_that_cannot_be_is_the_files_fault(tmp_path, key, value):
    run = create_run(TrainConfig(runs=tmp_path), MANIFEST)
    facts = json.loads((run / "config.json").read_text())
    facts["config"][key] = value
    (run / "config.json").write_text(json.dumps(facts))
    with pytest.raises(DataError, match=r"config\.json: "):
        read_run(run)


def test_a_run_describes_itself_where_its_records_are_gone(tmp_path):
    records = tmp_path / "records"
    records.mkdir()
    (records / "manifest.json").write_text(MANIFEST.to_json(), encoding="utf-8")
    run = create_run(TrainConfig(data=records, runs=tmp_path / "runs", model="segnet"), MANIFEST)
    shutil.rmtree(records)
    moved = shutil.move(run, tmp_path / "elsewhere")
    code = "import sys, pathlib, trainer; print(trainer.read_run(pathlib.Path(sys.argv[1])))"
    done = subprocess.run([sys.executable, "-c", code, moved], capture_output=True, text=True, check=True)
    info = read_run(tmp_path / "elsewhere")
    assert done.stdout == f"{info}\n"
    assert (info.dataset, info.size, info.fit) == ("streets", (96, 128), "pad")
    assert (info.class_map, info.ignore_values) == (MANIFEST.classes, ("255",))
    assert info.image == ImageInput("RGB", (0.0, 255.0), "float32", PREPROCESSINGS["caffe"])
    assert info.records == seal_of_records(MANIFEST)
    assert info.versions["segconv"]


def test_what_a_run_says_of_itself_is_plain_data(tmp_path):
    run = create_run(TrainConfig(runs=tmp_path, model="unet", encoder="mobilenetv2"), MANIFEST)
    facts = json.loads((run / "config.json").read_text(encoding="utf-8"))
    assert facts["classes"] == ["road", "café"]
    assert facts["class_map"][1] == {"id": 1, "name": "café", "color": [4, 5, 6], "values": ["#ff0000"]}
    assert (facts["fit"], facts["ignore_values"]) == ("pad", ["255"])
    assert facts["image"] == {
        "channels": "RGB",
        "range": [0.0, 255.0],
        "dtype": "float32",
        "preprocessing": {"name": "scale", "mean": [127.5] * 3, "std": [127.5] * 3, "channels": "RGB"},
    }


def test_of_a_model_of_ones_own_the_preprocessing_is_not_known(tmp_path):
    info = read_run(create_run(TrainConfig(runs=tmp_path, model="mine.nets:small"), MANIFEST))
    assert info.image == ImageInput(preprocessing=None)


def test_a_run_of_a_version_that_did_not_describe_itself_is_read(tmp_path):
    run = create_run(TrainConfig(runs=tmp_path), MANIFEST)
    facts = json.loads((run / "config.json").read_text(encoding="utf-8"))
    for key in ("fit", "class_map", "ignore_values", "image", "versions"):
        del facts[key]
    (run / "config.json").write_text(json.dumps(facts))
    info = read_run(run)
    assert (info.classes, info.fit, info.class_map, info.ignore_values) == (("road", "café"), "", (), ())
    assert (info.image, info.versions) == (ImageInput(), {})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[("class_map", [{"id": 0}]), ("class_map", 3), ("image", []), ("image", {"range": [0]}), ("versions", 1)],
        *[("size", [0, 4]), ("size", [32, 2**30]), ("size", [float("inf"), 32]), ("classes", [])],
        *[("classes", ["a"] * 256), ("classes", ["only"])],
    ],
)
def test_a_description_that_cannot_be_is_the_files_fault(tmp_path, key, value):
    run = create_run(TrainConfig(runs=tmp_path), MANIFEST)
    facts = json.loads((run / "config.json").read_text(encoding="utf-8"))
    facts[key] = value
    (run / "config.json").write_text(json.dumps(facts))
    with pytest.raises(DataError, match=r"config\.json: is not a run's config\.json"):
        read_run(run)
