"""Sharding: the pairs of a split -> their order, and their shards.

Seed, names and the number of shards alone decide the shard of a pair, not the other pairs: a pair that is added or
removed changes one shard. The number of shards is a power of two, so that it changes only when a dataset doubles.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence

import numpy as np

from converter.config import PairConfig
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
      shard_mb: target size of a shard, in MB (10**6 bytes); of MIN_RECORDS large records, it is more.
    """
    most = MOST_OF_TARGET * shard_mb * 1e6
    total = estimated_bytes(num_pairs, pair)
    count = 1
    while 2 * count * MIN_RECORDS <= num_pairs and (count < MIN_SHARDS or total > count * most):
        count *= 2
    return count


def _digest(ref: ExampleRef, seed: int) -> bytes:
    """Returns the SHA-256 of the seed and the names of a pair: one for all tiles of a photograph."""
    return hashlib.sha256("\0".join((str(seed), *ref.files)).encode()).digest()


def shuffled(refs: Sequence[ExampleRef], seed: int) -> list[ExampleRef]:
    """Returns the pairs in the order of a seeded hash of their names: the order in the list does not matter."""

    def order(ref: ExampleRef) -> tuple[bytes, tuple[int, ...]]:
        return _digest(ref, seed), tuple(ref.window or ())  # the tiles of a photograph follow one another

    return sorted(refs, key=order)


def first_photographs(refs: Sequence[ExampleRef], limit: int | None) -> list[ExampleRef]:
    """Returns the pairs, or all tiles, of the first `limit` photographs; None takes all."""
    groups = itertools.islice(itertools.groupby(refs, key=lambda ref: ref.files), limit)
    return [ref for _, group in groups for ref in group]


def dealt(ordered: Sequence[ExampleRef], count: int, seed: int) -> list[list[ExampleRef]]:
    """Returns the pairs of each of `count` shards, in their order.

    The tiles of a photograph are all in the same shard, unless there are fewer than MIN_HASHED photographs a shard, and
    the photograph fills more than half a shard.

    Args:
      ordered: of `shuffled`; at least `count`.
      count: number of shards.
      seed: of the order.
    """
    photographs = [list(group) for _, group in itertools.groupby(ordered, key=lambda ref: ref.files)]
    shards: list[list[ExampleRef]] = [[] for _ in range(count)]
    if len(photographs) >= MIN_HASHED * count:
        for tiles in photographs:  # by the end of the digest: its beginning is the order, which stays random in a shard
            shards[int.from_bytes(_digest(tiles[0], seed)[-8:]) % count] += tiles
        return shards
    start = 0
    for tiles in photographs:
        is_small = 2 * len(tiles) * count <= len(ordered)
        middle = start + (len(tiles) - 1) // 2
        for place, ref in enumerate(tiles, start):
            shards[(((middle if is_small else place) + 1) * count - 1) // len(ordered)].append(ref)
        start += len(tiles)
    return shards
