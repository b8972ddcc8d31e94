"""Reads chunks with litdata's StreamingDataset, in one process."""

from __future__ import annotations

from epochs import batches_of, decode, read, read_reading
from litdata import StreamingDataset


def main() -> None:
    """Runs the job of the command line."""
    reading = read_reading()
    stored = StreamingDataset(str(reading.records), shuffle=True, seed=0)
    read(lambda _: batches_of(decode(sample["image"], sample["mask"]) for sample in stored), reading)


if __name__ == "__main__":
    main()
