"""Packed refs: the same pairs as a tuple of them, in few bytes each."""

from __future__ import annotations

import pickle
import tracemalloc

import numpy as np
from made_pairs import REFS

from converter.pixels.geometry import Box
from converter.sources.packed import PackedRefs
from converter.sources.refs import ExampleRef

MIXED = (
    *REFS[:3],
    ExampleRef("val", "straße/ü 1.jpg", "", "val.txt", 7),
    ExampleRef("train", "big.tif", "big.png", "", 0, Box(0, 512, 256, 300)),
    ExampleRef("train", "big.tif", "big.png", "a.txt", 2, Box(448, 0, 512, 512), (6000, 9000), (3000, 4500)),
    ExampleRef("train", "half\udc80.png", "m.png"),
)


def test_every_field_of_a_pair_comes_back():
    packed = PackedRefs(MIXED)
    assert tuple(packed) == MIXED
    assert packed == MIXED
    assert packed != MIXED[:-1]
    assert packed != MIXED[::-1]
    assert packed[-2] == MIXED[-2]
    assert list(packed.names())[3] == "straße/ü 1.jpg\0".encode()


def test_slices_and_choices_are_those_of_a_tuple_and_may_be_taken_of_one_another():
    packed = PackedRefs(MIXED)
    assert packed[1:5] == MIXED[1:5]
    assert packed[::-2] == MIXED[::-2]
    chosen = packed.take(np.array([4, 0, 3]))
    assert chosen == (MIXED[4], MIXED[0], MIXED[3])
    assert chosen[1:] == (MIXED[0], MIXED[3])
    assert chosen.take(np.array([2])) == (MIXED[3],)
    assert packed[2:][1:3] == MIXED[3:5]
    assert packed[7:] == ()
    assert PackedRefs(chosen) == chosen


def test_a_view_is_sent_to_a_worker_without_the_pairs_of_others():
    many = PackedRefs(ExampleRef("train", f"jpg/{n}.jpg", f"png/{n}.png", "train.txt", n) for n in range(10_000))
    part = many.take(np.array([9000, 17]))
    sent = pickle.dumps(part)
    assert len(sent) < 500
    assert pickle.loads(sent) == part  # noqa: S301 - our own


def test_a_pair_takes_less_than_60_bytes():
    count = 20_000
    tracemalloc.start()
    packed = PackedRefs(ExampleRef("train", f"jpg/{n:07}.jpg", f"png/{n:07}.png", "train.txt", n) for n in range(count))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(packed) == count
    assert size / count < 60
