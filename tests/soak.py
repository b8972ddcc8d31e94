"""Soak: a build is killed at random moments, resumed, and must end with the bytes of an uninterrupted one.

    python tests/soak.py --kills 50 --seed 0           kills the build or one of its workers 50 times
    python tests/soak.py --kills 50 --seed 0 --disk    also makes it exceed a limit on the size of files

The moment is chosen by how much is in the output folder, never by the clock. Whatever is visible at any moment must be
a complete file of the uninterrupted dataset.
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
    """A dataset, the records of an uninterrupted build, and a folder in which builds are killed.

    Attributes:
      folder: contains everything.
      pairs: number of training pairs.
      seed: decides moments and processes to kill.
      counts: kills and finished builds so far.
    """

    def __init__(self, folder: Path, pairs: int, seed: int) -> None:
        self.folder = folder
        self.out = folder / "records"
        self.random = random.Random(seed)  # noqa: S311 - the moments of kills are not secret
        self.counts: Counter[str] = Counter()
        dataset = write_dataset(folder / "dataset", train=pairs, val=3)
        self.command = [*COMMAND, "build", "--src", str(dataset), "--size", "96", "--shards", "3", "-j", "2", "-o"]
        self.run_build(folder / "uninterrupted")
        self.expected = visible(folder / "uninterrupted")
        self.bytes = sum(map(len, self.expected.values()))

    def run_build(self, out: Path, **options: object) -> subprocess.CompletedProcess[str]:
        """Runs the build to its end; it must succeed unless options make it fail."""
        done = subprocess.run([*self.command, str(out)], capture_output=True, text=True, timeout=DEADLINE_S, **options)
        if not options and done.returncode:
            raise AssertionError(done.stderr)
        return done

    def kill_once(self) -> None:
        """Starts a build, kills it or one of its workers, and checks the output folder."""
        kind = self.random.choice(KINDS)
        # Most of the time goes into the shards. The renames take milliseconds, so some kills aim at them.
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
        """Compares the visible files with the uninterrupted dataset."""
        found = visible(self.out) if self.out.exists() else {}
        for name, data in found.items():
            if self.expected.get(name) != data:
                raise AssertionError(f"{name} is not the file of the uninterrupted build")
        if (is_done or "manifest.json" in found) and found != self.expected:
            raise AssertionError(f"not all files are there: {sorted(self.expected.keys() - found.keys())}")
        if is_done:
            self.counts["finished"] += 1
            unknown = [p.name for p in self.out.glob(".*") if not p.name.endswith(".receipt")]
            if unknown:
                raise AssertionError(f"left behind: {unknown}")
            shutil.rmtree(self.out)

    def finish(self) -> None:
        """Resumes the build after the last kill, to its end."""
        self.run_build(self.out)
        self.look(is_done=True)

    def run_into_a_limit(self) -> None:
        """Builds with a limit on file size below the largest shard, then without a limit."""
        sizes = sorted(len(data) for name, data in self.expected.items() if name[-1].isdigit())
        limit = sizes[-2]
        done = self.run_build(self.out, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        messages = done.stderr.strip().splitlines()
        if done.returncode != 4 or "cannot be written (File too large)" not in messages[-1]:
            raise AssertionError(done.stderr)
        self.look(is_done=False)
        reusable = len(list(self.out.glob("*.receipt")))
        done = self.run_build(self.out)
        self.look(is_done=True)
        sys.stdout.write(
            f"limit of {limit} bytes per file: exit code 4, {reusable} shards reused, then the same bytes\n"
        )


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
    """Runs a soak test; raises AssertionError where a guarantee is broken."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pairs", type=int, default=60, help="number of training pairs")
    parser.add_argument("--disk", action="store_true", help="also exceed a limit on the size of files")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="segconv-soak-") as folder:
        soak = Soak(Path(folder), options.pairs, options.seed)
        while sum(soak.counts[kind] for kind in KINDS) < options.kills:
            soak.kill_once()
        soak.finish()
        counts = ", ".join(f"{soak.counts[kind]} {kind}" for kind in (*KINDS, "too late", "finished"))
        sys.stdout.write(f"{options.kills} kills ({counts}): every byte as without kills\n")
        if options.disk:
            soak.run_into_a_limit()


if __name__ == "__main__":
    main()
