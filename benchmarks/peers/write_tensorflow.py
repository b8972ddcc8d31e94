"""Writes one TFRecord file as a plain TensorFlow script does: an Example for each pair, by TensorFlow's own classes."""

from __future__ import annotations

import tensorflow as tf
from step import read_job


def feature(value: bytes) -> tf.train.Feature:
    """Returns a feature of one byte string."""
    return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))


def main() -> None:
    """Converts the job of the command line."""
    job = read_job()
    job.out.mkdir()
    with tf.io.TFRecordWriter(str(job.out / "pairs.tfrecord")) as writer:
        for pair in job.pairs:
            image, mask = job.encode(pair)
            features = {"name": feature(pair.image.stem.encode()), "image": feature(image), "mask": feature(mask)}
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


if __name__ == "__main__":
    main()
