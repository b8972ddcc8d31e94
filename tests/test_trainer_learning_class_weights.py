"""Class weights, against numbers calculated by hand."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from converter.dataset.manifest import SplitInfo
from trainer.config import CLASS_WEIGHT_NAMES
from trainer.learning.class_weights import class_weights

# Four images of 10 x 20: 600 pixels of class 0 in all of them, 150 of class 1 in two, 50 of class 3 in one.
INFO = SplitInfo(shards=(), example_bytes=0, pixels=(600, 150, 0, 50), images=(4, 2, 0, 1), ignored_pixels=0)


def test_none_is_no_array():
    assert class_weights("none", INFO) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("balanced", [800 / 1800, 800 / 450, 0, 800 / 150]),
        ("enet", [1 / np.log(1.02 + 0.75), 1 / np.log(1.02 + 0.1875), 0, 1 / np.log(1.02 + 0.0625)]),
        # Frequencies 600/800, 150/400 and 50/200 of the pixels, of which the median is 3/8.
        ("median", [0.375 / 0.75, 1, 0, 0.375 / 0.25]),
    ],
)
def test_weights_are_those_worked_out_by_hand(name, expected):
    weights = class_weights(name, INFO)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_balanced_weights_give_every_class_the_same_sum_and_the_mean_pixel_weight_1():
    weights = class_weights("balanced", INFO)
    np.testing.assert_allclose(weights[[0, 1, 3]] * [600, 150, 50], 800 / 3, rtol=1e-6)
    assert weights @ INFO.pixels == pytest.approx(800)


def test_enet_weights_stay_between_those_of_a_class_alone_and_of_a_class_of_one_pixel():
    alone = SplitInfo(shards=(), example_bytes=0, pixels=(10**12, 1), images=(9, 1), ignored_pixels=0)
    np.testing.assert_allclose(class_weights("enet", alone), [1 / np.log(2.02), 1 / np.log(1.02)], rtol=1e-6)
    np.testing.assert_allclose(class_weights("enet", alone), [1.42228, 50.4983], rtol=1e-5)


@pytest.mark.parametrize("name", [name for name in CLASS_WEIGHT_NAMES if name != "none"])
def test_a_split_of_ignored_pixels_alone_divides_nothing_by_zero(name):
    empty = SplitInfo(shards=(), example_bytes=0, pixels=(0, 0), images=(0, 0), ignored_pixels=200)
    np.testing.assert_array_equal(class_weights(name, empty), [0, 0])


@pytest.mark.parametrize("name", [name for name in CLASS_WEIGHT_NAMES if name != "none"])
def test_a_rarer_class_never_weighs_less(name):
    rng = np.random.default_rng(0)
    for _ in range(20):
        pixels = tuple(sorted(map(int, rng.integers(1, 10**9, 6)), reverse=True))
        info = SplitInfo(shards=(), example_bytes=0, pixels=pixels, images=(10**6,) * 6, ignored_pixels=0)
        assert (np.diff(class_weights(name, info)) >= 0).all()


def test_class_weights_need_no_tensorflow():
    code = "import sys, trainer.learning.class_weights; print({'tensorflow', 'keras'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "set()\n"
