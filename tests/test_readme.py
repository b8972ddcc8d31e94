"""The documents are correct: commands, options, imports, files and tests exist, code blocks run."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from conftest import write_dataset

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


def test_every_command_in_the_readme_exists_and_the_other_way_round():
    named = set(re.findall(r"segconv ([a-z]+)", SHOWN))
    assert named == set(group.commands)


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
    (code,) = re.findall(r"```python\n(.*?)```", FORMAT, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "data/README.md", "exec"), {})  # noqa: S102 - our own document
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 6
    assert lines[0].startswith("jpg/p")
    assert lines[0].endswith("(20, 30, 3) [0, 1, 2, 255]")
