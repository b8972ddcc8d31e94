"""The public face: what scripts may import, what that costs, and an example that runs as it stands."""

from __future__ import annotations

import doctest
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import write_dataset

import converter

ROOT = Path(__file__).parent.parent


def test_the_example_in_the_docstring_runs_and_prints_what_it_says(tmp_path, monkeypatch):
    write_dataset(tmp_path / "dataset", size=(36, 48))
    monkeypatch.chdir(tmp_path)
    (example,) = doctest.DocTestFinder(recurse=False).find(converter, "converter", globs={})
    assert len(example.examples) >= 5
    assert doctest.DocTestRunner(verbose=False).run(example) == (0, len(example.examples))


def test_every_public_name_is_listed_once_and_comes_from_where_it_is_defined():
    assert converter.__all__ == sorted(converter.__all__)
    assert set(converter.__all__) == set(converter._PUBLIC)
    for name in converter.__all__:
        thing = getattr(converter, name)
        assert (thing.__module__, thing.__name__) == (converter._PUBLIC[name], name)


@pytest.mark.parametrize("name", converter.__all__)
def test_every_public_thing_is_documented_and_its_parameters_have_types(name):
    thing = getattr(converter, name)
    assert inspect.getdoc(thing)
    for parameter in inspect.signature(thing).parameters.values() if inspect.isfunction(thing) else ():
        assert parameter.annotation is not inspect.Parameter.empty


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="has no attribute 'bild'"):
        _ = converter.bild


@pytest.mark.parametrize("line", ["import converter", "from converter import SegconvError, BuildConfig, read_manifest"])
def test_what_needs_no_pixels_loads_no_numpy(line):
    code = f"{line}\nimport sys\nprint([m for m in ('numpy', 'PIL', 'click', 'tqdm') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
