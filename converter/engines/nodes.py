"""Nodes: what a machine of a cluster must have before it gets work.

`problem_of` runs there as it is sent, since this package may be absent or of another version; so it imports only from
the standard library, and the package itself where it runs.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from converter.errors import UsageError
from converter.version import __version__


@dataclass(frozen=True)
class Needs:
    """What every node must have.

    Attributes:
      version: of segconv.
      folder: working folder of the command, from which relative paths count.
      paths: files and folders that every node must see.
    """

    version: str
    folder: str
    paths: tuple[str, ...]


def needs_of(*paths: Path) -> Needs:
    """Returns what tasks of this process, in its working folder and with these paths, need."""
    return Needs(__version__, os.getcwd(), tuple(map(str, paths)))  # noqa: PTH109 - as text


def problem_of(version: str, folder: str, paths: tuple[str, ...]) -> str:
    """Returns what this machine lacks of the `Needs` with these members, after its name; "" for nothing."""
    import importlib
    import os
    import platform

    name = platform.node()
    try:
        found = importlib.import_module("converter.version").__version__
    except ImportError as error:
        return f"{name} has no segconv ({error})"
    if found != version:
        return f"{name} has segconv {found}, and the command is of {version}"
    absent = [path for path in (folder, *paths) if not os.path.exists(os.path.join(folder, path))]  # noqa: PTH110, PTH118
    return f"{name} has no {absent[0]}" if absent else ""


def check(problems: list[str]) -> None:
    """Raises UsageError for the first machine that lacks something.

    Args:
      problems: of each machine, from `problem_of`.
    """
    lacking = [problem for problem in problems if problem]
    if lacking:
        fix = "Install the same version on all nodes, and give them the same folders."
        raise UsageError("--engine", f"cannot use {len(lacking)} of {len(problems)} nodes: {lacking[0]}", fix, "E_NODE")
