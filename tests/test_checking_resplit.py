"""Resplit, and every other command in a message: run as printed, each leads on until the records are inspected."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import write_dataset
from PIL import Image

_COMMAND = re.compile(r"segconv (?:check|classes|split|build) --src [^`\n]*?(?=$| again$|`| && |\. | drafts )", re.M)


def save(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def draw(folder: Path, image: str, mask: str, number: int = 6, color: bool = False) -> Path:
    """Draws pairs whose paths are templates with one place for a number."""
    for index in range(number):
        rng = np.random.default_rng([index, *image.encode()])
        save(folder / image.format(index), rng.integers(0, 256, (24, 32, 3), np.uint8))
        pixels = np.zeros((24, 32), np.uint8)
        pixels[4:20, 8 : 12 + index] = 1
        save(folder / mask.format(index), np.array([(0, 0, 0), (200, 30, 40)], np.uint8)[pixels] if color else pixels)
    return folder


def templates(folder: Path) -> list[str]:
    draw(folder, "photos/{}.jpg", "annotations/seg/{}.png")
    return ["--image", "photos/{stem}.jpg", "--mask", "annotations/seg/{stem}.png"]


def templates_in_one_folder(folder: Path) -> list[str]:
    draw(folder, "all/it's {}.jpg", "all/it's {} mask.png")
    return ["--image", "all/{stem}.jpg", "--mask", "all/{stem} mask.png"]


def only_train(folder: Path) -> list[str]:
    draw(folder, "jpg/p{}.jpg", "png/m{}.png")
    (folder / "train.txt").write_text("".join(f"p{n}.jpg;m{n}.png\n" for n in range(6)))
    return []


def only_train_csv(folder: Path) -> list[str]:
    draw(folder, "x/p{}.jpg", "y/m{}.png")
    (folder / "train.csv").write_text("image,mask\n" + "".join(f"x/p{n}.jpg,y/m{n}.png\n" for n in range(6)))
    return []


def train_and_test(folder: Path) -> list[str]:
    draw(folder, "train/images/p{}.jpg", "train/masks/p{}.png")
    draw(folder, "test/images/qq{}.jpg", "test/masks/qq{}.png", number=2)
    return []


def classes_elsewhere(folder: Path) -> list[str]:
    draw(folder, "images/{}.jpg", "masks/{}.png", color=True)
    file = folder.with_name("my classes.csv")
    file.write_text("name,value\nground,0 0 0\nroad,200 30 40\n")
    return ["--classes", str(file)]


def with_tolerance(folder: Path) -> list[str]:
    options = classes_elsewhere(folder)
    for path in (folder / "masks").iterdir():
        pixels = np.asarray(Image.open(path)).copy()
        pixels[0, :3] += np.array([[1, 2, 3], [3, 0, 1], [2, 2, 2]], np.uint8)
        Image.fromarray(pixels).save(path)
    return [*options, "--tolerance", "3", "--size", "16x24", "--fit", "stretch"]


def linked(folder: Path) -> list[str]:
    draw(folder.with_name("far"), "images/{}.jpg", "masks/{}.png")
    folder.mkdir()
    for name in ("images", "masks"):
        (folder / name).symlink_to(folder.with_name("far") / name)
    return ["--follow-links"]


def layout_named(folder: Path) -> list[str]:
    draw(folder, "JPEGImages/{}.jpg", "SegmentationClass/{}.png", number=8)
    return ["--layout", "labelme", "--keep-size"]


def complete(folder: Path) -> list[str]:
    write_dataset(folder)
    (folder / "classes.csv").unlink()
    return []


DATASETS = (templates, templates_in_one_folder, only_train, only_train_csv, train_and_test, classes_elsewhere,
            with_tolerance, linked, layout_named, complete)  # fmt: skip
IN_FAST_SET = (templates, with_tolerance)


def next_of(text: str) -> list[str]:
    """Returns the commands of the last line that says what to run next."""
    line = [line for line in text.splitlines() if line.startswith("next: ") or "; next: " in line][-1]
    commands = line.split("next: ")[1]
    return commands.split(", then ")[0].split(" && ")


@pytest.mark.parametrize(
    "dataset",
    [pytest.param(one, id=one.__name__, marks=() if one in IN_FAST_SET else pytest.mark.slow) for one in DATASETS],
)
def test_every_command_that_is_printed_works_as_printed(
    segconv, tmp_path, monkeypatch, dataset: Callable[[Path], list[str]]
):
    monkeypatch.setenv("SEGCONV_BUILD_WORKERS", "1")
    folder = tmp_path / "my data"
    todo = [shlex.join(["segconv", "check", "--src", "my data", *dataset(folder)])]
    ran: list[str] = []
    tried: set[str] = set()
    while todo:
        command = todo.pop(0)
        assert ran.count(command) < (2 if " check " in command else 1), f"{command} is advised after it has run"
        ran.append(command)
        assert "fix the errors" not in command
        done = segconv(*shlex.split(command)[1:])
        text = done.stdout + done.stderr
        is_to_draft = " check " in command and "E_CLASSES" in text
        assert done.returncode == (1 if is_to_draft else 0), (ran, text)
        later = todo or ([] if "inspect" in command else next_of(text))
        for other in (
            {each.group() for each in _COMMAND.finditer(text)} - tried - {*ran, *later}
        ):  # in a copy, since each may write
            tried.add(other)
            copied = tmp_path / "copies" / str(len(list(tmp_path.glob("copies/*"))))
            shutil.copytree(folder, copied / "my data", symlinks=True)
            words = shlex.split(other)[1:]
            words = [os.path.abspath(copied / "my data") if word == "my data" else word for word in words]  # noqa: PTH100
            again = segconv(*words, *(["--out", copied / "records"] if words[0] == "build" else []))
            is_to_draft = words[0] == "check" and "E_CLASSES" in again.stdout
            assert again.returncode == is_to_draft, (other, again.stdout, again.stderr)
        todo = later
    assert ran[-1].startswith("segconv inspect shard")
    assert any(" build " in command for command in ran)
