"""What CONTRIBUTING.md says of an addition is true: each diff applies to a copy of the tree, and works there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import write_dataset
from PIL import Image

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
DIFFS = dict(re.findall(r"^### An? (.+?)\n.*?^```diff\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))
KINDS = {
    *("layout", "class-file format", "preset", "loss", "model", "encoder", "augmentation"),
    *("engine", "store", "command"),
}


def files_of(diff: str) -> dict[str, list[str]]:
    """Returns the hunks of each file of a diff, without their heads."""
    parts = re.split(r"^--- .*\n\+\+\+ b/(.*)\n", diff, flags=re.MULTILINE)[1:]
    return {
        name: re.split(r"^@@ .* @@\n", text, flags=re.MULTILINE)[1:]
        for name, text in zip(*[iter(parts)] * 2, strict=True)
    }


def side(hunk: str, mark: str) -> str:
    """Returns the lines of a hunk before ("-") or after ("+") the change."""
    return "".join(line[1:] for line in hunk.splitlines(keepends=True) if line[0] in (" ", mark))


def apply(diff: str, tree: Path) -> None:
    """Applies a diff to a tree; the lines around a change must be there exactly once."""
    for name, hunks in files_of(diff).items():
        path = tree / name
        text = path.read_text() if path.exists() else ""
        for hunk in hunks:
            old, new = side(hunk, "-"), side(hunk, "+")
            assert text.count(old) == 1 if old else not text, f"{name}: {old or text[:60]}"
            text = text.replace(old, new) if old else new
        path.write_text(text)


@pytest.fixture
def run(tmp_path):
    """Returns a function that applies additions to a copy of the tree and runs Python code there, in tmp_path."""

    def run_with(kinds: tuple[str, ...], code: str) -> str:
        tree = tmp_path / "tree"
        for package in ("converter", "trainer"):
            shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__"))
        for kind in kinds:
            apply(DIFFS[kind], tree)
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=200,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run_with


def test_there_are_ten_and_each_touches_at_most_two_files():
    assert set(DIFFS) == KINDS
    assert {kind: len(files_of(diff)) for kind, diff in DIFFS.items() if len(files_of(diff)) > 2} == {}


def test_a_diff_whose_surroundings_are_not_there_is_noticed(tmp_path):
    (tmp_path / "a.py").write_text("one\ntwo\n")
    with pytest.raises(AssertionError, match=r"a\.py"):
        apply("--- a/a.py\n+++ b/a.py\n@@ -1,1 +1,2 @@\n three\n+four\n", tmp_path)
    apply("--- a/a.py\n+++ b/a.py\n@@ -1,1 +1,2 @@\n two\n+three\n", tmp_path)
    assert (tmp_path / "a.py").read_text() == "one\ntwo\nthree\n"


def test_a_layout_is_detected(run, tmp_path):
    for folder, end in (("images/10k/train", "jpg"), ("labels/sem_seg/masks/train", "png")):
        (tmp_path / "ds" / folder).mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "ds" / folder / f"a.{end}")
    code = """
from pathlib import Path
from converter.config import SourceConfig
from converter.sources.layouts.find import find_layout
layout = find_layout(SourceConfig(Path("ds")))
print(layout.name, layout.refs["train"][0].mask)
"""
    assert run(("layout",), code) == "bdd labels/sem_seg/masks/train/a.png\n"


def test_a_class_file_format_is_recognised_where_it_lies(run, tmp_path):
    dataset = write_dataset(tmp_path / "ds")
    (dataset / "classes.csv").unlink()
    (dataset / "legend.tsv").write_text('"color"\t"name"\n"#000000"\t"ground"\n"#1600FF"\t"house"\n')
    code = """
from pathlib import Path
from converter.classes.find import find_class_map
from converter.config import SourceConfig
from converter.sources.layouts.find import find_layout
source = SourceConfig(Path("ds"))
found = find_class_map(source, find_layout(source))
print(found.kind, found.classes.names)
"""
    assert run(("class-file format",), code) == "legend ('ground', 'house')\n"


def test_a_preset_is_taken_by_its_name_and_named_in_the_help(run):
    code = """
from converter.classes.presets import preset
from converter.cli import segconv
print(preset("traffic").names)
segconv.main(["build", "--help"], standalone_mode=False)
"""
    out = run(("preset",), code)
    assert out.startswith("('road', 'water')\n")
    assert "traffic" in out


@pytest.mark.tf
def test_a_loss_a_model_an_encoder_and_an_augmentation_are_chosen_by_their_names(run):
    code = """
import numpy as np
from trainer.choices.augments import AugmentConfig
from trainer.learning.augment import build_augment
from trainer.learning.losses import build_loss
from trainer.models.build import build_model
from converter.cli import segconv
mask = np.array([[[0, 1], [1, 255]]], np.uint8)
right = np.where(np.eye(2)[np.minimum(mask, 1)] > 0, 50.0, -50.0)
print(round(float(build_loss("jaccard", 2)(mask, right)), 6), round(float(build_loss("jaccard", 2)(mask, -right)), 6))
print(build_model("fcn_tiny", (32, 48), 3).output_shape)
print(build_model("unet", (64, 64), 3, encoder="resnet152").name)
print(build_augment(AugmentConfig(gamma=0.5), 0) is not None)
segconv.main(["train", "--help"], standalone_mode=False)
"""
    out = run(("loss", "model", "encoder", "augmentation"), code)
    assert out.splitlines()[:2] == ["0.0 1.0", "(None, 32, 48, 3)"]
    assert out.splitlines()[3] == "True"
    for name in ("jaccard", "fcn_tiny", "resnet152", "--gamma"):
        assert name in out


def test_an_engine_builds_the_same_bytes_and_a_store_publishes_what_it_adds(run, tmp_path):
    write_dataset(tmp_path / "ds")
    code = """
from pathlib import Path
from converter import BuildConfig, PairConfig, SourceConfig, build
from converter.building.checksums import ChecksumStore
from converter.engines.inline import inline
for out, options in (("a", {}), ("b", {"engine": inline, "store": ChecksumStore(Path("b"))})):
    build(BuildConfig(SourceConfig(Path("ds")), Path(out), "d", PairConfig(size=(16, 16)), workers=1), **options)
a, b = ({p.name: p.read_bytes() for p in Path(f).iterdir() if p.name[0] != "."} for f in "ab")
print(len(b.pop("SHA256SUMS").splitlines()), a == b)
"""
    assert run(("engine", "store"), code) == "4 True\n"


def test_a_command_is_in_the_help_and_runs(run):
    code = """
from converter.cli import segconv
segconv.main(["layouts"], standalone_mode=False)
segconv.main(["--help"], standalone_mode=False)
"""
    out = run(("command",), code)
    assert "voc" in out
    assert "List the layouts" in out
