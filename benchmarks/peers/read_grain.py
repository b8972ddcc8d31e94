"""Reads an ArrayRecord file with Grain, by its threads."""

from __future__ import annotations

from collections.abc import Iterable

import grain
from epochs import BATCH, Batch, decode, read, read_reading, stack


def pair_of(data: bytes) -> Batch:
    """Returns a decoded pair of what `write_grain.py` stores."""
    end = 4 + int.from_bytes(data[:4], "little")
    return decode(data[4:end], data[end:])


def main() -> None:
    """Runs the job of the command line."""
    reading = read_reading()
    stored = grain.sources.ArrayRecordDataSource(str(reading.records / "pairs.array_record"))

    def epoch(number: int) -> Iterable[Batch]:
        shuffled = grain.MapDataset.source(stored).shuffle(seed=number).map(pair_of)
        return shuffled.to_iter_dataset().batch(BATCH, batch_fn=stack)

    read(epoch, reading)


if __name__ == "__main__":
    main()
