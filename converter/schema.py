"""Schema: the names and numbers that all writers and readers of segconv's records share.

A record is a tf.train.Example with the keys below. No key may be a prefix of another: protobuf's back ends disagree
on the order of such keys, and the same record must always have the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

SCHEMA_VERSION = 1

IGNORE_INDEX = 255  # stored in a mask for pixels without a class: padding, void, unlabelled
IMAGE = "image"  # bytes: JPEG or PNG, RGB, [height, width, 3]
MASK = "segmentation_mask"  # bytes: PNG, 8 bit, mode L, class indices, [height, width]
FILE_NAME = "file_name"  # bytes: UTF-8 path of the image, relative to the source folder
MASK_NAME = "mask_name"  # bytes: UTF-8 path of the mask, relative to the source folder
ORIGINAL_HEIGHT = "original_height"  # int64: rows of the upright image before resizing
ORIGINAL_WIDTH = "original_width"  # int64: columns of the upright image before resizing

# Only in a tile, int64, in pixels: the size of the upright image after scaling, and what of that the tile is, which may
# reach over the edge.
SCALED_HEIGHT, SCALED_WIDTH = "scaled_height", "scaled_width"
WINDOW_TOP, WINDOW_LEFT, WINDOW_HEIGHT, WINDOW_WIDTH = "window_top", "window_left", "window_height", "window_width"
CRS = "crs"  # bytes: coordinate reference system, where the file says it: "EPSG:25832", or WKT
TRANSFORM = "transform"  # bytes: six numbers a b c d e f: x = a * column + b * row + c, y = d * column + e * row + f

BYTES_KEYS = (IMAGE, MASK, FILE_NAME, MASK_NAME)
INT64_KEYS = (ORIGINAL_HEIGHT, ORIGINAL_WIDTH)
WINDOW_KEYS = (WINDOW_TOP, WINDOW_LEFT, WINDOW_HEIGHT, WINDOW_WIDTH)
TILE_KEYS = (*WINDOW_KEYS, SCALED_HEIGHT, SCALED_WIDTH)
RecordKey = tuple[str, ...]  # identifies a record in its dataset: paths of image and mask, and a window if any

MANIFEST = "manifest.json"
ERRORS = "errors.jsonl"
FIX_KEY = "mend"  # JSON key of the fix of an error in ERRORS and --json; part of the documented format, so it stays
INDEX_SUFFIX = ".idx"

_SHARD = re.compile(r"\w+-[\w-]+\.tfrecord-\d{5}-of-\d{5}", re.ASCII)


def window_text(window: Sequence[int]) -> str:
    """Returns a window as the part of a RecordKey: "top,left,height,width"."""
    return ",".join(map(str, window))


def holds_shards(names: Collection[str]) -> bool:
    """Returns whether these are names in a folder of records: a shard with its index is among them."""
    return any(_SHARD.fullmatch(name) and name + INDEX_SUFFIX in names for name in names)


def is_shard_name(name: str) -> bool:
    """Returns whether a file of this name is a shard."""
    return _SHARD.fullmatch(name) is not None


def shard_name(dataset: str, split: str, shard: int, num_shards: int) -> str:
    """Returns the file name of a shard, in the format that TFDS expects: NAME-SPLIT.tfrecord-00000-of-00004."""
    return f"{dataset}-{split}.tfrecord-{shard:05d}-of-{num_shards:05d}"
