"""What the tests of the command line start, and what every refusal must look like."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-c", "from converter.cli import main; main()"]
SMALL = ("--size", "24", "-j", "1")


def assert_one_line(done: subprocess.CompletedProcess[str], code: int, text: str) -> None:
    """Holds a failed run against its exit code and its one line on stderr."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    said = ("24 high x 24 wide", "layout ", "classes: ")  # what is being done, before it fails
    lines = [line for line in done.stderr.splitlines() if not line.startswith(said)]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("Error: ")
    assert text in lines[0]


def names_in(folder: Path) -> list[str]:
    """Returns the visible names in a folder, which need not be there."""
    paths = folder.iterdir() if folder.exists() else ()
    return sorted(path.name for path in paths if not path.name.startswith(".segconv-"))
