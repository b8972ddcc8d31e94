"""State: a saved state is loaded unchanged, and a killed run resumes with the same weights."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, write_records

from converter.errors import DataError, UsageError

pytestmark = NEEDS_TF

EPOCHS = 5
OPTIONS = {
    "plateau": ["--plateau-patience", "1", "--warmup", "2", "--augment", "strong"],
    "cosine": ["--optimizer", "adamw", "--schedule", "cosine", "--warmup", "1", "--ema", "0.9", "--cache", "off"],
}


def small_trainer(filters: int = 2):
    """Returns a compiled model of one layer with a seed of its own."""
    from trainer.backend import keras

    keras.utils.set_random_seed(filters)
    image = keras.Input((4,))
    model = keras.Model(image, keras.layers.Dropout(0.5)(keras.layers.Dense(filters)(image)))
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def fit_once(model, filters: int = 2) -> None:
    rng = np.random.default_rng(0)
    model.fit(rng.random((8, 4)), rng.random((8, filters)), epochs=1, verbose=0, shuffle=False)


def test_a_loaded_state_goes_on_like_the_one_that_was_saved(tmp_path):
    from trainer.run.state import load_state, read_facts, save_state

    model = small_trainer()
    fit_once(model)
    save_state(tmp_path, model, {"epoch": 1, "best": float("inf")})
    fit_once(model)  # draws dropout, moves Adam's averages
    other = small_trainer()
    load_state(tmp_path, other)
    fit_once(other)
    assert read_facts(tmp_path) == {"epoch": 1, "best": float("inf")}
    for ours, theirs in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_no_state_is_no_fact(tmp_path):
    from trainer.run.state import read_facts

    assert read_facts(tmp_path) == {}


def test_the_state_of_another_model_is_refused(tmp_path):
    from trainer.run.state import load_state, save_state

    save_state(tmp_path, small_trainer(2), {})
    with pytest.raises(UsageError, match="not those of this model") as caught:
        load_state(tmp_path, small_trainer(3))
    assert caught.value.code == "E_STATE"


@pytest.mark.parametrize("keep", [0, 10, 0.5])
def test_a_damaged_state_is_named(tmp_path, keep):
    from trainer.run.state import load_state, read_facts, save_state

    model = small_trainer()
    save_state(tmp_path, model, {"epoch": 1})
    path = tmp_path / "state.npz"
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    for read in (lambda: read_facts(tmp_path), lambda: load_state(tmp_path, model)):
        with pytest.raises(DataError, match=r"state\.npz: cannot be read") as caught:
            read()
        assert caught.value.code == "E_STATE"


def segconv(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [Path(sys.executable).with_name("segconv"), "train", *arguments]
    return subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def rows_of(run: Path) -> list[dict[str, str]]:
    """Returns the rows of metrics.csv without the columns that depend on the clock."""
    with (run / "metrics.csv").open(newline="") as file:
        return [{k: v for k, v in row.items() if k not in ("seconds", "input_wait")} for row in csv.DictReader(file)]


@pytest.mark.parametrize("name", [pytest.param("plateau", marks=pytest.mark.slow), "cosine"])
def test_a_killed_run_that_goes_on_equals_one_that_was_never_killed(tmp_path, name):
    write_records(tmp_path / "records", records={"train": [7, 6], "val": [3]})
    common = ["--model", "unet_small", "--batch", "4", "--epochs", str(EPOCHS), *OPTIONS[name]]
    whole = segconv(tmp_path, *common, "--runs", "whole")
    killed = segconv(tmp_path, *common, "--runs", "killed")
    for line in killed.stderr:
        if line.startswith("epoch 3/"):  # its row is written, its model and state not yet, or only in part
            os.kill(killed.pid, signal.SIGKILL)
            break
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    (run,) = (tmp_path / "killed").iterdir()
    with np.load(run / "state.npz") as state:
        # Usually 2: the state of an epoch is written while the next one trains, which on a busy machine ends first.
        assert json.loads(str(state["facts"]))["epoch"] in (1, 2, 3)

    resumed = segconv(tmp_path, "--runs", "killed", "--resume")
    out, err = resumed.communicate()
    assert (resumed.returncode, out) == (0, f"killed/{run.name}\n"), err
    out, err = whole.communicate()
    assert whole.returncode == 0, err
    other = tmp_path / out.strip()
    assert rows_of(run) == rows_of(other)
    assert len(rows_of(run)) == EPOCHS
    with np.load(run / "state.npz") as ours, np.load(other / "state.npz") as theirs:
        assert ours.files == theirs.files
        for key in ours.files:
            np.testing.assert_array_equal(ours[key], theirs[key])
    from trainer.models.load import load_model

    best = [load_model(folder / "best.keras").get_weights() for folder in (run, other)]
    for ours, theirs in zip(*best, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "dangling link"])
def test_what_is_no_file_in_place_of_a_state_is_refused_at_once(tmp_path, kind):
    from trainer.run.state import load_state, read_facts

    path = tmp_path / "state.npz"
    {
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "device": lambda: path.symlink_to("/dev/zero"),
        "dangling link": lambda: path.symlink_to("nothing"),
    }[kind]()
    reason = "FileNotFoundError" if kind == "dangling link" else "not a regular file"
    with pytest.raises(DataError, match=rf"state\.npz: cannot be read \({reason}\), so the run cannot be resumed"):
        read_facts(tmp_path)
    with pytest.raises(DataError, match=rf"cannot be read \({reason}\)"):
        load_state(tmp_path, small_trainer())


@pytest.mark.parametrize(("command", "name", "code"), [
    (("train", "--resume"), "config.json", 1),
    pytest.param(("train", "--resume"), "metrics.csv", 1, marks=pytest.mark.slow),
    pytest.param(("train", "--resume"), "state.npz", 1, marks=pytest.mark.slow),
    pytest.param(("train", "--resume"), "log.txt", 1, marks=pytest.mark.slow),
    pytest.param(("train", "--config"), "config.json", 1, marks=pytest.mark.slow),
    pytest.param(("evaluate",), "config.json", 1, marks=pytest.mark.slow),
    (("evaluate",), "best.keras", 1),
])  # fmt: skip
def test_the_command_does_not_wait_for_a_pipe_in_a_run(tmp_path, command, name, code):
    from trainer.config import TrainConfig
    from trainer.run.runs import create_run

    manifest = write_records(tmp_path / "records", records={"train": [2], "val": [1]})
    run = create_run(TrainConfig(tmp_path / "records", tmp_path / "runs", "unet_small"), manifest)
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    start = [sys.executable, "-c", "from converter.cli import main; main()", *command, str(run)]
    done = subprocess.run(start, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    told = done.stderr.splitlines()[-1]  # after what TensorFlow writes
    assert told.startswith(f"Error: {run / name}: is not a regular file. ")
