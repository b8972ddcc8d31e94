"""Options shared by several commands."""

from __future__ import annotations

import json
import os
import re
import shlex

import pytest
from command_line import assert_one_line


def test_sides_are_height_by_width(segconv, dataset):
    done = segconv("build", "--src", dataset, "--size", "10x40", "-j", "1", "--json")
    assert json.loads(done.stdout)["size"] == [10, 40]
    assert "10 high x 40 wide" in done.stderr


def test_a_size_that_is_none_exits_2(segconv):
    assert_one_line(segconv("build", "--src", "d", "--size", "12by13"), 2, "--size: '12by13' is not a valid size")


def test_variables_set_options(segconv, dataset):
    done = segconv("build", "--src", dataset, "--json", env=os.environ | {"SEGCONV_BUILD_SIZE": "8x9"})
    assert json.loads(done.stdout)["size"] == [8, 9]


def pairs_of(done) -> dict[str, int]:
    return {split: each["pairs"] for split, each in json.loads(done.stdout)["splits"].items()}


def test_the_list_that_a_warning_proposes_is_used_by_every_command(segconv, dataset):
    (dataset / "train my.csv").write_text("\n".join((dataset / "train.txt").read_text().replace(";", ",").split()[:3]))
    done = segconv("check", "--src", dataset, "--json", "-j", "1")
    (problem,) = [each for each in json.loads(done.stdout)["problems"] if each["code"] == "W_UNUSED_LIST"]
    (way,) = re.findall(r"--list (?:'[^']*'|\S+)", problem["mend"])
    options = ("--src", dataset, *shlex.split(way), "--list", f"val={dataset}/val.txt", "-j", "1")
    done = segconv("check", *options, "--json")
    assert pairs_of(done) == {"train": 3, "val": 2}
    report = json.loads(done.stdout)
    assert "W_UNUSED_LIST" not in {each["code"] for each in report["problems"]}
    assert segconv("build", *options, "--size", "24").returncode == 0
    assert "up to date" in segconv("build", *options, "--size", "24").stderr
    done = segconv("verify", "--src", dataset, *shlex.split(way), "--list", f"val={dataset}/val.txt")
    assert done.returncode == 0, done.stdout


def test_the_next_command_carries_the_lists_along(segconv, dataset):
    (dataset / "val.txt").rename(dataset / "other list.txt")
    options = ("--src", str(dataset), "--list", "train.txt", "--list", "val=other list.txt")
    done = segconv("check", *options, "-j", "1")
    command = next(line for line in done.stdout.splitlines() if "segconv build" in line)
    words = shlex.split(command[command.index("segconv build") :])[1:]
    assert "--list val=other list.txt" in " ".join(words)
    assert segconv(*words, "--size", "24").returncode == 0


def test_the_command_for_folds_splits_them_whole(segconv, dataset):
    for kind, name in (("jpg", "images"), ("png", "masks")):
        for path in sorted((dataset / kind).iterdir()):
            number = int(path.stem[1:])
            new = dataset / f"fold {number // 2}" / name / f"x{number}{path.suffix}"
            new.parent.mkdir(parents=True, exist_ok=True)
            path.rename(new)
    for name in ("train.txt", "val.txt"):
        (dataset / name).unlink()
    for kind in ("jpg", "png"):
        for path in (dataset / f"val_{kind}").iterdir():
            path.unlink()
    done = segconv("check", "--src", dataset, "--json", "-j", "1")
    (problem,) = [each for each in json.loads(done.stdout)["problems"] if each["code"] == "W_FOLDS"]
    (command,) = re.findall("`(.*)`", problem["mend"])
    done = segconv(*shlex.split(command)[1:], "--val", "0.34")
    assert done.returncode == 0, done.stderr
    assert "W_FOLDS" not in done.stderr  # no advice to run what has just run
    folds = [
        {line.partition("/")[0] for line in (dataset / name).read_text().splitlines()[1:]}
        for name in ("train.txt", "val.txt")
    ]
    assert not folds[0] & folds[1]


def test_a_list_that_is_not_there_exits_2(segconv, dataset):
    assert_one_line(segconv("build", "--src", dataset, "--list", "val=no.txt"), 2, "no.txt: does not exist")


@pytest.mark.parametrize("kind", ["table", "json", "train_list", "folders"])
def test_what_was_split_by_words_tables_or_json_is_verified_against_its_source(segconv, dataset, kind):
    lists = {split: (dataset / f"{split}.txt").read_text().split() for split in ("train", "val")}
    for split in lists:
        (dataset / f"{split}.txt").unlink()
    start = {"train": ("jpg", "png"), "val": ("val_jpg", "val_png")}
    named = [
        (split, *(f"{folder}/{name}" for folder, name in zip(start[split], line.split(";"), strict=True)))
        for split, lines in lists.items()
        for line in lines
    ]
    if kind == "table":
        rows = ["set,image,mask", *map(",".join, named)]
        (dataset / "all.csv").write_text("\n".join(rows))
    elif kind == "json":
        content = {split: [pair for own, *pair in named if own == split] for split in lists}
        (dataset / "dataset.json").write_text(json.dumps(content))
    else:
        for split in lists:
            lines = [";".join(pair) for own, *pair in named if own == split]
            (dataset / f"{split}_list.txt").write_text("\n".join(lines))
    if kind == "folders":
        for split, folders in start.items():
            (dataset / f"{split}_list.txt").unlink()
            for folder, name in zip(folders, ("images", "masks"), strict=True):
                (dataset / f"my_{split}").mkdir(exist_ok=True)
                (dataset / folder).rename(dataset / f"my_{split}" / name)
                for path in (dataset / f"my_{split}" / name).iterdir():
                    path.rename(path.with_stem(f"{split}{path.stem[1:]}"))
    done = segconv("build", "--src", dataset, "--size", "24", "-j", "1", "--json")
    records = {split: each["records"] for split, each in json.loads(done.stdout)["splits"].items()}
    assert (done.returncode, records) == (0, {"train": 6, "val": 2})
    assert "Warning" not in done.stderr
    done = segconv("verify", "--src", dataset, "--records", "all")
    assert (done.returncode, "8 of them rebuilt from the source" in done.stdout) == (0, True), done.stdout
