"""Reads records with `trainer.data`, as training does; --cached has the decoded pairs in memory."""

from __future__ import annotations

from itertools import islice

from epochs import BATCH, read, read_reading

from trainer import data


def main() -> None:
    """Reads what the command line asks for."""
    reading = read_reading()
    manifest = data.open_records(reading.records, ("train",))
    cache = "on" if reading.is_cached else "off"
    # One stream of all epochs, without a gap between: one more than is read, so that as much is fetched ahead at the
    # end of what is measured as at its beginning.
    epochs = reading.epochs + 1
    batches = data.train_batches(manifest, reading.records, "train", batch=BATCH, seed=0, epochs=epochs, cache=cache)
    stream = iter(batches.dataset)
    read(lambda _: ((pair["image"], pair["mask"]) for (pair,) in islice(stream, batches.steps)), reading)


if __name__ == "__main__":
    main()
