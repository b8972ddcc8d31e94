"""Schema: the names and numbers that every writer and reader of segconv's records agrees on.

A record is a tf.train.Example with the keys below. No key may be a prefix of another: protobuf's back ends disagree
on the order of such keys, and the same record must always be the same bytes.
"""

from __future__ import annotations

SCHEMA_VERSION = 1

IGNORE_INDEX = 255  # stored in a mask where no class counts: padding, void, unlabelled
IMAGE = "image"  # bytes: JPEG or PNG, RGB, [height, width, 3]
MASK = "segmentation_mask"  # bytes: PNG, 8 bit, mode L, class indices, [height, width]
FILE_NAME = "file_name"  # bytes: UTF-8 path of the photograph below the source folder
MASK_NAME = "mask_name"  # bytes: UTF-8 path of the mask below the source folder
ORIGINAL_HEIGHT = "original_height"  # int64: rows of the upright photograph before resizing
ORIGINAL_WIDTH = "original_width"  # int64: columns of the upright photograph before resizing

BYTES_KEYS = (IMAGE, MASK, FILE_NAME, MASK_NAME)
INT64_KEYS = (ORIGINAL_HEIGHT, ORIGINAL_WIDTH)
RecordKey = tuple[str, ...]  # what identifies a record in its dataset: paths of image and mask, and a window if any

MANIFEST = "manifest.json"
ERRORS = "errors.jsonl"
INDEX_SUFFIX = ".idx"


def shard_name(dataset: str, split: str, shard: int, num_shards: int) -> str:
    """Returns the file name of a shard, in the form that TFDS expects: NAME-SPLIT.tfrecord-00000-of-00004."""
    return f"{dataset}-{split}.tfrecord-{shard:05d}-of-{num_shards:05d}"
