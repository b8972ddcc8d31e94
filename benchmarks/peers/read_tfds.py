"""Reads a TensorFlow Datasets builder with as_dataset; the variant "cached" keeps the decoded pairs."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_datasets as tfds
from epochs import BATCH, SHUFFLE, read_reading, read_tensors


def main() -> None:
    """Runs the job of the command line."""
    reading = read_reading()
    builder = tfds.builder_from_directory(str(next(reading.records.glob("*/*/dataset_info.json")).parent))
    config = tfds.ReadConfig(try_autocache=False, shuffle_seed=0)
    wanted = tfds.decode.PartialDecoding({"image": True, "mask": True})
    stored = builder.as_dataset(split="train", shuffle_files=True, read_config=config, decoders=wanted)
    if reading.variant == "cached":
        stored = stored.cache()
    read_tensors(stored.shuffle(SHUFFLE, seed=0).batch(BATCH).prefetch(tf.data.AUTOTUNE), reading)


if __name__ == "__main__":
    main()
