"""Version: one number, in the package and in what pip installs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import converter
from converter.version import __version__

ROOT = Path(__file__).parent.parent


def test_the_package_and_the_project_have_the_same_version():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == __version__ == converter.__version__
