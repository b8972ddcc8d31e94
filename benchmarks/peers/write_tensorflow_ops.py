"""Writes one TFRecord file, and leaves every step to TensorFlow's operations: decode, letterbox, look-up, encode.

The image is reduced with antialias=True; without it, the pixels would differ from those of the other peers. The
class indices are one look-up of packed colours.
"""

from __future__ import annotations

import tensorflow as tf
from step import IGNORE, QUALITY, UNLISTED, Pair, box_of, read_classes, read_job
from write_tensorflow import feature


def encode(pair: Pair, size: tuple[int, int], table: tf.Tensor) -> tuple[bytes, bytes]:
    """Returns (JPEG bytes, PNG bytes) of a pair."""
    image = tf.io.decode_jpeg(tf.io.read_file(str(pair.image)), channels=3, dct_method="INTEGER_ACCURATE")
    rgb = tf.io.decode_png(tf.io.read_file(str(pair.mask)), channels=3)
    box = box_of((image.shape[0], image.shape[1]), size)
    top, left = (size[0] - box[0]) // 2, (size[1] - box[1]) // 2
    if tuple(image.shape[:2]) != box:
        image = tf.image.resize(image, box, antialias=True)
        image = tf.cast(tf.clip_by_value(tf.round(image), 0, 255), tf.uint8)
        rgb = tf.image.resize(rgb, box, method="nearest")
    packed = tf.tensordot(tf.cast(rgb, tf.int32), tf.constant([1, 1 << 8, 1 << 16]), 1)
    mask = tf.gather(table, packed)
    if tf.reduce_any(mask == UNLISTED):
        raise ValueError(f"{pair.mask} holds a colour that classes.csv does not list")
    image = tf.image.pad_to_bounding_box(image, top, left, *size)
    below, right = size[0] - box[0] - top, size[1] - box[1] - left
    mask = tf.pad(mask, [[top, below], [left, right]], constant_values=tf.constant(IGNORE, tf.uint8))[..., tf.newaxis]
    return tf.io.encode_jpeg(image, quality=QUALITY).numpy(), tf.io.encode_png(mask).numpy()


def main() -> None:
    """Converts the job of the command line; its step is not used."""
    job = read_job()
    job.out.mkdir()
    table = tf.constant(read_classes(job.pairs[0].image.parent.parent).table)
    with tf.io.TFRecordWriter(str(job.out / "pairs.tfrecord")) as writer:
        for pair in job.pairs:
            image, mask = encode(pair, job.size, table)
            features = {"name": feature(pair.image.stem.encode()), "image": feature(image), "mask": feature(mask)}
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


if __name__ == "__main__":
    main()
