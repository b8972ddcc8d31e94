"""Command: the newest run, exit codes, and what goes to stdout."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from command_line import COMMAND, assert_one_line
from exported_runs import small_run
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("command")
    small_run(root)
    return root


def segconv(root, *words):
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}  # set by our backend
    words = [*COMMAND, "export", *words]
    return subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_the_newest_run_is_exported_and_compared(root):
    done = segconv(root, "--format", "savedmodel", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (run,) = (root / "runs").iterdir()
    assert answer["out"] == f"runs/{run.name}/export/savedmodel"
    assert answer["card"] == f"runs/{run.name}/export/MODEL_CARD.md"
    assert answer["bytes"] == sum(path.stat().st_size for path in (root / answer["out"]).rglob("*") if path.is_file())
    assert (answer["compared"], answer["lowest_agreement"]) == ("3 records of split 'val'", 1)
    assert answer["miou"]["run"] == answer["miou"]["export"]
    assert "Traceback" not in done.stderr


def test_the_text_says_what_was_written_and_how_it_compares(root):
    (run,) = (root / "runs").iterdir()
    done = segconv(root, f"runs/{run.name}", "--format", "keras", "--out", "own.keras", "--probabilities")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("own.keras: ")
    assert lines[1:4] == [
        "  input   image: uint8 [N, 32, 32, 3], RGB",
        "  output  class_map: uint8 [N, height, width], class indices",
        "  output  probabilities: float32 [N, height, width, 2], 0..1",
    ]
    assert "100.0000% of the pixels have the same class as with best.keras (3 records of split 'val'" in done.stdout
    assert "MODEL_CARD.md: fill in what the model is meant for" in lines


def test_bad_options_are_one_line(root):
    assert_one_line(segconv(root, "records", "--format", "keras"), 2, "holds no config.json")
    assert_one_line(segconv(root, "--format", "keras", "--out", "a.h5"), 2, "Pass --out a.keras")
