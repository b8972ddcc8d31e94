"""Environments: one for each peer, so that no peer's dependencies stand in the way of another's, or of segconv's.

    python benchmarks/environments.py [NAME ...] [--folder DIR]

What is installed in which one stands in benchmarks/peers/requirements/NAME.txt, pinned. An environment is made when it
is first asked for, and made again when that file has changed. One that cannot be installed on this machine is left out
of the tables with the reason, and is not tried again until its folder is deleted: to compile for minutes and fail is
no part of a measurement.
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
_SHOWN_CHARS = 200  # of the reason why something cannot be installed


@dataclass(frozen=True)
class Environment:
    """An environment of a peer.

    Attributes:
      name: of its file of requirements.
      python: its interpreter.
      failure: why it could not be made; empty where it was.
    """

    name: str
    python: Path
    failure: str = ""


def make_environment(name: str, folder: Path = FOLDER) -> Environment:
    """Returns an environment below `folder`, made first where it is not there yet."""
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
    """Returns what the file of an environment pins, in one line: "webdataset 1.0.2, pillow 13.0.0"."""
    lines = (REQUIREMENTS / f"{environment.name}.txt").read_text().splitlines()
    return ", ".join(line.replace("==", " ") for line in lines if line and not line.startswith("#"))


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _reason(stderr: str) -> str:
    """Returns the line of pip's complaint that says most: the first that names an error of what was being built."""
    lines = [line.strip(" │╰─>×") for line in stderr.splitlines()]
    named = [line for line in lines if "Error" in line or "not found" in line] or lines
    return (named[0] if named else "pip failed and did not say why")[:_SHOWN_CHARS]


def main() -> None:
    """Makes the environments that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=sorted(path.stem for path in REQUIREMENTS.glob("*.txt")))
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    for name in arguments.names:
        environment = make_environment(name, arguments.folder)
        print(f"{name:16} {environment.failure or versions(environment)}")


if __name__ == "__main__":
    main()
