"""Pieces: parts of a split are equal, adjoin, and lie in few shards."""

from __future__ import annotations

import pytest

from converter.dataset.manifest import ShardInfo
from converter.dataset.pieces import Part, Piece, numbers_in, pieces_in


def shards(*records: int) -> list[ShardInfo]:
    return [ShardInfo(f"shard{number}", count, 0, "") for number, count in enumerate(records)]


@pytest.mark.parametrize("records", [0, 1, 5, 16, 101])
@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_parts_hold_every_record_once_and_as_many_as_the_others_give_or_take_one(records, parts):
    ranges = [numbers_in(records, Part(number, parts)) for number in range(parts)]
    assert [number for part in ranges for number in part] == list(range(records))
    lengths = [len(part) for part in ranges]
    assert max(lengths) - min(lengths) <= 1
    assert lengths[0] == max(lengths)


def test_pieces_are_the_records_of_a_part_shard_by_shard():
    four = shards(3, 4, 0, 2)
    assert pieces_in(four, range(9)) == (Piece(0, 0, 3), Piece(1, 0, 4), Piece(3, 0, 2))
    assert pieces_in(four, range(2, 5)) == (Piece(0, 2, 3), Piece(1, 0, 2))
    assert pieces_in(four, range(7, 9)) == (Piece(3, 0, 2),)
    assert pieces_in(four, range(3, 3)) == ()


def test_a_part_needs_its_own_shards_and_no_more_than_two_that_it_shares():
    many = shards(*[10] * 100)
    for number in range(8):
        pieces = pieces_in(many, numbers_in(1000, Part(number, 8)))
        assert sum(piece.stop - piece.start for piece in pieces) == 125
        assert len(pieces) <= 14
        assert sum((piece.start, piece.stop) != (0, 10) for piece in pieces) <= 2
