"""Bilinear resizing against TensorFlow's kernels, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


@pytest.fixture(scope="module")
def resizing():
    import trainer.learning.resizing

    return trainer.learning.resizing


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("size", [(9, 12), (12, 16), (15, 20), (4, 33), (1, 1), (25, 7)])
def test_it_is_what_tensorflow_computes_also_with_xla(resizing, size, antialias):
    from trainer.backend import tf

    x = np.random.default_rng(1).uniform(0, 255, (2, 12, 16, 3)).astype(np.float32)
    wanted = tf.image.resize(x, size, antialias=antialias)
    for jit_compile in (False, True):
        found = tf.function(lambda x: resizing.resized(x, size, antialias=antialias), jit_compile=jit_compile)(x)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-3)


def test_its_own_size_changes_no_bit(resizing):
    x = np.random.default_rng(2).uniform(0, 255, (2, 5, 7, 1)).astype(np.float32)
    np.testing.assert_array_equal(resizing.resized(x, (5, 7), antialias=True), x)


def test_taps_by_hand(resizing):
    """Four pixels in the place of three: centres at 1/6, 3/2 and 17/6, and weights that fall to 0 at 4/3 of a pixel."""
    indices, weights = resizing.taps(4, 3, antialias=True)
    spread = np.zeros((3, 4))
    for target in range(3):
        np.add.at(spread[target], indices[:, target], weights[:, target])
    near, far = 1 - (1 / 6) / (4 / 3), 1 - (5 / 6) / (4 / 3)
    wanted = [[near, far, 0, 0], [0, 0.5, 0.5, 0], [0, 0, far, near]]
    wanted = np.array(wanted) / np.sum(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(spread, wanted, rtol=0, atol=1e-6)


def test_without_antialiasing_a_pixel_is_one_between_two(resizing):
    indices, weights = resizing.taps(2, 4, antialias=False)
    found = (np.array([10.0, 30.0])[indices] * weights).sum(axis=0)
    np.testing.assert_allclose(found, [10, 15, 25, 30], rtol=0, atol=1e-5)
