"""Reads MDS shards with mosaicml-streaming's StreamingDataset, in one process."""

from __future__ import annotations

from epochs import BATCH, batches_of, decode, read, read_reading
from write_mds import import_torchvision


def main() -> None:
    """Runs the job of the command line."""
    import_torchvision()
    from streaming import StreamingDataset

    reading = read_reading()
    stored = StreamingDataset(local=str(reading.records), shuffle=True, shuffle_seed=0, batch_size=BATCH)
    read(lambda _: batches_of(decode(sample["image"], sample["mask"]) for sample in stored), reading)


if __name__ == "__main__":
    main()
