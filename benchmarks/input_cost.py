"""Cost of the input of a training run, compared with the bare decoders.

    python benchmarks/input_cost.py [RECORDS] [--split NAME] [--rounds N]

The baseline is a loop in one process that only decodes the JPEG and the PNG of each record with Pillow (libjpeg-turbo
and zlib), from memory, without batches. It is compared with the batches of `trainer.input`: decoded pairs in memory,
encoded bytes in memory that are decoded in each epoch, and, for records that do not fit, bytes read from the shards.
All are measured by CPU time (user + system) of this process per image, all threads, in turn in each round. Minimum and
median of the rounds are shown; other work on the machine can only add to a round, so the minimum is the better
estimate. The first round does not count: in it TensorFlow starts its threads, and caches fill. Without RECORDS a sample
dataset is generated and built.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from converter.dataset.reader import RecordSource
from converter.sample.write import write_sample
from trainer.input import reading
from trainer.input.batches import Batches, train_batches
from trainer.input.reading import InputConfig
from trainer.input.records import open_records

BATCH = 8
CPU_GOAL = 1.5  # times the CPU of the loop


def cpu_of(work: Callable[[], object]) -> float:
    """Returns the CPU seconds of one call, all threads of this process together."""
    start = time.process_time()
    work()
    return time.process_time() - start


def read_all(batches: Batches) -> None:
    """Reads one epoch and drops it."""
    for _ in batches.dataset.map(lambda _: 0):  # in C++: no pixel reaches Python
        pass


def epoch_of(folder: Path, split: str, *, cache: str, stored_share: float = reading.STORED_SHARE) -> Batches:
    """Returns one epoch of training; with `stored_share` 0 no encoded bytes are cached."""
    default, reading.STORED_SHARE = reading.STORED_SHARE, stored_share
    try:
        config = InputConfig(open_records(folder, (split,)), folder, split, BATCH, cache)
        return train_batches(config, seed=0, epochs=1)
    finally:
        reading.STORED_SHARE = default


def measure(folder: Path, split: str, rounds: int) -> None:
    """Prints the cost of the input of one split."""
    source = RecordSource(folder, split)
    files = [(record.image_bytes, record.mask_bytes) for record in map(source.__getitem__, range(len(source)))]

    def decode_bare() -> None:
        for image, mask in files:
            Image.open(io.BytesIO(image)).load()
            Image.open(io.BytesIO(mask)).load()

    kinds = {
        "encoded bytes in memory": epoch_of(folder, split, cache="off"),
        "read from the shards": epoch_of(folder, split, cache="off", stored_share=0.0),
        "decoded pairs in memory": epoch_of(folder, split, cache="on"),
    }
    bare, ours = [], {name: [] for name in kinds}
    for _ in range(rounds + 1):
        bare.append(cpu_of(decode_bare) / len(files))
        for name, batches in kinds.items():
            ours[name].append(cpu_of(lambda batches=batches: read_all(batches)) / (batches.steps * batches.batch))
    height, width = source.manifest.common_size(folder)
    print(f"{len(files)} records of {height} x {width} pixels, {rounds} rounds, CPU milliseconds per image")
    print(f"{'':28}{'min':>8}{'median':>8}{'ratio of minima':>20}{'of medians':>16}")
    for name, times in {"JPEG and PNG, Pillow": bare, **ours}.items():
        least, median = min(times[1:]), statistics.median(times[1:])
        ratios = least / min(bare[1:]), median / statistics.median(bare[1:])
        print(f"{name:28}{least * 1e3:8.2f}{median * 1e3:8.2f}{ratios[0]:20.2f}{ratios[1]:16.2f}")
    print(f"goal: at most {CPU_GOAL}")


def main() -> None:
    """Parses the command line and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", nargs="?", type=Path)
    parser.add_argument("--split", default="train")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        records = arguments.records
        if records is None:
            source, records = Path(folder) / "sample", Path(folder) / "records"
            write_sample(source)
            command = [sys.executable, "-c", "from converter.cli import main; main()", "-q", "build"]
            subprocess.run([*command, "--src", str(source), "--out", str(records)], check=True)
        measure(records, arguments.split, arguments.rounds)


if __name__ == "__main__":
    main()
