"""Reads records with `trainer.input`, as training does; the variant "cached" keeps the decoded pairs in memory."""

from __future__ import annotations

from epochs import BATCH, read_reading, read_tensors

from trainer.input.batches import train_batches
from trainer.input.reading import InputConfig
from trainer.input.records import open_records

EPOCHS = 2**20  # more than any run requests


def main() -> None:
    """Runs the job of the command line."""
    reading = read_reading()
    manifest = open_records(reading.records, ("train",))
    cache = "on" if reading.variant == "cached" else "off"
    config = InputConfig(manifest, reading.records, "train", BATCH, cache)
    batches = train_batches(config, seed=0, epochs=EPOCHS)
    read_tensors(batches.dataset, reading, batches.steps)


if __name__ == "__main__":
    main()
