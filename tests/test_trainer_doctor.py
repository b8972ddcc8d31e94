"""Doctor: every extra is told, and nothing that names a user."""

from __future__ import annotations

import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from trainer import doctor

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]


def test_every_extra_has_its_line():
    assert doctor.EXTRAS.keys() == PROJECT["optional-dependencies"].keys()


@pytest.mark.tf
def test_versions_and_installed_extras_are_those_of_the_environment():
    text = doctor.diagnosis()
    lines = {line.split()[0]: line for line in text.splitlines() if line}
    assert metadata.version("pillow") in lines["packages"]
    assert metadata.version("tensorflow") in lines["training"]
    assert lines["train"].split()[1] == "yes"
    assert str(Path.home()) not in text
    assert str(Path.cwd()) not in text


@pytest.fixture
def lacking(monkeypatch):
    """Returns a function that takes a package out of what is installed."""
    true = metadata.version

    def lack(missing: str) -> None:
        def version(name):
            if name == missing:
                raise metadata.PackageNotFoundError(name)
            return true(name)

        monkeypatch.setattr(doctor.metadata, "version", version)
        monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)

    return lack


def test_a_missing_package_is_a_missing_extra_and_the_command_that_installs_it(lacking):
    lacking("tensorflow")
    text = doctor.diagnosis()
    (row,) = (line for line in text.splitlines() if line.startswith("train "))
    assert row.split()[1] == "no"
    assert "pip install 'segconv[train]'" in text


def test_the_fast_decoder_is_a_dependency_and_where_it_is_missing_the_command_is_told(lacking):
    (wanted,) = (text for text in PROJECT["dependencies"] if text.startswith("kornia-rs"))
    assert wanted.startswith(f"{doctor.FAST_PNG};")  # a marker follows: it has no wheel elsewhere
    lacking("kornia-rs")
    assert f"slow PNG    Pillow decodes it at three to four times the cost: pip install '{doctor.FAST_PNG}'" in (
        doctor.diagnosis()
    )


@pytest.mark.parametrize("name", ["jpg", "zlib"])
def test_a_codec_that_pillow_lacks_is_named(monkeypatch, name):
    true = doctor.features.check
    monkeypatch.setattr(doctor.features, "check", lambda asked: asked != name and true(asked))
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    assert f"no codec    {doctor.CODECS[name]}: install Pillow" in doctor.diagnosis()
