"""Folds: fold I is val, the others are train, test stays apart; nothing is guessed where a fold is missing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.config import SourceConfig
from converter.errors import UsageError
from converter.sources.layouts.find import find_layout


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "my data"
    for number in range(9):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 16, 3), np.uint8)
        for name, array in (("images", pixels), ("masks", pixels[..., 0] // 128)):
            (folder / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(array).save(folder / name / f"{number}.png")
    (folder / "classes.csv").write_text("name,value\na,0\nb,1\n")
    return folder


def write_lists(folder: Path, **lists: str) -> None:
    for name, numbers in lists.items():
        (folder / f"{name}.txt").write_text("".join(f"images/{n}.png;masks/{n}.png\n" for n in numbers))


def split_by(folder: Path, fold: int | None) -> dict[str, str]:
    layout = find_layout(SourceConfig(folder, fold=fold))
    return {split: "".join(Path(ref.image).stem for ref in refs) for split, refs in layout.refs.items()}


def test_a_fold_is_val_and_the_others_are_train(source):
    write_lists(source, fold0="01", fold1="23", fold2="45", test="67")
    assert split_by(source, 0) == {"train": "2345", "val": "01", "test": "67"}
    assert split_by(source, 2) == {"train": "0123", "val": "45", "test": "67"}
    assert "fold 2 of 3 is val" in find_layout(SourceConfig(source, fold=2)).evidence


def test_without_a_choice_all_folds_are_train_with_a_warning_and_a_train_list_wins(source):
    write_lists(source, fold0="01", fold1="23")
    assert split_by(source, None) == {"train": "0123"}
    assert [unused.code for unused in find_layout(SourceConfig(source)).unused] == ["W_FOLDS"]
    write_lists(source, train="0123456", val="78")
    assert split_by(source, None) == {"train": "0123456", "val": "78"}


@pytest.mark.parametrize(("lists", "fold", "text"), [
    ({"fold0": "01", "fold1": "23"}, 2, "fold2.txt: does not exist; there are folds 0 to 1"),
    ({"fold0": "01", "fold2": "23"}, 0, "fold1.txt: does not exist"),
    ({}, 0, "fold0.txt: does not exist"),
    ({"fold0": "01"}, 0, "does not exist"),
])  # fmt: skip
def test_a_fold_that_is_not_there_is_named(source, lists, fold, text):
    write_lists(source, **lists)
    with pytest.raises(UsageError) as caught:
        find_layout(SourceConfig(source, fold=fold))
    assert text in str(caught.value)
    assert caught.value.fix.endswith(f"segconv split --src '{source}' --folds 5 --overwrite")


def test_fold_lists_may_name_images_alone(source):
    for number in range(2):
        (source / f"fold{number}.txt").write_text(f"{number}\n")
    assert split_by(source, 1) == {"train": "0", "val": "1"}


def test_a_fold_of_a_layout_or_of_other_lists_is_refused(source):
    with pytest.raises(UsageError, match="--list contradict each other"):
        SourceConfig(source, fold=0, lists=(("train", "a.txt"),))
    with pytest.raises(UsageError, match="--layout contradict each other"):
        SourceConfig(source, fold=0, layout="voc")


def test_folds_are_made_and_built_with_the_commands_that_are_printed(segconv, source):
    done = segconv("split", "--src", "my data", "--folds", "3")
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("next: segconv build --src 'my data' --fold 0 --out records-fold0\n")
    lists = [(source / f"fold{n}.txt").read_text().splitlines()[1:] for n in range(3)]
    assert [len(lines) for lines in lists] == [3, 3, 3]
    assert len({line for lines in lists for line in lines}) == 9
    report = json.loads(segconv("check", "--src", "my data", "--json").stdout)
    assert report["next"] == "segconv check --src 'my data' --fold 0"
    report = json.loads(segconv("check", "--src", "my data", "--fold", "1", "--json").stdout)
    assert report["next"] == "segconv build --src 'my data' --fold 1"
    done = segconv("build", "--src", "my data", "--fold", "1", "--size", "8", "--json", "-j", "1")
    assert {name: split["records"] for name, split in json.loads(done.stdout)["splits"].items()} == {
        "train": 6,
        "val": 3,
    }
    assert segconv("verify", "--src", "my data", "--fold", "1").returncode == 0
    assert segconv("split", "--src", "my data", "--folds", "2", "--overwrite").returncode == 0
    assert sorted(path.name for path in source.glob("fold*")) == ["fold0.txt", "fold1.txt", "fold2.txt.old"]
