"""What the input of a training run costs, against the bare decoders.

    python benchmarks/input_cost.py [RECORDS] [--split NAME] [--rounds N]

The yardstick is a loop in one process that decodes the JPEG and the PNG of each record with Pillow, whose libjpeg-turbo
and zlib do the work, and does nothing else: the bytes lie in memory, and no batch is made. Against it stand the batches
of `trainer.input`: with decoded pairs in memory, with stored bytes in memory that are decoded anew each epoch, and, for
records that do not fit there, with bytes that are read from their places in the shards. What is compared is CPU time
(user + system) of this process per image, all threads, and each round measures everything in turn. Shown are the least
and the median of the rounds: where other work shares the processors, it can only add to a round, so the least ones are
nearest to the truth. A first round does not count: in it TensorFlow starts its threads, and memory is filled. Without
RECORDS the sample dataset is drawn and built.
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
CPU_GOAL = 1.5  # of the loop's


def cpu_of(work: Callable[[], object]) -> float:
    """Returns the CPU seconds of one call, all threads of this process together."""
    start = time.process_time()
    work()
    return time.process_time() - start


def read_all(batches: Batches) -> None:
    """Reads one epoch, and does nothing with it."""
    for _ in batches.dataset.map(lambda _: 0):  # in C++: no pixel comes to Python
        pass


def epoch_of(folder: Path, split: str, *, cache: str, stored_share: float = reading.STORED_SHARE) -> Batches:
    """Returns one epoch of training; with `stored_share` 0 no stored bytes are kept."""
    usual, reading.STORED_SHARE = reading.STORED_SHARE, stored_share
    try:
        config = InputConfig(open_records(folder, (split,)), folder, split, BATCH, cache)
        return train_batches(config, seed=0, epochs=1)
    finally:
        reading.STORED_SHARE = usual


def measure(folder: Path, split: str, rounds: int) -> None:
    """Prints the cost of the input of one split."""
    source = RecordSource(folder, split)
    files = [(record.image_bytes, record.mask_bytes) for record in map(source.__getitem__, range(len(source)))]

    def decode_bare() -> None:
        for image, mask in files:
            Image.open(io.BytesIO(image)).load()
            Image.open(io.BytesIO(mask)).load()

    kinds = {
        "stored bytes, decoded anew": epoch_of(folder, split, cache="off"),
        "read from their places": epoch_of(folder, split, cache="off", stored_share=0.0),
        "decoded pairs in memory": epoch_of(folder, split, cache="on"),
    }
    bare, ours = [], {name: [] for name in kinds}
    for _ in range(rounds + 1):
        bare.append(cpu_of(decode_bare) / len(files))
        for name, batches in kinds.items():
            ours[name].append(cpu_of(lambda batches=batches: read_all(batches)) / (batches.steps * batches.batch))
    height, width = source.manifest.common_size(folder)
    print(f"{len(files)} records of {height} x {width} pixels, {rounds} rounds, CPU milliseconds per image")
    print(f"{'':28}{'least':>8}{'median':>8}{'ratio of the least':>20}{'of the medians':>16}")
    for name, times in {"JPEG and PNG, Pillow": bare, **ours}.items():
        least, median = min(times[1:]), statistics.median(times[1:])
        ratios = least / min(bare[1:]), median / statistics.median(bare[1:])
        print(f"{name:28}{least * 1e3:8.2f}{median * 1e3:8.2f}{ratios[0]:20.2f}{ratios[1]:16.2f}")
    print(f"goal: at most {CPU_GOAL}")


def main() -> None:
    """Reads the command line and measures."""
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
