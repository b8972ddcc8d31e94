"""Pieces: which records of which shards one of several readers has to itself.

The records of a split are numbered through its shards. Each of n readers has as many of them in a row as any other,
give or take one, so that it needs few shards: its own, and one that it shares at either end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from converter.dataset.manifest import Manifest, ShardInfo


class Part(NamedTuple):
    """One of the equal parts of a split.

    Attributes:
      number: of the part, from 0.
      of: how many parts there are.
    """

    number: int = 0
    of: int = 1


class Piece(NamedTuple):
    """Some records of one shard, in a row.

    Attributes:
      shard: number of the shard in its split.
      start: number of the first record in the shard.
      stop: number of the record after the last.
    """

    shard: int
    start: int
    stop: int


def numbers_in(records: int, part: Part) -> range:
    """Returns the numbers of the records in a part of the first `records` of a split; the first part is never empty."""
    first, last = (-(-records * number // part.of) for number in (part.number, part.number + 1))
    return range(first, last)


def pieces_in(shards: Sequence[ShardInfo], numbers: range) -> tuple[Piece, ...]:
    """Returns where the records with these numbers are: the pieces of the shards that hold some, in order."""
    pieces, before = [], 0
    for shard, info in enumerate(shards):
        start, stop = max(numbers.start - before, 0), min(numbers.stop - before, info.records)
        if start < stop:
            pieces.append(Piece(shard, start, stop))
        before += info.records
    return tuple(pieces)


def shards_in(manifest: Manifest, splits: Sequence[str], part: Part = Part()) -> list[ShardInfo]:  # noqa: B008 - a tuple
    """Returns the shards that hold a record of a part of some splits; splits that there are none of are left out."""
    found = []
    for split in splits:
        if info := manifest.splits.get(split):
            found += [info.shards[piece.shard] for piece in pieces_in(info.shards, numbers_in(info.records, part))]
    return found
