"""Reads what a builder of TensorFlow Datasets has written, as_dataset; --cached keeps it decoded."""

from __future__ import annotations

from collections.abc import Iterable

import tensorflow as tf
import tensorflow_datasets as tfds
from epochs import BATCH, SHUFFLE, read, read_reading


def main() -> None:
    """Reads what the command line asks for."""
    reading = read_reading()
    builder = tfds.builder_from_directory(str(next(reading.records.glob("*/*/dataset_info.json")).parent))
    config = tfds.ReadConfig(try_autocache=False, shuffle_seed=0)
    stored = builder.as_dataset(split="train", shuffle_files=True, read_config=config)
    if reading.is_cached:
        stored = stored.cache()
    pairs = stored.shuffle(SHUFFLE, seed=0).map(lambda features: (features["image"], features["mask"]))
    batches: Iterable[tuple[tf.Tensor, tf.Tensor]] = pairs.batch(BATCH).prefetch(tf.data.AUTOTUNE)
    read(lambda _: batches, reading)


if __name__ == "__main__":
    main()
