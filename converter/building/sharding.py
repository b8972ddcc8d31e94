"""Sharding: the pairs of a split -> their order, and their shards.

Seed, names and the number of shards alone decide the shard of a pair, not the other pairs: a pair that is added or
removed changes one shard. The number of shards is a power of two, so that it changes only when a dataset doubles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from converter.config import PairConfig
from converter.limits import MAX_SHARDS
from converter.sources.packed import PackedRefs
from converter.sources.refs import ExampleRef

# Bytes of a record per stored pixel, mask included. Only the number of shards depends on them.
JPEG_BYTES_PER_PIXEL = ((50, 75, 90, 95, 100), (0.13, 0.18, 0.28, 0.36, 0.75))  # (qualities, bytes): 95 kB at 512x512
PNG_BYTES_PER_PIXEL = 1.4
ASSUMED_SIZE = (512, 512)
MIN_SHARDS = 16  # a dataset smaller than shard_mb still keeps every worker busy, and is read in parallel ...
MIN_RECORDS = 32  # ... if each shard has that many records. The number of workers must not change the bytes.
MOST_OF_TARGET = 1.5  # a shard that would be larger is halved: all have 0.75 to 1.5 times the target size
# Mean number of photographs of a shard that are chosen by their hash: of 1,000 shards the longest is twice as long,
# and one is empty in one of 10,000 datasets. Splits with fewer are cut into equal parts: they are soon built again.
MIN_HASHED = 16


def estimated_bytes(num_pairs: int, pair: PairConfig) -> int:
    """Estimates the bytes of the records of `num_pairs` pairs; reads no file.

    Pairs that keep their sizes count as ASSUMED_SIZE, images that are stored unmodified as JPEG.
    """
    height, width = pair.size or ASSUMED_SIZE
    if pair.image_format == "png":
        per_pixel = PNG_BYTES_PER_PIXEL
    else:
        per_pixel = float(np.interp(pair.jpeg_quality, *JPEG_BYTES_PER_PIXEL))
    return round(num_pairs * height * width * per_pixel)


def num_shards(num_pairs: int, pair: PairConfig, shard_mb: int) -> int:
    """Returns the number of shards of a split, a power of two.

    Args:
      num_pairs: in the split.
      pair: what is done to each pair.
      shard_mb: target size of a shard, in MB (10**6 bytes). It is exceeded where shards would have fewer than
        MIN_RECORDS records, or a split more than MAX_SHARDS shards.
    """
    most = MOST_OF_TARGET * shard_mb * 1e6
    total = estimated_bytes(num_pairs, pair)
    count = 1
    while 2 * count <= min(num_pairs // MIN_RECORDS, MAX_SHARDS) and (count < MIN_SHARDS or total > count * most):
        count *= 2
    return count


@dataclass(frozen=True)
class Shuffled:
    """The pairs of a split in the order of their records.

    Attributes:
      refs: the pairs, or tiles; the tiles of a photograph follow one another.
      starts: int64 [photographs + 1], number of the first tile of each photograph, and of all tiles.
      draws: uint64 [photographs], at random, from seed and names alone.
    """

    refs: PackedRefs
    starts: NDArray[np.int64]
    draws: NDArray[np.uint64]

    @cached_property
    def num_photographs(self) -> int:
        """Number of photographs."""
        return len(self.draws)

    def first(self, limit: int | None) -> Shuffled:
        """Returns the pairs, or all tiles, of the first `limit` photographs; None takes all."""
        if limit is None or limit >= self.num_photographs:
            return self
        return Shuffled(self.refs[: int(self.starts[limit])], self.starts[: limit + 1], self.draws[:limit])

    def dealt(self, count: int) -> Iterator[PackedRefs]:
        """Yields the pairs of each of `count` shards, at most one for each pair, in their order.

        The tiles of a photograph are all in the same shard, unless there are fewer than MIN_HASHED photographs a shard,
        and the photograph fills more than half a shard.
        """
        lengths, total = np.diff(self.starts), len(self.refs)
        if self.num_photographs >= MIN_HASHED * count:
            shards = np.repeat((self.draws % np.uint64(count)).astype(np.uint32), lengths)
        else:
            middles = np.repeat(self.starts[:-1] + (lengths - 1) // 2, lengths)
            is_small = np.repeat(2 * lengths * count <= total, lengths)
            places = np.where(is_small, middles, np.arange(total))
            shards = (((places + 1) * count - 1) // max(total, 1)).astype(np.uint32)
        del lengths
        order = np.argsort(shards, kind="stable").astype(np.uint32)
        ends = np.cumsum(np.bincount(shards, minlength=count))
        for number, end in enumerate(ends):
            yield self.refs.take(order[ends[number - 1] if number else 0 : end])


def shuffled(refs: Iterable[ExampleRef], seed: int) -> Shuffled:
    """Returns pairs, or tiles, in the order of a seeded hash of their names: the order in the list does not matter."""
    packed = PackedRefs(refs)
    digests = bytearray()
    start = f"{seed}\0".encode()
    for names in packed.names():
        digest = hashlib.sha256(start + names).digest()
        digests += digest[:8] + digest[-8:]  # one half for the order, the other for the shard
    halves = np.frombuffer(digests, ">u8").reshape(-1, 2)
    heads, draws = halves[:, 0].astype(np.uint64), halves[:, 1].astype(np.uint64)
    del digests, halves  # of ten million pairs, each array is 80 MB
    order = np.lexsort((draws, heads))
    heads = heads[order]
    draws = draws[order]
    is_first = np.ones(len(order), bool)
    is_first[1:] = (heads[1:] != heads[:-1]) | (draws[1:] != draws[:-1])
    del heads
    starts = np.append(np.flatnonzero(is_first), len(order))
    if len(starts) <= len(order):
        order = _by_windows(packed, order, starts)
    return Shuffled(packed.take(order), starts, draws[is_first])


def _by_windows(refs: PackedRefs, order: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Returns the order with the tiles of each photograph by row and column."""
    order = order.copy()
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        if end - start > 1:
            order[start:end] = sorted(order[start:end].tolist(), key=lambda place: refs[place].window or ())
    return order
