"""What reading training batches costs, against every other reader of the same pairs, and the bare decode loop.

    python benchmarks/read.py [--pairs N] [--epochs N] [--rounds R] [--readers a,b] [--work DIR]

The small dataset is drawn and written once by each reader's own writer (`peers/write_*.py`); then, in every round,
each reader reads uint8 batches of peers/epochs.py's BATCH, shuffled, in a process of its own, which measures all epochs
but the first: neither imports nor the filling of a cache are in them. CPU time (user + system) of all threads, medians
of the rounds; ratios are medians of the rounds' own ratios. The bare loop is that of `floor.py`: the same JPEG and PNG
from memory, decoded and dropped, by the fastest decoders and by Pillow. Last come the goals of issue 6 that are about
reading. Everything is kept in WORK/read.json.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from convert import machine
from converters import BENCHMARKS, PEER_VARIABLES, SEGCONV, our_environment, our_variables, ratio
from datasets import SMALL, VAL, write_dataset
from environments import FOLDER, Environment, make_environment, versions
from goals import Row, at_most, median, print_goals
from measure import Cost, cost_of

BATCH = 8  # as in peers/epochs.py, which runs elsewhere
LOOP_GOAL, READER_GOAL, CACHED_GOAL = 1.35, 0.7, 1.0
OURS, OURS_CACHED = "segconv", "segconv cached"
BARE, BARE_PILLOW = "bare loop", "bare loop, Pillow"


@dataclass(frozen=True)
class Reader:
    """A program that reads batches.

    Attributes:
      environment: that it runs in; empty for segconv's own.
      script: below peers/.
      writer: below peers/, for what it reads; empty where it reads the folder.
      is_cached: whether it has the decoded pairs in memory after the first epoch.
    """

    environment: str
    script: str
    writer: str = ""
    is_cached: bool = False


READERS = {
    OURS: Reader("", "read_segconv.py"),
    OURS_CACHED: Reader("", "read_segconv.py", is_cached=True),
    "tfds": Reader("tfds", "read_tfds.py", "write_tfds.py"),
    "tfds cached": Reader("tfds", "read_tfds.py", "write_tfds.py", is_cached=True),
    "webdataset": Reader("webdataset", "read_webdataset.py", "write_webdataset.py"),
    "mds": Reader("mds", "read_mds.py", "write_mds.py"),
    "litdata": Reader("litdata", "read_litdata.py", "write_litdata.py"),
    "grain": Reader("grain", "read_grain.py", "write_grain.py"),
    "torch folder": Reader("torch", "read_torch.py"),
    "torch cached": Reader("torch", "read_torch.py", is_cached=True),
}


class Bench:
    """Writes what is read, and reads it.

    Attributes:
      cpu_ms: reader -> CPU of an image, one entry a round.
      wall_ms: reader -> time on the clock of an image.
      peak_mb: reader -> resident peak of its largest process.
      failures: reader -> why it could not be measured.
    """

    def __init__(self, pairs: int, epochs: int, work: Path, environments: dict[str, Environment]) -> None:
        self.pairs, self.epochs, self.environments = pairs, epochs, environments
        self.source = work / "datasets" / SMALL.name
        self.scratch = work / "scratch" / "read"
        self.size = "x".join(map(str, SMALL.stored))
        self.cpu_ms: dict[str, list[float]] = {}
        self.wall_ms: dict[str, list[float]] = {}
        self.peak_mb: dict[str, list[float]] = {}
        self.failures: dict[str, str] = {}
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)

    def write(self, name: str) -> None:
        """Writes what a reader reads, unless another one reads the same."""
        reader, out = READERS[name], self.records(name)
        if out.exists() or (reader.environment and not reader.writer):
            return
        if reader.environment:
            python = self.environments[reader.environment].python
            command = [python, BENCHMARKS / "peers" / reader.writer, self.source, out, self.size, "plain"]
            cost_of(command, self.scratch / "log", PEER_VARIABLES)
        else:
            command = [*SEGCONV, "-q", "build", "--src", self.source, "--out", out, "--size", self.size]
            cost_of(command, self.scratch / "log", our_variables())

    def records(self, name: str) -> Path:
        """Returns where the records of a reader are."""
        return self.scratch / (READERS[name].environment or OURS)

    def round(self, names: list[str], number: int) -> None:
        """Reads with every reader once, in another order each time; round -1 only fills caches and is not counted."""
        for name in [*names[number % len(names) :], *names[: number % len(names)]]:
            if name in self.failures:
                continue
            try:
                if number < 0:
                    self.write(name)
                    self.run(name, 2)
                else:
                    self.one(name)
            except RuntimeError as error:
                self.failures[name] = str(error).strip().split("\n")[-1][:200]
        if number >= 0:
            sums = self.bare()
            self.cpu_ms.setdefault(BARE, []).append(sums["fast decode loop"])
            self.cpu_ms.setdefault(BARE_PILLOW, []).append(sums["decode loop"])

    def one(self, name: str) -> None:
        """Reads one epoch, and then those that count."""
        # A cached epoch takes so little that many are needed to see it.
        costs, report = self.run(name, 1 + self.epochs * (10 if READERS[name].is_cached else 1))
        self.cpu_ms.setdefault(name, []).append(report["cpu_s"] * 1e3)
        self.wall_ms.setdefault(name, []).append(report["wall_s"] * 1e3)
        self.peak_mb.setdefault(name, []).append(costs.peak_mb)

    def run(self, name: str, epochs: int) -> tuple[Cost, dict[str, float]]:
        """Returns what a process took, and what it reports of an image."""
        reader, report = READERS[name], self.scratch / "report"
        python = self.environments[reader.environment].python if reader.environment else sys.executable
        script = BENCHMARKS / "peers" / reader.script
        cached = ["--cached"] if reader.is_cached else []
        command = [python, script, self.source, self.records(name), self.size, str(epochs), *cached, "--report", report]
        variables = PEER_VARIABLES if reader.environment else our_variables()
        cost = cost_of(command, self.scratch / "log", variables)
        return cost, json.loads(report.read_text())

    def bare(self) -> dict[str, float]:
        """Returns the sums of `floor.py`, which has the bare loops."""
        command = [self.environments["floor"].python, BENCHMARKS / "floor.py", self.source, self.size, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=our_environment())
        if done.returncode:
            sys.exit(f"floor.py failed: {done.stderr}")
        return json.loads(done.stdout)["sums"]


def rows_of(cpu_ms: dict[str, list[float]]) -> list[Row]:
    """Returns the goals about reading."""
    rows = [at_most("read, bare decode loop", LOOP_GOAL, ratio(cpu_ms, OURS, BARE))]
    for text, ours, goal, is_cached in (
        ("read, best peer", OURS, READER_GOAL, False),
        ("read once cached, best peer's cached read", OURS_CACHED, CACHED_GOAL, True),
    ):
        peers = [n for n, r in READERS.items() if n in cpu_ms and r.environment and r.is_cached == is_cached]
        if peers:
            best = min(peers, key=lambda name: statistics.median(cpu_ms[name]))
            rows.append(at_most(text, goal, ratio(cpu_ms, ours, best), note=best))
    return rows


def print_table(bench: Bench) -> None:
    """Prints what every reader took."""
    print(f"\n{bench.pairs} pairs of {bench.size}, batches of {BATCH}, {bench.epochs} epochs")
    print(f"{'':20}{'CPU':>9}{'':8}{'wall':>9}{'peak':>7}")
    print(f"{'':20}{'ms/image':>9}{'ratio':>8}{'ms/image':>9}{'MB':>7}")
    for name in sorted(bench.cpu_ms, key=lambda name: statistics.median(bench.cpu_ms[name])):
        wall, peak = median(bench.wall_ms.get(name, [])), median(bench.peak_mb.get(name, []))
        against = ratio(bench.cpu_ms, name, OURS)
        print(
            f"{name:20}{statistics.median(bench.cpu_ms[name]):9.2f}{'' if against is None else f'{against:.2f}':>8}"
            f"{'' if wall is None else f'{wall:.2f}':>9}{'' if peak is None else f'{peak:.0f}':>7}"
        )
    for name, failure in bench.failures.items():
        print(f"{name}: not measured: {failure}")


def main() -> None:
    """Measures, prints the table and then the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=4, help="Beyond the first; ten times as many of cached ones.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--readers", default=",".join(READERS), help="Some of them, with commas between.")
    parser.add_argument("--work", type=Path, default=Path("build/bench"), help="Folder for datasets and results.")
    parser.add_argument("--environments", type=Path, default=FOLDER, help="Folder for the peers' environments.")
    arguments = parser.parse_args()
    names = [name for name in arguments.readers.split(",") if name]
    unknown = [name for name in names if name not in READERS]
    if unknown or arguments.pairs < BATCH + VAL:
        parser.error(f"--readers: there are {', '.join(READERS)}; --pairs takes at least {BATCH + VAL}")
    needed = {"floor", *(READERS[name].environment for name in names)} - {""}
    environments = {name: make_environment(name, arguments.environments) for name in sorted(needed)}
    work = arguments.work.resolve()
    print(f"small: {write_dataset(work / 'datasets' / SMALL.name, SMALL, arguments.pairs)}", flush=True)
    bench = Bench(arguments.pairs, arguments.epochs, work, environments)
    for name in names:
        environment = READERS[name].environment
        if environment and environments[environment].failure:
            bench.failures[name] = environments[environment].failure
    for number in range(-1, arguments.rounds):
        bench.round(names, number)
    print_table(bench)
    facts = {**machine(), "rounds": str(arguments.rounds)}
    rows = rows_of(bench.cpu_ms)
    print_goals("reading", rows, facts)
    report = {
        "machine": facts,
        "environments": {name: versions(environment) for name, environment in environments.items()},
        "goals": [asdict(row) for row in rows],
        "cpu_ms": bench.cpu_ms,
        "wall_ms": bench.wall_ms,
        "failures": bench.failures,
    }
    (work / "read.json").write_text(json.dumps(report, indent=2) + "\n")
    shutil.rmtree(bench.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
