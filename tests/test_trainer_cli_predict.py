"""Command: which word is the run, exit codes, and what goes to stdout."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from command_line import COMMAND, assert_one_line
from copying_model import COLORS, blocks, copying_run
from PIL import Image
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with a run and three photographs, one of them damaged."""
    root = tmp_path_factory.mktemp("command")
    copying_run(root, "pad", (64, 96))
    (root / "photos").mkdir()
    for name, size in (("a", (64, 96)), ("b", (40, 50)), ("c", (90, 90))):
        Image.fromarray(COLORS[blocks(size)]).save(root / f"photos/{name}.png")
    (root / "photos/c.png").write_bytes((root / "photos/c.png").read_bytes()[:-30])
    return root


def segconv(root, *words):
    env = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}  # set by our backend
    words = [*COMMAND, "predict", *words]
    return subprocess.run(words, cwd=root, env=env, capture_output=True, text=True, timeout=300, check=False)


def test_the_newest_run_predicts_and_a_damaged_photograph_is_left_out(root):
    done = segconv(root, "photos", "--out", "out", "--on-error", "skip", "--json")
    assert done.returncode == 3, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["predicted"], answer["unchanged"]) == (2, 0)
    assert [error["file"] for error in answer["refused"]] == ["photos/c.png"]
    assert "Left out: photos/c.png: is truncated" in done.stderr
    (run,) = (root / "runs").iterdir()
    again = segconv(root, f"runs/{run.name}", "photos/a.png", "photos/b.png", "--out", "out")
    assert again.returncode == 0, again.stderr
    assert "0 predicted, 2 unchanged, 0 left out: out" in again.stdout


def test_bad_input_is_one_line(root):
    assert_one_line(segconv(root, "photos/c.png", "--out", "other"), 1, "photos/c.png: is truncated")
    (run,) = (root / "runs").iterdir()
    assert_one_line(segconv(root, f"runs/{run.name}", "--out", "other"), 2, "has nothing to predict")
    assert_one_line(segconv(root, "photos", "--out", "photos"), 2, "photos: holds something else")
