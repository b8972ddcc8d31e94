"""The command evaluate: its options, as words on a command line."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner
from copying_model import COLORS, NAMES, blocks, copying_run
from PIL import Image
from trainer_fixtures import NEEDS_TF

from converter.errors import UsageError
from trainer.cli.evaluate import evaluate

pytestmark = NEEDS_TF


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A run of a perfect model, and a dataset of three photographs, each with a mask of indices in the other order."""
    (tmp_path / "dataset").mkdir()
    for name, size in {"one": (48, 64), "two": (70, 51), "three": (9, 9)}.items():
        Image.fromarray(COLORS[blocks(size)]).save(tmp_path / f"dataset/{name}.png")
        Image.fromarray(3 - blocks(size)).save(tmp_path / f"dataset/{name}_mask.png")
    pairs = [f"{name}.png;{name}_mask.png\n" for name in ("one", "two", "three")]
    (tmp_path / "dataset/val.txt").write_text("".join(pairs[:2]))
    (tmp_path / "dataset/train.txt").write_text(pairs[2])
    (tmp_path / "turned.csv").write_text("name,value\n" + "".join(f"{name},{3 - n}\n" for n, name in enumerate(NAMES)))
    copying_run(tmp_path, "pad", (48, 64))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def evaluated(*words: str) -> dict:
    done = CliRunner().invoke(evaluate, [*words, "--json"], catch_exceptions=False)
    return json.loads(done.stdout)


def test_a_source_folder_is_scored_at_its_own_size_with_the_class_map_that_is_named(place):
    found = evaluated("--src", "dataset", "--classes", "turned.csv", "--boundary", "--tta", "flips")
    assert found["at"] == "source"
    assert found["miou"] > 0.95  # two of the photograph's pixels a block are blended at its edges
    assert min(row["boundary_iou"] for row in found["classes"]) > 0.5
    pixels = 48 * 64 + 70 * 51
    assert sum(row["pixels"] for row in found["classes"]) == pixels
    assert sum(each["pixels"] for each in found["calibration"]["bins"]) == pixels
    (path,) = (place / "runs").glob("*/images-*.csv")
    with path.open(newline="") as file:
        assert [row["file"] for row in csv.DictReader(file)] == ["one.png", "two.png"]
    wrong = evaluated("--src", "dataset")
    assert wrong["miou"] < 0.3  # by the run's own class map the indices are other classes


def test_a_source_folder_is_scored_at_the_size_of_the_records(place):
    found = evaluated("--src", "dataset", "--classes", "turned.csv", "--at", "stored")
    assert found["at"] == "stored"
    assert sum(row["pixels"] for row in found["classes"]) == 48 * 64 + 48 * round(51 * 48 / 70)


def test_a_source_folder_is_read_as_build_reads_it(place):
    (place / "other.txt").write_text("three.png;three_mask.png\n")
    words = ["--src", "dataset", "--classes", "turned.csv"]
    listed = evaluated(*words, "--list", f"val={place / 'other.txt'}")
    assert listed["records"] == 1
    (place / "dataset/train.txt").unlink()
    (place / "dataset/val.txt").unlink()
    named = evaluated(*words, "--split", "train", "--image", "{stem}.png", "--mask", "{stem}_mask.png")
    assert named["records"] == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--at", "source"], "--at: is about photographs and masks, not records"),
        (["--classes", "turned.csv"], "--classes: is about photographs and masks"),
        (["--layout", "list"], "--layout: is about photographs and masks"),
        (["--list", "val=val.txt"], "--list: is about photographs and masks"),
        (["--fold", "0"], "--fold: is about photographs and masks"),
        (["--tolerance", "12"], "--tolerance: is about photographs and masks"),
        (["--missing-mask", "ignore"], "--missing-mask: is about photographs and masks"),
        (["--src", "dataset", "--data", "records"], "--src: and --data contradict each other"),
        (["--src", "nowhere"], "nowhere"),
        (["--src", "dataset", "--split", "test"], "has no split 'test', but 'train', 'val'"),
    ],
)
def test_options_that_contradict_each_other_are_refused(place, words, message):
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(evaluate, words, catch_exceptions=False)
