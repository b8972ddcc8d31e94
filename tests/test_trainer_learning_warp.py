"""The warp against its definition, one pixel at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.schema import IGNORE_INDEX

pytestmark = NEEDS_TF

SAMPLES, SIZE = 6, (9, 13)


@pytest.fixture(scope="module")
def warp():
    import trainer.learning.warp

    return trainer.learning.warp


def random_pair() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(13)
    image = rng.integers(0, 256, (SAMPLES, *SIZE, 3), np.uint8)
    return image, rng.choice(np.array([0, 1, 2, IGNORE_INDEX], np.uint8), (SAMPLES, *SIZE))


def test_warp_is_bilinear_in_the_image_and_nearest_in_the_mask(warp):
    rng = np.random.default_rng(12)
    matrix = (np.eye(2) + rng.normal(0, 0.4, (SAMPLES, 2, 2))).astype(np.float32)
    offset = rng.normal(0, 3, (SAMPLES, 2)).astype(np.float32)
    image, mask = random_pair()
    size = np.array([SIZE], np.float32)
    after, after_mask = map(np.asarray, warp.warp(image, mask, matrix, offset, window=SIZE, size=size))
    for sample in range(SAMPLES):
        wanted, wanted_mask = slow_warp(image[sample], mask[sample], matrix[sample], offset[sample])
        np.testing.assert_allclose(after[sample], wanted, rtol=0, atol=1e-3)
        np.testing.assert_array_equal(after_mask[sample], wanted_mask)


@pytest.mark.parametrize("jit_compile", [None, False, True])
@pytest.mark.parametrize("window", [SIZE, (6, 17)])
def test_rows_before_columns_is_the_same_warp(warp, window, jit_compile):
    """Without XLA to the bit; with it, a * b + c may be rounded once."""
    from trainer.backend import tf

    rng = np.random.default_rng(14)
    diagonal = rng.integers(-2000, 2000, (SAMPLES, 2)) / 1024  # also mirrored; exact in float32
    matrix = (diagonal[:, :, None] * np.eye(2)).astype(np.float32)
    offset = (rng.integers(-9000, 9000, (SAMPLES, 2)) / 2048).astype(np.float32)
    size = np.array([SIZE, (5, 13), (9, 4), (1, 1), SIZE, (8, 12)], np.float32)
    pair_and_map = [tf.constant(x) for x in (*random_pair(), matrix, offset)]
    compiled = warp.warp_separable if jit_compile is None else tf.function(warp.warp_separable, jit_compile=jit_compile)
    image, mask = map(np.asarray, compiled(*pair_and_map, window=window, size=size))
    wanted, wanted_mask = map(np.asarray, warp.warp(*pair_and_map, window=window, size=size))
    np.testing.assert_array_equal(mask, wanted_mask)
    np.testing.assert_allclose(image, wanted, rtol=0, atol=1e-4 if jit_compile else 0)
    assert 0.1 < (mask != IGNORE_INDEX).mean() < 0.9
    assert len(np.unique(image)) > 500


def slow_warp(
    image: np.ndarray, mask: np.ndarray, matrix: np.ndarray, offset: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The definition in float64, one pixel at a time: weights fall linearly to 0 at a distance of one pixel."""
    size = np.array(mask.shape)
    wanted, wanted_mask = np.full(image.shape, 127.0), np.full(mask.shape, IGNORE_INDEX, np.uint8)
    for target in np.ndindex(mask.shape):
        y, x = matrix.astype(float) @ (target - (size - 1) / 2) + offset + (size - 1) / 2
        weights = np.outer(*(np.maximum(0, 1 - abs(np.arange(n) - at)) for n, at in zip(size, (y, x), strict=True)))
        wanted[target] = np.tensordot(weights, image.astype(float)) + 127 * (1 - weights.sum())
        nearest = math.floor(y + 0.5), math.floor(x + 0.5)
        if all(0 <= at < n for at, n in zip(nearest, size, strict=True)):
            wanted_mask[target] = mask[nearest]
    return wanted, wanted_mask
