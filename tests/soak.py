"""Soak: a build is killed at random moments, gone on with, and must end with the bytes of an undisturbed one.

    python tests/soak.py --kills 50 --seed 0           kills the build or one of its workers 50 times
    python tests/soak.py --kills 50 --seed 0 --disk    and lets it run into a limit on the size of files as well

The moment is chosen by how much has appeared in the output folder, never by the clock. Whatever is visible at any
moment must be a whole file of the undisturbed dataset.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from conftest import visible, write_dataset

COMMAND = [sys.executable, "-c", "from converter.cli import main; main()"]
KINDS = ("parent", "worker", "group")
DEADLINE_S = 120.0


class Soak:
    """A dataset, its undisturbed records, and a folder in which builds are disturbed.

    Attributes:
      folder: for everything.
      pairs: in train.
      seed: decides moments and victims.
      counts: what was done so far.
    """

    def __init__(self, folder: Path, pairs: int, seed: int) -> None:
        self.folder = folder
        self.out = folder / "records"
        self.random = random.Random(seed)  # noqa: S311 - the moments of kills are no secret
        self.counts: Counter[str] = Counter()
        dataset = write_dataset(folder / "dataset", train=pairs, val=3)
        self.command = [*COMMAND, "build", "--src", str(dataset), "--size", "96", "--shards", "3", "-j", "2", "-o"]
        self.run_undisturbed(folder / "undisturbed")
        self.expected = visible(folder / "undisturbed")
        self.bytes = sum(map(len, self.expected.values()))

    def run_undisturbed(self, out: Path, **options: object) -> subprocess.CompletedProcess[str]:
        """Runs the build, which must end well unless options make it fail."""
        done = subprocess.run([*self.command, str(out)], capture_output=True, text=True, timeout=DEADLINE_S, **options)
        if not options and done.returncode:
            raise AssertionError(done.stderr)
        return done

    def kill_once(self) -> None:
        """Starts a build, kills it or a worker of it, and looks at what is there."""
        kind = self.random.choice(KINDS)
        # Most of the time goes into the shards; the exchange of names takes milliseconds, and is aimed at of its own.
        most_bytes = self.random.random() * self.bytes
        most_names = self.random.randrange(len(self.expected)) if self.random.random() < 0.3 else None
        with subprocess.Popen(
            [*self.command, str(self.out)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
        ) as process:
            deadline = time.monotonic() + DEADLINE_S
            while process.poll() is None and not self._is_reached(most_bytes, most_names):
                if time.monotonic() > deadline:
                    raise AssertionError("the build hangs")
            is_killed = self._kill(process, kind)
            _, stderr = process.communicate(timeout=DEADLINE_S)
        self.counts[kind if is_killed else "too late"] += 1
        if process.returncode not in (0, -signal.SIGKILL):
            raise AssertionError(f"exit code {process.returncode}: {stderr.decode()}")
        self.look(is_done=process.returncode == 0)

    def _is_reached(self, most_bytes: float, most_names: int | None) -> bool:
        if most_names is not None:
            return len(visible_names(self.out)) > most_names
        size = 0
        with contextlib.suppress(OSError):
            for path in self.out.iterdir():
                with contextlib.suppress(OSError):
                    size += path.stat().st_size
        return size > most_bytes

    def _kill(self, process: subprocess.Popen[bytes], kind: str) -> bool:
        with contextlib.suppress(ProcessLookupError):
            if process.poll() is not None:
                return False
            if kind == "group":
                os.killpg(process.pid, signal.SIGKILL)
                return True
            victims = workers_of(process.pid) if kind == "worker" else [process.pid]
            if victims:
                os.kill(self.random.choice(victims), signal.SIGKILL)
                return True
        return False

    def look(self, *, is_done: bool) -> None:
        """Holds what is visible against the undisturbed dataset."""
        found = visible(self.out) if self.out.exists() else {}
        for name, data in found.items():
            if self.expected.get(name) != data:
                raise AssertionError(f"{name} is not the file of the undisturbed build")
        if (is_done or "manifest.json" in found) and found != self.expected:
            raise AssertionError(f"not all files are there: {sorted(self.expected.keys() - found.keys())}")
        if is_done:
            self.counts["finished"] += 1
            strange = [p.name for p in self.out.glob(".*") if not p.name.endswith(".receipt")]
            if strange:
                raise AssertionError(f"left behind: {strange}")
            shutil.rmtree(self.out)

    def finish(self) -> None:
        """Goes on with what the last kill has left, to the end."""
        self.run_undisturbed(self.out)
        self.look(is_done=True)

    def run_into_a_limit(self) -> None:
        """Builds where no file may have more bytes than the second largest shard has, then without a limit."""
        sizes = sorted(len(data) for name, data in self.expected.items() if name[-1].isdigit())
        limit = sizes[-2]
        done = self.run_undisturbed(
            self.out, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        )
        said = done.stderr.strip().splitlines()
        if done.returncode != 4 or "cannot be written (File too large)" not in said[-1]:
            raise AssertionError(done.stderr)
        self.look(is_done=False)
        kept = len(list(self.out.glob("*.receipt")))
        done = self.run_undisturbed(self.out)
        self.look(is_done=True)
        sys.stdout.write(f"limit of {limit} bytes a file: exit code 4, {kept} shards kept, then the same bytes\n")


def visible_names(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return [name for name in os.listdir(folder) if not name.startswith(".segconv-")]  # noqa: PTH208 - polled
    return []


def workers_of(parent: int) -> list[int]:
    """Returns the worker processes of a build."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            fields = (path / "stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and "spawn_main" in (path / "cmdline").read_text():
                found.append(int(path.name))
    return sorted(found)


def main(arguments: list[str] | None = None) -> None:
    """Runs a soak test; AssertionError where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=60, help="photographs of train")
    parser.add_argument("--disk", action="store_true", help="run into a limit on the size of files, too")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="segconv-soak-") as folder:
        soak = Soak(Path(folder), options.pairs, options.seed)
        while sum(soak.counts[kind] for kind in KINDS) < options.kills:
            soak.kill_once()
        soak.finish()
        counts = ", ".join(f"{soak.counts[kind]} {kind}" for kind in (*KINDS, "too late", "finished"))
        sys.stdout.write(f"{options.kills} kills ({counts}): every byte as undisturbed\n")
        if options.disk:
            soak.run_into_a_limit()


if __name__ == "__main__":
    main()
