"""Public datasets in the layouts of their sources go through the commands that segconv prints, to the right masks."""

from __future__ import annotations

import contextlib
import io
import pkgutil
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from in_process import in_process
from PIL import Image
from wild_datasets import DATASETS
from wild_drawing import Value, Wild

from converter import RecordSource, cli, read_manifest
from converter.system.console import set_verbosity

ENGINES = ("checking.check:check", "checking.survey:survey", "building.build:build")
MAX_COMMANDS = 8


def started(words: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Runs the command line in this process; returns its exit code and what it printed."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "argv", ["segconv", *words])
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        set_verbosity(0)
        code = cli._run()
    return code, out.getvalue()


def next_command(text: str) -> str:
    """Returns the command that follows "next:"; "" where there is none."""
    found = re.findall(r"next: (segconv .*)", text)
    return found[-1].split(", then ")[0] if found else ""


def chosen(text: str, choice: str) -> str:
    """Returns the first of the options printed for a choice that is the right one."""
    ways = re.findall(r"--image .*?(?= \(\d+ pairs?\))", text) or re.findall(r"with ((?:--list [^ ,;]+ ?)+)", text)
    return next(way for way in ways if choice in way)


def key_of(value: str) -> Value:
    """Returns a value of classes.csv as a key of the classes of a dataset."""
    return tuple(bytes.fromhex(value[1:])) if value.startswith("#") else int(value)  # type: ignore[return-value]


def edit(path: Path, wild: Wild) -> None:
    """Names the classes of a draft, as its user would."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    rows = [line.rpartition(",")[2] for line in lines[1:]]
    path.write_text("".join(f"{line}\n" for line in (lines[0], *(f"{wild.name_of(key_of(v))},{v}" for v in rows))))


def walk(wild: Wild, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], int]:
    """Follows what segconv prints, from check to inspect; returns the commands and the number of choices."""
    command = f"segconv check --src {wild.folder}"
    ran: list[str] = []
    choices = 0
    while len(ran) < MAX_COMMANDS:
        for part in command.split(" && "):
            name, *words = shlex.split(part)[1:]
            more = {"build": ["-j", "1", "--keep-size"], "inspect": []}.get(name, ["-j", "1"])
            code, text = started([name, *words, *more], monkeypatch)
            ran.append(name)
            assert code == 0 or name == "check", text
        if name == "inspect":
            return ran, choices
        if following := next_command(text):
            command = following
        else:
            choices += 1
            command = f"segconv check --src {wild.folder} {chosen(text, wild.choice)}"
        if "edit the names" in text:
            edit(wild.folder / "classes.csv", wild)
    raise AssertionError(f"no end after {ran}: {text}")


def right_mask(wild: Wild, mask: str) -> np.ndarray:
    """Returns the name of the class of each pixel of a mask, by the documentation of the dataset; "ignore" for none."""
    pixels = np.asarray(Image.open(wild.folder / mask)).astype(int)
    if mask.endswith(".jpg"):
        pixels = np.where(pixels > 127, 255, 0)
    names = np.full(pixels.shape[:2], "", object)
    for value in wild.classes:
        fits = pixels == np.array(value)
        names[fits.all(-1) if fits.ndim == 3 else fits] = wild.name_of(value)
    assert (names != "").all()
    return names


@pytest.mark.parametrize("draw", DATASETS, ids=lambda draw: draw.__name__)
def test_a_public_dataset_goes_from_check_to_inspect_by_the_printed_commands(tmp_path, monkeypatch, draw):
    monkeypatch.chdir(tmp_path)
    for function in ENGINES:
        monkeypatch.setitem(pkgutil.resolve_name(f"converter.{function}").__kwdefaults__, "engine", in_process)
    wild = draw(Path(draw.__name__))
    commands, choices = walk(wild, monkeypatch)
    assert commands[-2:] == ["build", "inspect"]
    assert choices == bool(wild.choice)

    manifest = read_manifest(Path("records"))
    names = np.full(256, "", object)
    names[: manifest.num_classes] = [each.name for each in manifest.classes]
    names[255] = "ignore"
    found: dict[str, str] = {}
    for split in manifest.splits:
        for record in RecordSource(Path("records"), split):
            assert record.file_name not in found
            found[record.file_name] = split
            mask = wild.splits[record.file_name][1]
            assert record.mask_name == mask
            np.testing.assert_array_equal(names[record.mask], right_mask(wild, mask))
    published = {image: split for image, (split, _) in wild.splits.items()}
    if "val" not in published.values():  # then `segconv split` made one of the images of train
        assert "val" in found.values()
        found = {image: "train" if split == "val" else split for image, split in found.items()}
    assert found == published
