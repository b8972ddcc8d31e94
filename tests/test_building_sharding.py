"""Sharding: names, seed and the number of shards alone decide the shard of a pair."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from made_pairs import REFS

from converter.building.sharding import MIN_HASHED, MIN_RECORDS, estimated_bytes, num_shards, shuffled
from converter.config import PairConfig
from converter.pixels.geometry import Box
from converter.sources.refs import ExampleRef

MANY = [ExampleRef("train", f"jpg/{n:06}.jpg", f"png/{n:06}.png", "train.txt", n + 1) for n in range(100_000)]
SQUARE = PairConfig((512, 512))


def tiles_of(lengths: list[int]) -> list[ExampleRef]:
    """Returns the tiles of photographs, given the number of tiles of each."""
    return [replace(REFS[n], window=Box(tile, 0, 1, 1)) for n, length in enumerate(lengths) for tile in range(length)]


@pytest.mark.parametrize(("pairs", "size", "shard_mb", "expected"), [
    (1, (512, 512), 128, 1),
    (63, (512, 512), 128, 1),
    (64, (512, 512), 128, 2),
    (367, (512, 512), 128, 8),  # 32 records a shard at least
    (10_000, (512, 512), 128, 16),
    (100_000, (512, 512), 128, 64),  # 94 kB a record: 9.4 GB, 147 MB a shard
    (100_000, (512, 512), 1000, 16),
    (10_000_000, (512, 512), 128, 8192),
    (10**9, (512, 512), 128, 65_536),  # 1.4 GB a shard: names have five digits
    (1000, (7000, 7000), 128, 16),  # 18 MB a record: 62 records a shard, whatever they take
])  # fmt: skip
def test_number_of_shards(pairs, size, shard_mb, expected):
    assert num_shards(pairs, PairConfig(size), shard_mb) == expected


def test_the_number_of_shards_changes_only_where_a_dataset_doubles():
    counts = [num_shards(pairs, SQUARE, 128) for pairs in range(1, 100_001)]
    changes = [pairs for pairs, (one, two) in enumerate(itertools.pairwise(counts), start=2) if one != two]
    assert changes[:4] == [64, 128, 256, 512]
    assert len(changes) == 6
    assert all(later >= 2 * earlier - 2 for earlier, later in itertools.pairwise(changes))
    sizes = [estimated_bytes(pairs, SQUARE) / counts[pairs - 1] for pairs in range(changes[4], 100_000)]
    assert 0.74 * 128e6 <= min(sizes) < max(sizes) <= 1.5 * 128e6


@pytest.mark.parametrize(("pair", "expected"), [
    (PairConfig((100, 200)), 7200),
    (PairConfig((100, 200), image_format="jpeg:75"), 3600),
    (PairConfig((100, 200), image_format="jpeg:1"), 2600),
    (PairConfig((100, 200), image_format="keep"), 7200),
    (PairConfig((100, 200), image_format="png"), 28_000),
    (PairConfig(None), 94_372),  # as if they were 512 x 512
])  # fmt: skip
def test_the_size_of_records_is_estimated_from_the_options_alone(pair, expected):
    assert estimated_bytes(1, pair) == expected
    assert estimated_bytes(1000, pair) == pytest.approx(1000 * expected, rel=1e-4)
    assert estimated_bytes(0, pair) == 0


def test_order_depends_on_names_and_seed_alone():
    assert shuffled(REFS, 0).refs == shuffled(REFS[::-1], 0).refs
    assert shuffled(REFS, 0).refs != shuffled(REFS, 1).refs
    assert shuffled(REFS, 0).refs != REFS


def test_one_pair_more_among_100_000_changes_one_shard():
    before = list(shuffled(MANY, 0).dealt(64))
    more = ExampleRef("train", "jpg/new.jpg", "png/new.png", "train.txt", 100_001)
    after = list(shuffled([*MANY, more], 0).dealt(64))
    changed = [(one, two) for one, two in zip(before, after, strict=True) if one != two]
    assert [[ref for ref in two if ref != more] for _, two in changed] == [one for one, _ in changed]
    assert len(changed) == 1
    assert sum(map(len, before)) == 100_000


def test_shards_of_many_pairs_are_as_long_as_at_random_and_their_order_is_random():
    shards = list(shuffled(MANY, 3).dealt(64))
    lengths = np.array([len(shard) for shard in shards])
    # Chi-squared with 63 degrees of freedom: 99.9 % are within these two.
    assert 32.3 < ((lengths - 100_000 / 64) ** 2 / (100_000 / 64)).sum() < 106.7
    lines = np.array([ref.line for ref in shards[0]])
    assert abs(np.corrcoef(lines, np.arange(len(lines)))[0, 1]) < 4 / len(lines) ** 0.5


def test_few_pairs_are_cut_into_equal_parts():
    shards = list(shuffled(REFS, 0).dealt(7))
    assert 7 * MIN_HASHED > 100
    assert [ref for shard in shards for ref in shard] == shuffled(REFS, 0).refs
    assert {len(shard) for shard in shards} == {14, 15}
    assert all(len(part) == 1 for count in range(1, 9) for part in shuffled(REFS[:count], 0).dealt(count))
    assert MIN_RECORDS > MIN_HASHED  # the number of shards that is chosen leaves none to chance


@pytest.mark.parametrize("lengths", [[6, 9, 1], [3] * 8, [1, 1, 1, 21], [20, 1, 1, 1, 1], [2, 2, 2, 9, 9], [24]])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 16])
def test_no_shard_is_empty_and_small_photographs_stay_whole(lengths, count):
    tiles = tiles_of(lengths)
    shards = list(shuffled(tiles, 0).dealt(count))
    assert [ref for shard in shards for ref in shard] == shuffled(tiles[::-1], 0).refs
    assert all(shards)
    owners = {ref.files: {n for n, shard in enumerate(shards) if ref in shard} for ref in tiles}
    for ref, length in Counter(tile.files for tile in tiles).items():
        assert length > len(tiles) / (2 * count) or len(owners[ref]) == 1


def test_tiles_of_many_photographs_are_in_the_shard_of_their_photograph():
    tiles = tiles_of([1 + n % 9 for n in range(100)])
    shards = list(shuffled(tiles, 0).dealt(4))
    holders = {ref.files: {n for n, shard in enumerate(shards) if ref in shard} for ref in tiles}
    assert all(len(found) == 1 for found in holders.values())
    fewer = list(shuffled([ref for ref in tiles if ref.files != REFS[8].files], 0).dealt(4))
    assert sum(one != two for one, two in zip(shards, fewer, strict=True)) == 1
