"""What a process loads is what its user pays for, at every start."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"numpy", "PIL", "tqdm", "tensorflow", "keras", "google_crc32c"}


def loaded(code: str) -> set[str]:
    """Returns the top-level modules in a fresh interpreter that has run `code`."""
    probe = f"{code}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_nothing_heavy():
    code = "from converter.cli import segconv\nsegconv.main(['--help'], standalone_mode=False)"
    assert not loaded(code) & HEAVY


@pytest.mark.parametrize(
    "command", ["sample", "check", "classes", "split", "build", "inspect", "verify", "train", "evaluate"]
)
def test_help_of_a_command_loads_nothing_heavy(command):
    code = f"from converter.cli import segconv\nsegconv.main(['{command}', '--help'], standalone_mode=False)"
    assert not loaded(code) & HEAVY


def test_the_converter_never_loads_tensorflow():
    rooms = "build, check_page, cli, engines, inspect_shard, make_splits, sample, shards, source, verify"
    assert not loaded(f"from converter import {rooms}") & {"tensorflow", "keras"}
