"""Environments: one per peer, which keeps the dependencies of peers and of segconv apart.

    python benchmarks/environments.py [NAME ...] [--folder DIR]

benchmarks/peers/requirements/NAME.txt pins the packages of each. An environment is created on first use, and rebuilt
when that file has changed. One that cannot be installed on this machine is left out of the tables, with the reason. It
is not tried again until its folder is deleted, because a compilation may take minutes before it fails.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "peers" / "requirements"
FOLDER = Path("build/bench/environments")
_DONE, _FAILED = "installed.txt", "failed.txt"
_SHOWN_CHARS = 200  # maximum length of the reason for a failed installation


@dataclass(frozen=True)
class Environment:
    """An environment of a peer.

    Attributes:
      name: of its requirements file.
      python: its interpreter.
      failure: why it could not be created; empty on success.
    """

    name: str
    python: Path
    failure: str = ""


def make_environment(name: str, folder: Path = FOLDER) -> Environment:
    """Returns an environment in `folder`, created first where it does not exist."""
    wanted = (REQUIREMENTS / f"{name}.txt").read_text()
    home = (folder / name).resolve()
    python = home / "bin" / "python"
    if _read(home / _DONE) == wanted:
        return Environment(name, python)
    if (home / _FAILED).exists():
        return Environment(name, python, _read(home / _FAILED))
    print(f"installing {name} into {home}", file=sys.stderr)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    command = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        REQUIREMENTS / f"{name}.txt",
    ]
    done = subprocess.run(command, text=True, capture_output=True, check=False)
    if done.returncode:
        failure = _reason(done.stderr)
        (home / _FAILED).write_text(failure)
        return Environment(name, python, failure)
    (home / _DONE).write_text(wanted)
    return Environment(name, python)


def versions(environment: Environment) -> str:
    """Returns the pinned versions in one line: "webdataset 1.0.2, pillow 13.0.0"."""
    lines = (REQUIREMENTS / f"{environment.name}.txt").read_text().splitlines()
    return ", ".join(line.replace("==", " ") for line in lines if line and not line.startswith("#"))


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _reason(stderr: str) -> str:
    """Returns the most useful line of pip's output: the first that names a build error."""
    lines = [line.strip(" │╰─>×") for line in stderr.splitlines()]
    named = [line for line in lines if "Error" in line or "not found" in line] or lines
    return (named[0] if named else "pip failed without a message")[:_SHOWN_CHARS]


def main() -> None:
    """Creates the given environments, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=sorted(path.stem for path in REQUIREMENTS.glob("*.txt")))
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    for name in arguments.names:
        environment = make_environment(name, arguments.folder)
        print(f"{name:16} {environment.failure or versions(environment)}")


if __name__ == "__main__":
    main()
