"""The documents are correct: commands, options, imports, files and tests exist, code blocks run."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import write_dataset
from PIL import Image

from converter.building.build import build
from converter.cli import segconv as group
from converter.config import BuildConfig, PairConfig, SourceConfig

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
SHOWN = "\n".join(re.findall(r"^ {4}.*|`[^`]*`", README, re.MULTILINE))  # all code, inline or indented
FORMAT = (ROOT / "data/README.md").read_text()


def test_readme_is_short_and_names_the_test_command_that_ci_runs():
    assert len(README.splitlines()) < 150
    assert "make test" in README
    assert "\nmake test\n" in (ROOT / ".ci/run").read_text()


def test_every_command_in_the_readme_exists_and_all_are_on_the_page_of_commands():
    assert set(re.findall(r"segconv ([a-z]+)", SHOWN)) <= set(group.commands)
    table = (ROOT / "docs/commands.md").read_text()
    assert re.findall(r"^\| `segconv ([a-z]+)", table, re.MULTILINE) == list(group.commands)


def test_the_options_of_a_command_on_the_page_of_commands_exist():
    rows = re.findall(r"^\| `segconv ([a-z]+)(.*)$", (ROOT / "docs/commands.md").read_text(), re.MULTILINE)
    assert len(rows) == len(group.commands)
    for command, row in rows:
        known = {option for parameter in group.commands[command].params for option in parameter.opts}
        assert set(re.findall(r"(?<=[ `])--[a-z-]+", row)) <= known, command


def test_the_picture_is_small_and_drawn_from_what_the_demo_leaves(tmp_path):
    recipe = (ROOT / "Makefile").read_text().partition("\ndemo:")[2].partition("\n\n")[0]
    assert "segconv sample $(DEMO)/new" in recipe
    assert "segconv predict $(DEMO)/new/jpg --runs $(DEMO)/runs --out $(DEMO)/predictions --save index,color" in recipe
    assert "docs/picture.py $(DEMO) $(DEMO)/picture.jpg" in recipe
    assert "](docs/picture.jpg)" in README
    assert (ROOT / "docs/picture.jpg").stat().st_size < 100_000
    colors = {"new/jpg/{}.jpg": (200, 0, 0), "new/png/{}.png": (0, 200, 0), "predictions/color/{}.png": (0, 0, 200)}
    tile = re.search(r'^TILE = "(.*)"$', (ROOT / "docs/picture.py").read_text(), re.MULTILINE)[1]
    for name, color in colors.items():
        path = tmp_path / name.format(tile)
        path.parent.mkdir(parents=True)
        Image.new("RGB", (160, 120), color).save(path, quality=95)
    script, out = ROOT / "docs/picture.py", tmp_path / "picture.jpg"
    subprocess.run([sys.executable, script, tmp_path, out], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    with Image.open(out) as picture:
        row = [picture.getpixel((x, 60)) for x in (80, 248, 416)]
    assert [pixel.index(max(pixel)) for pixel in row] == [0, 1, 2]


def test_every_option_in_the_readme_exists():
    for command, options in re.findall(r"segconv ([a-z]+)(.*)", SHOWN):
        known = {option for parameter in group.commands[command].params for option in parameter.opts}
        assert set(re.findall(r"(?<= )--[a-z-]+", options)) <= known, command


def test_every_import_in_the_readme_is_public():
    imports = re.findall(r"`from (\w+) import ([\w, ]+)`", README)
    assert {package for package, _ in imports} == {"converter", "trainer"}
    for package, names in imports:
        assert set(names.split(", ")) <= set(importlib.import_module(package).__all__), package


@pytest.mark.parametrize("text", [README, FORMAT, (ROOT / "CONTRIBUTING.md").read_text()])
def test_every_file_named_in_a_document_exists(text):
    text = re.sub(r"^```diff\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)  # which name what they add
    for name in re.findall(r"(?:tests|benchmarks|converter|trainer)/[\w/]+\.py", text):
        assert (ROOT / name).is_file(), name
    for name, test in re.findall(r"(tests/\w+\.py)::(\w+)", text):
        assert f"def {test}(" in (ROOT / name).read_text(), test


@pytest.mark.tf
def test_the_reader_in_the_format_description_runs(tmp_path, monkeypatch, capsys):
    dataset = write_dataset(tmp_path / "dataset")
    build(BuildConfig(SourceConfig(dataset), tmp_path / "records", pair=PairConfig(size=(20, 30)), workers=1))
    (code,) = re.findall(r"```python\n(import tensorflow.*?)```", FORMAT, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "data/README.md", "exec"), {})  # noqa: S102 - our own document
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("jpg/p")
    assert lines[0].endswith("(20, 30, 3) [0, 1, 2, 255]")
