"""Cost of reading training batches, compared with every other reader of the same pairs and the bare decode loop.

    python benchmarks/read.py [--kind small|large] [--pairs N] [--rounds R] [--turn SECONDS] [--readers a,b]

The dataset is generated, and written once by each reader's own writer (`peers/write_*.py`). Then every reader gets one
process for the whole run, and they take turns. In each round each one reads shuffled uint8 batches (BATCH of
peers/epochs.py), whole epochs, for about --turn seconds, in a different order each round. All are measured within
seconds of each other, and neither imports nor filling caches count. Figures are CPU time (user + system) of all threads
per image, medians of the rounds; ratios are medians of the ratios of each round. The bare loop decodes the same JPEG
and PNG from memory and drops them. The goals of issue 6 for reading come last. All results are saved in WORK/read.json.

All processes together use about 6 GB. Slow readers get fewer pairs, because a turn has at least one whole epoch.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from convert import machine
from converters import BENCHMARKS, PEER_VARIABLES, SEGCONV, our_variables, ratio
from datasets import LARGE, SMALL, VAL, Kind, write_dataset, write_part
from environments import FOLDER, Environment, make_environment, versions
from goals import Row, at_most, median, print_goals
from measure import cost_of

BATCH = 8  # as in peers/epochs.py, which runs in other environments
LOOP_GOAL, READER_GOAL, CACHED_GOAL = 1.35, 0.7, 1.0
OURS, OURS_CACHED, BARE = "segconv", "segconv cached", "bare loop"
KINDS = {kind.name: kind for kind in (SMALL, LARGE)}
PAIRS = {SMALL.name: 300, LARGE.name: 60}  # as in convert.py, which then reuses the dataset


@dataclass(frozen=True)
class Reader:
    """A program that reads batches.

    Attributes:
      environment: that it runs in.
      script: in peers/.
      writer: in peers/, of its input; "segconv" for segconv's own records; empty where it reads the folder.
      variant: of the script; "cached" keeps the decoded pairs in memory after the first epoch.
      most: maximum number of pairs, for slow readers; None for all.
      is_rival: whether it is a reader in real use, and so a candidate for the best peer.
    """

    environment: str
    script: str
    writer: str = ""
    variant: str = ""
    most: int | None = None
    is_rival: bool = True

    @property
    def is_cached(self) -> bool:
        """Whether it reads decoded pairs from memory."""
        return self.variant.startswith("cached")


READERS = {
    OURS: Reader("segconv", "read_segconv.py", "segconv", is_rival=False),
    OURS_CACHED: Reader("segconv", "read_segconv.py", "segconv", "cached", is_rival=False),
    BARE: Reader("floor", "read_bare.py", "segconv", is_rival=False),
    "Pillow loop": Reader("floor", "read_bare.py", "segconv", "pillow", is_rival=False),
    "tfds": Reader("tfds", "read_tfds.py", "write_tfds.py"),
    "tfds cached": Reader("tfds", "read_tfds.py", "write_tfds.py", "cached"),
    "webdataset": Reader("webdataset", "read_webdataset.py", "write_webdataset.py"),
    "mds": Reader("mds", "read_mds.py", "write_mds.py"),
    "litdata": Reader("litdata", "read_litdata.py", "write_litdata.py"),
    "grain": Reader("grain", "read_grain.py", "write_grain.py"),
    "ffcv": Reader("ffcv", "read_ffcv.py", "write_ffcv.py"),
    "torch folder": Reader("torch", "read_torch.py"),
    "torch cached": Reader("torch", "read_torch.py", variant="cached"),
    # A training process does not limit torch's threads, so this is a lower bound, not a rival.
    "torch cached 1 thread": Reader("torch", "read_torch.py", variant="cached by one thread", is_rival=False),
    "tutorial": Reader("tensorflow", "read_tutorial.py", most=40, is_rival=False),
    "tutorial boolean": Reader("tensorflow", "read_tutorial.py", variant="boolean", most=16, is_rival=False),
}


class Turns:
    """A reader's process, which reads epochs on request.

    Args:
      command: to run.
      variables: environment variables to add or replace.
      log: file for its stderr.
    """

    def __init__(self, command: list[str | Path], variables: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                env={**os.environ, **variables},
            )

    def __enter__(self) -> Turns:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def read(self, epochs: int) -> dict[str, float]:
        """Returns its answer: pairs that were read, CPU and wall seconds, and peak resident memory.

        Raises:
          RuntimeError: it ended instead; the message is its last output.
        """
        with suppress(BrokenPipeError):  # it has already ended: the empty answer shows it
            print(epochs, file=self.process.stdin, flush=True)
        answer = next((line for line in self.process.stdout if line.startswith("{")), "")  # libraries print as well
        if not answer:
            said = self.log.read_text(errors="replace").strip().split("\n")
            raise RuntimeError(said[-1] or "ended without a message")
        return json.loads(answer)


class Bench:
    """Writes the input of the readers and runs them in turns.

    Attributes:
      cpu_ms: reader -> CPU time per image, one entry per round.
      wall_ms: reader -> wall time per image.
      peak_mb: reader -> peak resident memory of its process.
      epochs: reader -> epochs per turn.
      failures: reader -> why it could not be measured.
    """

    def __init__(self, kind: Kind, pairs: int, work: Path, environments: dict[str, Environment]) -> None:
        self.pairs, self.environments = pairs, environments
        self.source = work / "datasets" / kind.name
        self.scratch = work / "scratch" / "read"
        self.size = "x".join(map(str, kind.stored))
        self.cpu_ms: dict[str, list[float]] = {}
        self.wall_ms: dict[str, list[float]] = {}
        self.peak_mb: dict[str, float] = {}
        self.turns: dict[str, Turns] = {}
        self.epochs: dict[str, int] = {}
        self.failures: dict[str, str] = {}
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir(parents=True)

    def open(self, name: str, stack: ExitStack, turn_s: float) -> None:
        """Writes a reader's input unless it exists, starts the reader, and sets its epochs per turn."""
        reader = READERS[name]
        environment = self.environments[reader.environment]
        if environment.failure:
            self.failures[name] = environment.failure
            return
        is_ours = reader.writer == "segconv"
        source, records = self.source, self.scratch / (reader.writer or "nothing")
        if reader.most and reader.most < self.pairs:
            source = self.scratch / f"{reader.most} pairs"
            write_part(self.source, source, reader.most)
        variant = ["--variant", reader.variant] if reader.variant else []
        command = [environment.python, BENCHMARKS / "peers" / reader.script, source, records, self.size, *variant]
        try:
            if reader.writer and not records.exists():
                self.write(reader, records)
            turns = Turns(command, our_variables() if is_ours else PEER_VARIABLES, self.scratch / f"{name}.log")
            self.turns[name] = stack.enter_context(turns)
            for _ in range(2):  # the first fills caches; both start threads and let autotuning settle
                answer = turns.read(1)
        except RuntimeError as error:
            self.failures[name] = str(error).strip().split("\n")[-1][:200]
            return
        self.epochs[name] = max(1, round(turn_s / max(answer["cpu_s"], 1e-3)))

    def write(self, reader: Reader, records: Path) -> None:
        """Writes the input of a reader."""
        if reader.writer == "segconv":
            command = [*SEGCONV, "-q", "build", "--src", self.source, "--out", records, "--size", self.size]
            cost_of(command, self.scratch / "log", our_variables())
        else:
            python = self.environments[reader.environment].python
            command = [python, BENCHMARKS / "peers" / reader.writer, self.source, records, self.size, "plain"]
            cost_of(command, self.scratch / "log", PEER_VARIABLES)

    def round(self, number: int) -> None:
        """Runs every reader for one turn, in a different order each round; round -1 is not counted."""
        names = [name for name in self.epochs if name not in self.failures]
        for name in [*names[number % len(names) :], *names[: number % len(names)]]:
            try:
                answer = self.turns[name].read(self.epochs[name])
            except RuntimeError as error:
                self.failures[name] = str(error)[:200]
                continue
            if number >= 0:
                self.cpu_ms.setdefault(name, []).append(answer["cpu_s"] * 1e3 / answer["pairs"])
                self.wall_ms.setdefault(name, []).append(answer["wall_s"] * 1e3 / answer["pairs"])
                self.peak_mb[name] = answer["peak_mb"]


def rows_of(kind: str, cpu_ms: dict[str, list[float]]) -> list[Row]:
    """Returns the rows of the goals for reading."""
    rows = [at_most(f"read, {kind}, bare decode loop", LOOP_GOAL, ratio(cpu_ms, OURS, BARE))]
    for text, ours, goal, is_cached in (
        (f"read, {kind}, best peer", OURS, READER_GOAL, False),
        (f"read once cached, {kind}, best peer's", OURS_CACHED, CACHED_GOAL, True),
    ):
        peers = [n for n, r in READERS.items() if n in cpu_ms and r.is_rival and r.is_cached == is_cached]
        best = min(peers, key=lambda name: statistics.median(cpu_ms[name]), default="")
        rows.append(at_most(text, goal, ratio(cpu_ms, ours, best), note=best))
    return rows


def print_table(bench: Bench) -> None:
    """Prints the cost of every reader."""
    print(f"\n{bench.pairs} pairs of {bench.size}, batches of {BATCH}")
    print(f"{'':26}{'CPU':>9}{'':8}{'wall':>9}{'peak':>7}")
    print(f"{'':26}{'ms/image':>9}{'ratio':>8}{'ms/image':>9}{'MB':>7}")
    for name in sorted(bench.cpu_ms, key=lambda name: statistics.median(bench.cpu_ms[name])):
        cpu, wall, against = median(bench.cpu_ms[name]), median(bench.wall_ms[name]), ratio(bench.cpu_ms, name, OURS)
        times = "" if against is None else f"{against:.2f}"
        print(f"{name:26}{cpu:9.3f}{times:>8}{wall:9.3f}{bench.peak_mb[name]:7.0f}")
    for name, failure in bench.failures.items():
        print(f"{name}: not measured: {failure}")


def parse() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=KINDS, default=SMALL.name, help="Dataset to read.")
    parser.add_argument("--pairs", type=int, help=f"Default: {PAIRS[SMALL.name]} small or {PAIRS[LARGE.name]} large.")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--turn", type=float, default=1.0, help="CPU seconds of a reader per round, approximately.")
    parser.add_argument("--readers", default=",".join(READERS), help="Comma-separated readers to run.")
    parser.add_argument("--work", type=Path, default=Path("build/bench"), help="Folder for datasets and results.")
    parser.add_argument("--environments", type=Path, default=FOLDER, help="Folder for the peers' environments.")
    arguments = parser.parse_args()
    arguments.pairs = arguments.pairs or PAIRS[arguments.kind]
    arguments.readers = [name for name in arguments.readers.split(",") if name]
    if not set(arguments.readers) <= set(READERS) or arguments.pairs < BATCH + VAL:
        parser.error(f"--readers: choose from {', '.join(READERS)}; --pairs must be at least {BATCH + VAL}")
    return arguments


def main() -> None:
    """Measures, then prints the table and the goals."""
    arguments = parse()
    kind, work = KINDS[arguments.kind], arguments.work.resolve()
    needed = sorted({READERS[name].environment for name in arguments.readers} - {"segconv"})
    peers = {name: make_environment(name, arguments.environments) for name in needed}
    print(f"{kind.name}: {write_dataset(work / 'datasets' / kind.name, kind, arguments.pairs)}", flush=True)
    ours = Environment("segconv", Path(sys.executable))
    bench = Bench(kind, arguments.pairs, work, {**peers, ours.name: ours})
    with ExitStack() as stack:
        for name in arguments.readers:
            bench.open(name, stack, arguments.turn)
        for number in range(-1, arguments.rounds):
            bench.round(number)
    print_table(bench)
    facts = {**machine(), "rounds": str(arguments.rounds)}
    rows = rows_of(kind.name, bench.cpu_ms)
    print_goals("reading", rows, facts)
    report = {
        "machine": facts,
        "environments": {name: versions(environment) for name, environment in peers.items()},
        "goals": [asdict(row) for row in rows],
        "cpu_ms": bench.cpu_ms,
        "wall_ms": bench.wall_ms,
        "failures": bench.failures,
    }
    (work / "read.json").write_text(json.dumps(report, indent=2) + "\n")
    shutil.rmtree(bench.scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
