"""Cost of a conversion, compared with every other writer of training records from the same images.

    python benchmarks/convert.py [--small N] [--large N] [--rounds R] [--peers a,b] [--step plain|tuned]

Two datasets are generated (`datasets.py`), and each peer gets its own environment (`environments.py`). In every round
all programs run once, in turn, on the same files: `segconv build` with one and with two workers, the peers with one,
and the bare stages (`floor.py`). Before that, the labels are compared with a slow reference, pixel by pixel.

CPU time per image (user + system, the whole process tree) comes first, because other work on the machine increases wall
time. Imports are shown, but not counted (`converters.py`). Figures are medians of the rounds; ratios are medians of the
ratios of each round. The goals of issue 6 for converting come last, with figure and verdict. All results are saved in
WORK/convert.json with the machine and the versions.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

from converters import OURS, OURS_2, PEERS, START_PAIRS, Bench, Measured, ratio
from datasets import LARGE, SMALL, Kind, write_dataset
from environments import FOLDER, make_environment, versions
from goals import print_goals, rows_of

from converter.config import parse_size


def print_table(kind: Kind, pairs: int, measured: Measured) -> None:
    """Prints the cost of every program."""
    print(f"\n{kind.name}: {pairs} pairs, {kind.size[0]}x{kind.size[1]} to {kind.stored[0]}x{kind.stored[1]}")
    print(f"{'':16}{'CPU':>9}{'':8}{'wall':>9}{'with start':>11}{'start':>7}{'peak':>7}{'record':>8}")
    print(f"{'':16}{'ms/image':>9}{'ratio':>8}{'ms/image':>9}{'ms/image':>11}{'s':>7}{'MB':>7}{'kB':>8}")
    median: Callable[[list[float]], float] = statistics.median
    for name in sorted(measured.cpu_ms, key=lambda name: median(measured.cpu_ms[name])):
        against = ratio(measured.cpu_ms, name, OURS)
        columns = (measured.wall_ms, measured.whole_ms, measured.start_s, measured.peak_mb, measured.kilobytes)
        wall, whole, start, peak, kilobytes = (median(column[name]) for column in columns)
        print(
            f"{name:16}{median(measured.cpu_ms[name]):9.2f}{'' if against is None else f'{against:.2f}':>8}"
            f"{wall:9.2f}{whole:11.2f}{start:7.2f}{peak:7.0f}{kilobytes:8.1f}"
        )
    for name, values in measured.floor.items():
        print(f"{'floor: ' + name:24}{median(values):.2f}")
    for name, seconds in measured.start_up_s.items():
        print(f"{'segconv ' + name:28}{seconds:.2f} s CPU, {pairs} pairs")
    for name, failure in measured.failures.items():
        print(f"{name}: not measured: {failure}")


def machine() -> dict[str, str]:
    """Returns the machine, the Python version and the date of the figures."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return {
        "processor": model or platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "load": f"{os.getloadavg()[0]:.1f}",
        "system": platform.system(),
        "python": platform.python_version(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def parse() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--small", type=int, default=300, help="Pairs of small images; 0 skips them.")
    parser.add_argument("--large", type=int, default=60, help="Pairs of large images; 0 skips them.")
    size = "x".join(map(str, SMALL.stored))
    parser.add_argument("--small-size", type=parse_size, default=size, help=f"Stored size of small images.  [{size}]")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--peers", default=",".join(PEERS), help="Comma-separated peers to run.")
    parser.add_argument("--step", choices=("plain", "tuned"), default="plain", help="Step of peers/step.py to run.")
    parser.add_argument("--work", type=Path, default=Path("build/bench"), help="Folder for datasets and results.")
    parser.add_argument("--environments", type=Path, default=FOLDER, help="Folder for the peers' environments.")
    arguments = parser.parse_args()
    for name in ("small", "large"):
        if 0 < getattr(arguments, name) <= 2 * START_PAIRS:
            parser.error(f"--{name} takes 0, or more than {2 * START_PAIRS}")
    arguments.peers = [name for name in arguments.peers.split(",") if name]
    unknown = [name for name in arguments.peers if name not in PEERS]
    if unknown:
        parser.error(f"--peers: unknown {', '.join(unknown)}; choose from {', '.join(PEERS)}")
    return arguments


def main() -> None:
    """Measures, then prints the tables and the goals."""
    arguments = parse()
    needed = {"floor", *(PEERS[name].environment for name in arguments.peers)}
    environments = {name: make_environment(name, arguments.environments) for name in sorted(needed)}
    if environments["floor"].failure:
        sys.exit(f"the environment of floor.py cannot be created: {environments['floor'].failure}")
    work = arguments.work.resolve()
    results: dict[str, Measured] = {}
    for kind in (replace(SMALL, stored=arguments.small_size), LARGE):
        pairs = getattr(arguments, kind.name)
        if not pairs:
            continue
        print(f"{kind.name}: {write_dataset(work / 'datasets' / kind.name, kind, pairs)}", flush=True)
        bench = Bench(kind, pairs, work, environments, arguments.step)
        # The tutorial's steps run on small images only.
        names = [OURS, OURS_2, *(name for name in arguments.peers if PEERS[name].is_rival or kind.name == SMALL.name)]
        for name in arguments.peers:
            if environments[PEERS[name].environment].failure:
                bench.measured.failures[name] = environments[PEERS[name].environment].failure
        for number in range(-1, arguments.rounds):
            bench.round(names, number)
            if number < 0:
                print(f"{kind.name}: {bench.check(names)}", flush=True)
        bench.measured.start_up_s = bench.start_up()
        results[kind.name] = bench.measured
        print_table(kind, pairs, bench.measured)
        shutil.rmtree(bench.scratch, ignore_errors=True)
    facts = {**machine(), "step": arguments.step, "rounds": str(arguments.rounds)}
    rows = [row for kind, measured in results.items() for row in rows_of(kind, measured)]
    print_goals("converting", rows, facts)
    report = {
        "machine": facts,
        "environments": {name: versions(environment) for name, environment in environments.items()},
        "goals": [asdict(row) for row in rows],
        "measured": {name: asdict(measured) for name, measured in results.items()},
    }
    (work / "convert.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
