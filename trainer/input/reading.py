"""Reading: the records of one split in order, as pairs, as they are stored, or as places in the shards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converter.dataset.manifest import Manifest, SplitInfo
from converter.dataset.tfrecord import frame_positions
from trainer.backend import Tensor, tf
from trainer.devices import Share
from trainer.input.caching import keep
from trainer.input.decoding import decoder, decodes_masks_in_batches
from trainer.input.memory import free_memory

STORED_SHARE = 0.25  # of the free memory, for records as they are stored, where the decoded ones do not fit


@dataclass(frozen=True)
class InputConfig:
    """Which records are read, and how many make a batch.

    Attributes:
      manifest: from `open_records`, which has checked the shards.
      folder: where the shards lie.
      split: name of the split.
      batch: records per batch.
      cache: "on" to keep the decoded records in memory, "off" not to, "auto" to keep them where they fit.
      records: only the first so many records; 0 for all.
      share: of a worker among several: it gets its records of each batch, in batches for one device each.
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
        """What the manifest says of the split."""
        return self.manifest.splits[self.split]

    @property
    def count(self) -> int:
        """How many records are read."""
        return min(self.records, self.info.records) if self.records else self.info.records

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of every record, in pixels."""
        return self.manifest.common_size(self.folder)

    @property
    def shard_paths(self) -> list[str]:
        """The shards of the split, in order."""
        return [str(self.folder / shard.name) for shard in self.info.shards]


def decoded_pairs(config: InputConfig) -> tf.data.Dataset:
    """Returns the pairs in order, decoded."""
    return _stored(config).map(decoder(config.size), num_parallel_calls=tf.data.AUTOTUNE)


def shuffle_source(
    config: InputConfig,
) -> tuple[tf.data.Dataset, Callable[[Tensor], tuple[dict[str, Tensor]]]]:
    """Returns what to shuffle where pairs are not kept, `count` elements in order, and what decodes one of them.

    Raises:
      DataError: a shard holds another number of records than the manifest says.
    """
    decode = decoder(config.size, has_masks=not decodes_masks_in_batches())
    if config.info.bytes <= free_memory() * STORED_SHARE:
        return keep(_stored(config), config.count), decode
    names = tf.constant(config.shard_paths)

    def read(place: Tensor) -> tuple[dict[str, Tensor]]:
        # A record is read on its own: a file of one record of known length, between a header and a footer.
        shard, header, length, footer = tf.unstack(place)
        records = tf.data.FixedLengthRecordDataset(tf.gather(names, shard), length, header, footer, buffer_size=length)
        return decode(records.get_single_element())

    return tf.data.Dataset.from_tensor_slices(_places(config)[: config.count]), read


def _stored(config: InputConfig) -> tf.data.Dataset:
    """Returns the serialized records in order."""
    return tf.data.TFRecordDataset(config.shard_paths).take(config.count)


def _places(config: InputConfig) -> np.ndarray:
    """Returns where each record of a split lies, int64 [n, 4]: number of the shard, bytes before, of it, and after.

    Raises:
      DataError: a shard holds another number of records than the manifest says.
    """
    places = []
    for number, shard in enumerate(config.info.shards):
        for header, length in frame_positions(config.folder, shard.name, shard.records):
            places.append((number, header, length, shard.bytes - header - length))
    return np.array(places, np.int64)
