"""Nodes: what a machine lacks is said before it gets work."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from converter.engines.nodes import check, needs_of, problem_of
from converter.errors import UsageError
from converter.version import __version__

NAME = platform.node()


def test_a_machine_that_has_all_has_no_problem(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dataset").mkdir()
    needs = needs_of(Path("dataset"))
    assert (needs.version, needs.folder, needs.paths) == (__version__, str(tmp_path), ("dataset",))
    monkeypatch.chdir("/")
    assert problem_of(needs.version, needs.folder, needs.paths) == ""


def test_another_version_and_a_missing_folder_are_named_with_the_machine(tmp_path):
    found = problem_of("9.9.9", str(tmp_path), ())
    assert found == f"{NAME} has segconv {__version__}, and the command is of 9.9.9"
    assert problem_of(__version__, str(tmp_path), ("dataset",)) == f"{NAME} has no dataset"
    assert problem_of(__version__, "/nowhere/at all", ()) == f"{NAME} has no /nowhere/at all"


def test_a_machine_without_segconv_is_named(tmp_path):
    """The source of the function runs in a Python that cannot import the package, as Ray sends it to a node."""
    import inspect

    code = textwrap.dedent(inspect.getsource(problem_of)) + "print(problem_of('1', '/', ()))"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{NAME} has no segconv (No module named 'converter')\n"


def test_the_first_of_several_machines_is_named_with_their_number():
    with pytest.raises(UsageError, match=r"--engine: cannot use 2 of 3 nodes: a has no x\. Install the same version"):
        check(["", "a has no x", "b has no x"])
    check(["", ""])
