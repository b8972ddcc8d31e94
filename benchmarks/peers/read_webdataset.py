"""Reads tar shards with webdataset, in one process."""

from __future__ import annotations

from collections.abc import Iterable

import webdataset
from epochs import SHUFFLE, Batch, batches_of, decode, read, read_reading


def main() -> None:
    """Runs the job of the command line."""
    reading = read_reading()
    shards = sorted(map(str, reading.records.glob("*.tar")))

    def epoch(number: int) -> Iterable[Batch]:
        stored = webdataset.WebDataset(shards, shardshuffle=len(shards), seed=number).shuffle(SHUFFLE)
        return batches_of(decode(sample["jpg"], sample["png"]) for sample in stored)

    read(epoch, reading)


if __name__ == "__main__":
    main()
