"""The documents and their site: links lead somewhere, commands are accepted, pictures and references are current."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from documents import DOCUMENTS, ROOT, Block, anchors, commands, fault_of_command, links, matches, sessions
from PIL import Image
from test_cli_recommended import fault_of, mentions
from test_layers import read_tree

from converter.cli import segconv
from converter.dataset.parse import read_manifest

DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))
try:
    architecture = importlib.import_module("architecture")
    reference = importlib.import_module("commands").reference
finally:
    sys.path.remove(str(DOCS))
HAS_SITE = all(importlib.util.find_spec(name) is not None for name in ("sphinx", "myst_parser", "furo"))
COMPLETION = dict(re.findall(r"^\| (bash|zsh|fish)[^|]*\|[^|]*\| `(.*)` \|$", (DOCS / "install.md").read_text(), re.M))


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(path):
    for target in links(path.read_text()):
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text()), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=ids)
def test_click_accepts_every_command_in_a_block(path):
    faults = {line: fault for line in commands(path.read_text()) if (fault := fault_of_command(line))}
    assert faults == {}


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=ids)
def test_click_accepts_every_command_in_the_text_of_a_page(path):
    spans = re.findall(r"`(segconv [^`]*)`", path.read_text())
    faults = {(name, rest): fault for span in spans for name, rest in mentions(span) if (fault := fault_of(name, rest))}
    assert faults == {}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("segconv build --src dataset/ --size 360x480   # a comment", ""),
        ("segconv build --src dataset/ --sizes 3", "No such option"),
        ("segconv build --out records/", "lacks src"),
        ("segconv build --src dataset/ more", "takes no"),
        ("segconv refine", "there is no command refine"),
        ("segconv train --loss l2", "is not one of"),
        ("segconv predict photos/ --out p/", ""),
        ("segconv predict photos/", "lacks out"),
    ],
)
def test_a_command_line_that_click_refuses_is_found(line, fault):
    found = fault_of_command(line)
    assert fault in found if fault else not found


def test_lines_that_are_shown_are_held_against_those_that_are_printed():
    assert matches(("a  1.5", "...", "b"), ["a 27", "x", "y", "b"])
    assert not matches(("a 1.5", "b"), ["a 27", "x", "b"])
    assert not matches(("road 1.5",), ["roof 1.5"])
    (session,) = sessions("```console\n$ segconv train\nrun\n$ segconv report\n```\n")
    assert session == [Block("segconv train", ("run",)), Block("segconv report", ())]


def test_the_site_lists_every_page():
    listed = re.findall(r"^(?:\.\./)?[\w/-]+$", (DOCS / "index.md").read_text(), re.MULTILINE)
    pages = {path.stem for path in DOCS.glob("*.md")} - {"index"}
    assert pages - set(listed) == set(), "list it in a toctree of docs/index.md"
    assert len(listed) == len(set(listed)), "list it once"


def test_the_reference_has_every_command_and_every_option():
    text = reference()
    for name, command in segconv.commands.items():
        (section,) = re.findall(rf"^## segconv {name}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        terms = " ".join(re.findall(r"^`(.*)`$", section, re.MULTILINE)).replace(",", " ").split()
        options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
        for option in options:
            assert set(option.opts) <= set(terms), (name, option.name)
        assert section.count("\n: ") == len(options)


def test_the_picture_of_the_architecture_is_that_of_the_code():
    assert architecture.PICTURE.read_text() == architecture.picture(), "run python docs/architecture.py"


def test_the_picture_has_the_imports_that_the_test_of_the_layers_finds():
    tree = read_tree(ROOT)
    for package in architecture.PACKAGES:
        expected: dict[str, set[str]] = {name: set() for name in tree[package].listed or ()}
        for name, module in tree.items():
            first, *part = name.split(".")[:2]
            for target in module.imports if first == package and part else ():
                into, *other = target.split(".")[:2]
                if into == package and other != part and other and other[0] in expected:
                    expected[part[0]].add(other[0])
        assert architecture.read_imports(package)[0] == expected


def test_arrows_that_follow_from_others_are_left_out_and_long_ones_pass_every_layer():
    graph = architecture.reduced({"a": {"b", "c", "d"}, "b": {"c"}, "c": set(), "d": set()})
    assert graph == {"a": {"b", "d"}, "b": {"c"}, "c": set(), "d": set()}
    assert architecture.layers_of({"a": {"b", "d"}, "b": {"d"}, "d": set()})[1] == ["b", "a>d"]


@pytest.mark.skipif(not HAS_SITE, reason="the tools of the site are not installed: make docs")
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(tmp_path):
    options = ("-q", "-W", "-b", "html", "-c", DOCS, "-d", tmp_path / "trees", ROOT, tmp_path / "site")
    done = subprocess.run([sys.executable, "-m", "sphinx", *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = [path.read_text() for path in (tmp_path / "site").rglob("*.html")]
    assert len(pages) > len(list(DOCS.glob("*.md")))
    for page in pages:
        assert not re.findall(r"<(?:link|script|img|iframe)[^>]*\s(?:href|src)=\"(?:https?:)?//", page)
    styles = "".join(path.read_text() for path in (tmp_path / "site").rglob("*.css"))
    assert not re.findall(r"url\(\W?(?:https?:)?//|@import", styles)
    assert "segconv unpack [OPTIONS] RECORDS DIR" in (tmp_path / "site/docs/commands.html").read_text()


def test_the_file_of_defaults_is_taken_and_the_options_are_shown_as_printed(tmp_path, monkeypatch, capsys):
    text = (DOCS / "commands.md").read_text()
    (toml,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("SEGCONV_")]:
        monkeypatch.delenv(name)
    ((asked,),) = sessions(text)
    segconv.main(asked.command.split()[1:], standalone_mode=False)
    assert matches(asked.output, capsys.readouterr().out.splitlines())
    (tmp_path / "segconv.toml").write_text(toml)
    segconv.main(["train", "--show-config"], standalone_mode=False)
    assert capsys.readouterr().out.count("# segconv.toml") == 3


def test_every_extra_is_in_the_table_of_the_page_on_installing():
    extras = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])
    named = set(re.findall(r"'\.\[(\w+)\]'", (DOCS / "install.md").read_text()))
    assert named <= extras
    assert extras - named == {"tensorboard", "hub"}  # which trainer/README.md names where they are used


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Returns a function that runs lines in a shell that has a command segconv."""
    program = tmp_path / "bin/segconv"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nfrom converter.cli import main\nmain()\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(name: str, lines: str) -> list[str]:
        path = shutil.which(name)
        if path is None:
            pytest.skip(f"{name} is not installed")
        options = {"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[name]
        done = subprocess.run([path, *options, "-c", lines], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    return run


def test_the_line_for_bash_completes_commands_options_and_values(shell):
    def completed(*words: str) -> list[str]:
        given = " ".join(f"'{word}'" for word in words)
        lines = (
            f'COMP_WORDS=({given}); COMP_CWORD={len(words) - 1}; _segconv_completion segconv; echo "${{COMPREPLY[@]}}"'
        )
        return shell("bash", f"{COMPLETION['bash']}\n{lines}")

    assert completed("segconv", "un") == ["unpack"]
    assert completed("segconv", "train", "--overf") == ["--overfit"]
    assert completed("segconv", "train", "--loss", "crossentropy_") == ["crossentropy_dice", "crossentropy_lovasz"]


def test_the_line_for_fish_completes_commands_and_values(shell):
    line = COMPLETION["fish"].replace(r"\|", "|")
    assert shell("fish", f"{line}\ncomplete -C 'segconv unp'")[0] == "unpack"
    assert shell("fish", f"{line}\ncomplete -C 'segconv build --fit ti'") == ["tile"]


def test_the_line_for_zsh_completes_commands(shell):
    report = 'function _describe { print -rl -- "${(@P)3}" }; words=(segconv unp); CURRENT=2; _segconv_completion'
    found = shell("zsh", f"autoload -U compinit; compinit -u -D\n{COMPLETION['zsh']}\n{report}")
    assert found[0].startswith("unpack:")


def _draw(folder: Path, images: str, masks: str, end: str) -> None:
    """Draws four pairs of a split in a layout, with masks of the values 0, 1 and 2."""
    rng = np.random.default_rng(int.from_bytes(images.encode(), "big") % 2**32)
    for number in range(4):
        for name, pixels in (
            (f"{images}/p{number}.{end}", rng.integers(0, 256, (24, 32, 3), np.uint8)),
            (f"{masks}/p{number}.png", rng.integers(0, 3, (24, 32), np.uint8)),
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(folder / name)


LAYOUTS = {
    "keras-segmentation (image-segmentation-keras)": ("images_prepped_{}", "annotations_prepped_{}", "png", "test"),
    "mmsegmentation": ("img_dir/{}", "ann_dir/{}", "jpg", "val"),
    "Ultralytics": ("images/{}", "masks/{}", "jpg", "val"),
}


@pytest.mark.parametrize("tool", LAYOUTS)
def test_the_commands_for_those_who_come_from_a_tool_build_its_layout(tmp_path, monkeypatch, tool):
    images, masks, end, second = LAYOUTS[tool]
    for split in ("train", second):
        _draw(tmp_path / "dataset", images.format(split), masks.format(split), end)
    if tool == "Ultralytics":
        (tmp_path / "dataset/data.yaml").write_text("names:\n  0: ground\n  1: roof\n  2: road\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEGCONV_BUILD_WORKERS", "1")
    text = (DOCS / "coming-from.md").read_text()
    (section,) = re.findall(rf"^## {re.escape(tool)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    for block in sessions(section)[0]:
        if not block.command.startswith("segconv train"):
            segconv.main(block.command.split()[1:], standalone_mode=False)
    splits = read_manifest(tmp_path / "records").splits
    assert sum(split.records for split in splits.values()) == 8
    assert {"train", "val"} <= splits.keys()


def test_the_code_for_those_who_come_from_a_notebook_runs(tmp_path, monkeypatch, capsys):
    _draw(tmp_path / "dataset", "img_dir/train", "ann_dir/train", "jpg")
    monkeypatch.chdir(tmp_path)
    for words in ("classes --src dataset --write", "build --src dataset --size 24x32 -j 1"):
        segconv.main(words.split(), standalone_mode=False)
    capsys.readouterr()
    (code,) = re.findall(r"```python\n(.*?)```", (DOCS / "coming-from.md").read_text(), re.DOTALL)
    exec(compile(code, "docs/coming-from.md", "exec"), {})  # noqa: S102 - our own document
    assert capsys.readouterr().out.startswith("(24, 32, 3) (24, 32) img_dir/train/p")
