"""What each training option is worth: the validation mIoU of the default recipe with and without it.

    python benchmarks/learning.py RECORDS [--steps 1000] [--seeds 3] [--only NAME ...] [--cores 1] [--equal-time]

Every row is `segconv train` with those options beside the default recipe's, once per seed. The score of a run is that
of its best epoch: the mean over the classes with its standard deviation over the seeds, the mean over the three classes
with the fewest training pixels (of two classes, of the rarer one), and the pixel accuracy. "last" is the mean over the
classes in the last epoch, CPU the CPU time of a run as a multiple of the first row's.

Each run has one core, and `--cores` of them run at once. With `--equal-time`, each row after the first has as many
epochs as take the CPU time of the first row: a run of as many epochs as the first row's tells how many.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from queue import Queue
from statistics import mean, pstdev
from typing import NamedTuple

ROWS = {
    "default": "",
    "tutorial": "--recipe tutorial",
    "from scratch": "--weights none",
    "unet_small, crossentropy": "--model unet_small --weights none --loss crossentropy --class-weights none",
    "encoder from scratch": "--model encoder_unet --weights none",
    "no class weights": "--class-weights none",
    "no logit adjustment": "--logit-adjustment 0",
    "logit adjustment 1": "--logit-adjustment 1",
    "no auxiliary head": "--aux-loss 0",
    "nor logit adjustment": "--aux-loss 0 --logit-adjustment 0",
    "crossentropy": "--loss crossentropy",
    "ohem": "--loss ohem",
    "crossentropy + lovasz": "--loss crossentropy_lovasz",
    "label smoothing 0.1": "--label-smoothing 0.1",
    "plateau": "--schedule plateau --warmup 0 --learning-rate 0.001",
    "poly": "--schedule poly",
    "ema 0.99": "--ema 0.99",
    "encoder rate 0.3": "--encoder-rate 0.3",
    "augment none": "--augment none",
    "augment strong": "--augment strong",
    "augment auto": "--augment auto",
    "zoom 1": "--zoom 1",
    "no class windows": "--class-windows 0",
    "copy-paste": "--copy-paste 0.3",
    "tta flips": "--tta flips",
    "tta scales": "--tta scales",
}
RAREST = 3
SEGCONV = "import os; os.sched_setaffinity(0, {{{core}}}); from converter.cli import main; main()"


class Run(NamedTuple):
    """What is measured of one run: scores of its best epoch, mIoU of its last, and CPU seconds."""

    miou: float
    rarest: float
    accuracy: float
    last: float
    seconds: float


def run(records: Path, options: list[str], epochs: int, seed: int, core: int) -> Run:
    """Trains once on that core, and returns what is measured."""
    pixels = json.loads((records / "manifest.json").read_text())["splits"]["train"]["pixels"]
    with tempfile.TemporaryDirectory() as runs:
        fixed = ["--data", str(records), "--runs", runs, "--epochs", str(epochs), "--seed", str(seed), *options]
        command = [sys.executable, "-c", SEGCONV.format(core=core), "train", *fixed]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command)
        (metrics,) = Path(runs).glob("*/metrics.csv")
        with metrics.open(newline="") as file:
            rows = list(csv.DictReader(file))
    best = max(rows, key=lambda row: float(row["val_miou"]))
    ious = [float(text) for name, text in best.items() if name.startswith("val_iou_")]
    rarest = sorted(range(len(pixels)), key=pixels.__getitem__)[: min(RAREST, len(pixels) - 1)]
    miou, accuracy, last = float(best["val_miou"]), float(best["val_pixel_accuracy"]), float(rows[-1]["val_miou"])
    return Run(miou, mean(ious[index] for index in rarest), accuracy, last, usage.ru_utime + usage.ru_stime)


def main() -> None:
    """Prints a row of the table as soon as its runs have ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("records", type=Path)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=tuple(ROWS), default=tuple(ROWS))
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--equal-time", action="store_true")
    chosen = parser.parse_args()
    count = sum(
        shard["records"]
        for shard in json.loads((chosen.records / "manifest.json").read_text())["splits"]["train"]["shards"]
    )
    epochs = dict.fromkeys(chosen.only, max(1, round(chosen.steps / (count // 8))))
    free: Queue[int] = Queue()
    for core in sorted(os.sched_getaffinity(0))[: chosen.cores]:
        free.put(core)

    def run_on_free_core(name: str, seed: int) -> Run:
        core = free.get()
        try:
            return run(chosen.records, ROWS[name].split(), epochs[name], seed, core)
        finally:
            free.put(core)

    with ThreadPoolExecutor(free.qsize()) as pool:
        if chosen.equal_time:
            seconds = [each.seconds for each in pool.map(run_on_free_core, chosen.only, repeat(0))]
            epochs = {
                name: max(1, round(epochs[name] * seconds[0] / own))
                for name, own in zip(chosen.only, seconds, strict=True)
            }
        started = {
            name: [pool.submit(run_on_free_core, name, seed) for seed in range(chosen.seeds)] for name in chosen.only
        }
        print(f"epochs of {count // 8} steps of 8 records, {chosen.seeds} seeds")
        titles = f"{'epochs':>7}{'mIoU':>7}{'+-':>7}{f'rarest {RAREST}':>10}{'accuracy':>10}{'last':>7}{'CPU':>7}"
        print(f"{'options':<34}{titles}", flush=True)
        first = 0.0
        for name, runs in started.items():
            found = [each.result() for each in runs]
            means = Run(*map(mean, zip(*found, strict=True)))
            first = first or means.seconds
            scores = f"{means.miou:>7.3f}{pstdev(each.miou for each in found):>7.3f}{means.rarest:>10.3f}"
            rest = f"{means.accuracy:>10.3f}{means.last:>7.3f}{means.seconds / first:>7.2f}"
            print(f"{name:<34}{epochs[name]:>7}{scores}{rest}", flush=True)


if __name__ == "__main__":
    main()
