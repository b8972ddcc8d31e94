"""Scale: what a build costs before its first shard and after its last, by number of pairs: no image is read.

    python benchmarks/scale.py [--pairs N ...] [--files N ...] [--work DIR]

    list        a source folder with --files pairs, a split list and empty pictures -> its pairs
    copies      the same pairs: which images are in two splits, or twice in one
    plan        --pairs made-up pairs -> the shards of each
    up to date  the shards of the pairs of `list`, whose receipts are made up -> none has to be built again

Each is measured in a process of its own: CPU time, and resident memory beyond that before it, at most and when it is
done. The default takes a minute; `--pairs 10000000` takes another and 2 GB of memory.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from converter.building import receipts
from converter.building.plan import plan_shards
from converter.building.shards import ShardResult, ShardTask, SourceFile
from converter.building.store import LocalStore
from converter.building.tally import Tally
from converter.classes.native import parse_class_map
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.manifest import ShardInfo
from converter.dataset.tfrecord import index_name
from converter.sources.layouts.find import find_layout
from converter.sources.leaks import find_copies
from converter.sources.packed import PackedRefs
from converter.sources.refs import ExampleRef
from converter.system.files import Stamp

PAIRS = (100_000, 1_000_000)
FILES = (10_000, 100_000)
CLASSES = parse_class_map("name,value\na,0\nb,1\n", "classes.csv")
STAGES = ("list", "copies", "plan", "up to date")


def memory_bytes(field: str) -> int:
    """Returns a field of /proc/self/status: VmRSS, or VmHWM, the most since it was reset."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def measured(work: Callable[[], Any]) -> dict[str, float]:
    """Returns CPU seconds of a function, and bytes of memory beyond those before it: at most, and with its result."""
    before = memory_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    start = time.process_time()
    result = work()
    cpu_s = time.process_time() - start
    peak, kept = memory_bytes("VmHWM"), memory_bytes("VmRSS")
    del result
    return {"cpu_s": cpu_s, "peak": peak - before, "kept": kept - before}


def write_source(folder: Path, count: int) -> Path:
    """Makes a source folder with a list of train; no two pictures have the same size, and none has content on disk."""
    if (folder / "train.txt").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    for kind in ("jpg", "png"):
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            path = f"{folder}/{kind}/tile_{number:07}.{kind}"
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
            os.truncate(path, number + 1)
    (folder / "classes.csv").write_text("name,value\na,0\nb,1\n")
    (folder / "train.txt").write_text("".join(f"tile_{n:07}.jpg;tile_{n:07}.png\n" for n in range(count)))
    return folder


def made_up(count: int) -> Iterator[ExampleRef]:
    """Yields pairs whose files need not exist."""
    for number in range(count):
        yield ExampleRef("train", f"jpg/tile_{number:07}.jpg", f"png/tile_{number:07}.png", "train.txt", number + 1)


def _file(task: ShardTask, name: str) -> SourceFile:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return SourceFile(digest, Stamp.of((task.source.src / name).stat()))


def pretend(task: ShardTask, tick: Callable[[], None]) -> ShardResult:
    """Stages a shard of one byte that says it was built from the files as they are."""
    data = b"x"
    for name in (task.name, index_name(task.name)):
        with task.store.stage(name) as file:
            file.write(data)
    digest = hashlib.sha256(data).hexdigest()
    sources = tuple((_file(task, ref.image), _file(task, ref.mask)) for ref in task.refs)
    info = ShardInfo(task.name, len(task.refs), len(data), digest)
    return ShardResult(task.split, info, 0, Tally.of_nothing(2), {}, sources, digest)


def measure(stage: str, count: int, work: Path) -> dict[str, float]:
    """Returns what a stage costs in this process."""
    source = SourceConfig(work / f"source-{count}")
    config = BuildConfig(source, work / f"records-{count}", pair=PairConfig((512, 512)))
    if stage == "list":
        return measured(lambda: find_layout(source))
    store = LocalStore(config.out)
    if stage == "plan":
        return measured(lambda: plan_shards("train", PackedRefs(made_up(count)), config, CLASSES, store))
    pairs = PackedRefs(made_up(count))
    if stage == "copies":
        return measured(lambda: find_copies(source, pairs))
    tasks = plan_shards("train", pairs, config, CLASSES, store)
    shutil.rmtree(config.out, ignore_errors=True)
    config.out.mkdir()
    setattr(receipts, "run_shard_task", pretend)  # noqa: B010 - mypy
    for task in tasks:
        receipts.make_shard(task, lambda: None)
    cost = measured(lambda: [receipts.find_reusable(task, rehash=False) or sys.exit("not reusable") for task in tasks])
    shutil.rmtree(config.out)
    return cost


def print_growth(stage: str, costs: dict[int, dict[str, float]]) -> None:
    """Prints the costs of a stage by number of pairs, and the exponent of its time: 1 is linear."""
    for count, cost in costs.items():
        figures = (
            f"{1e6 * cost['cpu_s'] / count:>10.1f}",
            *(f"{cost[name] / count:>10.0f}" for name in ("peak", "kept")),
        )
        print(f"{stage:<12}{count:>12,}{cost['cpu_s']:>9.1f}{''.join(figures)}", flush=True)
    if len(costs) > 1:
        (few, least), *_, (many, most) = costs.items()
        exponent = math.log(most["cpu_s"] / least["cpu_s"]) / math.log(many / few)
        print(f"{'':<12}time grows with the power {exponent:.2f} of the pairs")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, nargs="+", default=PAIRS, help="made-up pairs")
    parser.add_argument("--files", type=int, nargs="+", default=FILES, help="pairs of real, empty files")
    parser.add_argument("--work", type=Path, default=Path("build/bench/scale"), help="folder of the files")
    parser.add_argument("--measure", nargs=2, metavar=("STAGE", "N"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure[0], int(options.measure[1]), options.work)))
        return
    print(f"{'stage':<12}{'pairs':>12}{'CPU s':>9}{'us a pair':>10}{'B, most':>10}{'B, kept':>10}")
    for count in options.files:
        write_source(options.work / f"source-{count}", count)
    for stage in STAGES:
        costs = {}
        for count in options.pairs if stage == "plan" else options.files:
            command = [sys.executable, __file__, "--work", options.work, "--measure", stage, str(count)]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
            costs[count] = json.loads(done.stdout)
        print_growth(stage, costs)
    for count in options.files:
        shutil.rmtree(options.work / f"source-{count}")


if __name__ == "__main__":
    main()
