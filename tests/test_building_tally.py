"""Tally: counts over records are exact, in any order."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
from made_pairs import make, write_pair
from PIL import Image

from converter.building.tally import Tally
from converter.config import PairConfig
from converter.limits import MAX_LISTED_SIZES


def test_channels_are_mean_and_standard_deviation_of_every_stored_pixel(tmp_path):
    tally, pixels = Tally.of_nothing(3), []
    for seed in range(5):
        write_pair(tmp_path, seed=seed)
        tally.add(make(tmp_path, PairConfig((40, 40)))[1])
        resized = Image.open(tmp_path / "a.jpg").resize((40, 27), Image.Resampling.BILINEAR)
        pixels.append(np.asarray(resized, np.float64).reshape(-1, 3))
    channels = tally.channels()
    np.testing.assert_allclose(channels.mean, np.concatenate(pixels).mean(0), rtol=1e-12)
    np.testing.assert_allclose(channels.std, np.concatenate(pixels).std(0), rtol=1e-12)


def test_channels_lose_no_digit_however_many_pixels_there_are():
    half = 10**17  # pixels of 200, as many of 201: in floating point the difference of the squares would be noise
    tally = Tally([], [], picture_pixels=2 * half, level_sums=[401 * half] * 3, level_squares=[80401 * half] * 3)
    channels = tally.channels()
    assert (channels.mean, channels.std) == ((200.5,) * 3, (0.5,) * 3)
    assert Tally.of_nothing(3).channels() is None


def test_the_sum_of_tallies_is_the_same_in_every_order(tmp_path):
    tallies = []
    for seed, size in enumerate([(20, 30), (30, 20), (20, 30), (7, 9)]):
        write_pair(tmp_path, seed=seed, size=size)
        tallies.append(make(tmp_path, PairConfig((24, 24)))[1])
    totals = []
    for order in itertools.permutations(tallies):
        totals.append(Tally.of_nothing(3))
        for tally in order:
            totals[-1].add(tally)
    assert all(total == totals[0] for total in totals)
    assert totals[0].sizes == {(20, 30): 2, (30, 20): 1, (7, 9): 1}
    assert totals[0].common_sizes() == (((20, 30, 2), (7, 9, 1), (30, 20, 1)), 0)


def test_rare_sizes_are_counted_together():
    tally = Tally([], [], sizes=Counter({(side, 8): 3 for side in range(1, 151)} | {(200, 8): 4}))
    listed, others = tally.common_sizes()
    assert listed == ((200, 8, 4), *((side, 8, 3) for side in range(1, MAX_LISTED_SIZES)))
    assert others == (150 - MAX_LISTED_SIZES + 1) * 3
