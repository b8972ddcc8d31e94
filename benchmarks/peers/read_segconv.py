"""Reads records with `trainer.data`, as training does; the variant "cached" has the decoded pairs in memory."""

from __future__ import annotations

from epochs import BATCH, read_reading, read_tensors

from trainer import data

EPOCHS = 2**20  # more than anybody asks for


def main() -> None:
    """Reads what the command line asks for."""
    reading = read_reading()
    manifest = data.open_records(reading.records, ("train",))
    cache = "on" if reading.variant == "cached" else "off"
    batches = data.train_batches(manifest, reading.records, "train", batch=BATCH, seed=0, epochs=EPOCHS, cache=cache)
    read_tensors(batches.dataset, reading, batches.steps)


if __name__ == "__main__":
    main()
