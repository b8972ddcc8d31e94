"""Reading: the records of one split in order, as pairs, as stored bytes, or as positions in the shards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from converter.dataset.manifest import Manifest, SplitInfo
from converter.dataset.pieces import Piece, numbers_in, pieces_in
from converter.dataset.reader import read_stored
from converter.dataset.store import LocalFolder
from converter.dataset.tfrecord import HEADER_BYTES, frame_positions
from converter.schema import ORIGINAL_HEIGHT, ORIGINAL_WIDTH
from converter.system.cpus import usable_cpus
from trainer.backend import Tensor, tf, untuned
from trainer.devices import Share
from trainer.input.caching import keep
from trainer.input.decoding import decoder, decodes_masks_in_batches
from trainer.input.failures import noted
from trainer.input.fetching import with_shards
from trainer.input.memory import free_memory

STORED_SHARE = 0.25  # of the free memory, for the stored bytes of records, where the decoded ones do not fit


@dataclass(frozen=True)
class InputConfig:
    """Which records are read, and how many make a batch.

    Attributes:
      manifest: from `open_records`, which has verified the shards.
      folder: folder of the shards.
      split: name of the split.
      batch: records per batch.
      cache: "on" to keep the decoded records in memory, "off" not to, "auto" to keep them where they fit.
      records: maximum number of records, the first of the split; 0 for all.
      share: with several workers, the part of each batch or of the shards that this one reads, in batches for one
        device each.
    """

    manifest: Manifest
    folder: Path
    split: str
    batch: int
    cache: str = "auto"
    records: int = 0
    share: Share = Share()  # noqa: RUF009 - a tuple

    @property
    def info(self) -> SplitInfo:
        """The entry of the split in the manifest."""
        return self.manifest.splits[self.split]

    @property
    def count(self) -> int:
        """How many records are read."""
        return min(self.records, self.info.records) if self.records else self.info.records

    @property
    def numbers(self) -> range:
        """The numbers of those that this process reads, in the split: all, or its part of them."""
        return numbers_in(self.count, self.share.part)

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """Where the records with these numbers are."""
        return pieces_in(self.info.shards, self.numbers)

    @cached_property
    def size(self) -> tuple[int, int]:
        """(height, width) of every image in a batch, in pixels: where records have several, the largest of each."""
        return self.manifest.size or self._largest_size()

    @property
    def has_sizes(self) -> bool:
        """Whether records have several sizes: each is then padded, and its own (height, width) comes with it."""
        return self.manifest.size is None

    def _largest_size(self) -> tuple[int, int]:
        sizes = [size[:2] for size in self.info.sizes]  # which are those of the records, since none was resized
        if self.info.other_sizes:
            keys = {key: tf.io.FixedLenFeature([], tf.int64) for key in (ORIGINAL_HEIGHT, ORIGINAL_WIDTH)}
            found = untuned(_stored(self).map(lambda record: tf.io.parse_single_example(record, keys)))
            sizes = [(int(pair[ORIGINAL_HEIGHT]), int(pair[ORIGINAL_WIDTH])) for pair in found.as_numpy_iterator()]
        return max(height for height, _ in sizes), max(width for _, width in sizes)

    @property
    def shard_paths(self) -> list[str]:
        """The shards of the split, in order."""
        return [str(self.folder / shard.name) for shard in self.info.shards]


def decoded_pairs(config: InputConfig) -> tf.data.Dataset:
    """Returns the pairs in order, decoded."""
    return _stored(config).map(decoder(config.manifest.size), num_parallel_calls=usable_cpus())


def shuffle_source(
    config: InputConfig,
) -> tuple[tf.data.Dataset, Callable[[Tensor], tuple[dict[str, Tensor]]]]:
    """Returns what to shuffle where decoded pairs are not kept, `count` elements in order, and the decoder of one.

    Raises:
      DataError: the number of records in a shard differs from the manifest.
    """
    decode = decoder(config.manifest.size, has_masks=config.has_sizes or not decodes_masks_in_batches())
    if config.info.bytes <= free_memory() * STORED_SHARE:
        return keep(_stored(config), config.count), decode
    store = LocalFolder(config.folder)

    @noted
    def stored(position: np.ndarray) -> bytes:
        shard, number, offset = position.tolist()
        return read_stored(store, config.info.shards[shard].name, number, offset)

    def read(position: Tensor) -> tuple[dict[str, Tensor]]:
        # In Python: a dataset of one record, TensorFlow's only way to read from the middle of a file, costs more than
        # to decode a mask.
        return decode(tf.ensure_shape(tf.numpy_function(stored, (position,), tf.string, stateful=False), ()))

    return tf.data.Dataset.from_tensor_slices(_positions(config)[: config.count]), read


def piece_table(config: InputConfig) -> tf.data.Dataset:
    """Returns the pieces of shards that this process reads, in order; for `with_shards`.

    Its elements are path, number of the first record, number of records, and number of those in the pieces before.
    """
    paths, columns = config.shard_paths, np.array(config.pieces, np.int64).reshape(-1, 3)
    counts = columns[:, 2] - columns[:, 1]
    names = tf.constant([paths[piece.shard] for piece in config.pieces], tf.string)
    return tf.data.Dataset.from_tensor_slices((names, columns[:, 1], counts, np.cumsum(counts) - counts))


def stored_piece(path: Tensor, start: Tensor, count: Tensor, _: Tensor) -> tf.data.Dataset:
    """Returns the serialized records of a row of `piece_table`."""
    return tf.data.TFRecordDataset(path).skip(start).take(count)


def _stored(config: InputConfig) -> tf.data.Dataset:
    """Returns the serialized records that this process reads, in order."""
    return with_shards(piece_table(config), config.folder).flat_map(stored_piece)


def _positions(config: InputConfig) -> np.ndarray:
    """Returns the position of each record, int64 [n, 3]: number of its shard, its number there, and its first byte.

    Raises:
      DataError: the number of records in a shard differs from the manifest.
    """
    positions = []
    for place, shard in enumerate(config.info.shards):
        for number, (start, _) in enumerate(frame_positions(config.folder, shard.name, shard.records)):
            positions.append((place, number, start - HEADER_BYTES))
    return np.array(positions, np.int64)
