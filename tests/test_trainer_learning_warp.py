"""Both forms of the warp against its definition, one pixel at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.schema import IGNORE_INDEX

pytestmark = NEEDS_TF

SAMPLES, SIZE = 6, (9, 13)
SIZES = np.array([SIZE, (5, 13), (9, 4), (1, 1), SIZE, (8, 12)], np.float32)


@pytest.fixture(scope="module")
def warp():
    import trainer.learning.warp

    return trainer.learning.warp


def random_pair() -> tuple[np.ndarray, np.ndarray]:
    """An image and a mask, whose padding must not be seen."""
    rng = np.random.default_rng(13)
    image = rng.integers(0, 256, (SAMPLES, *SIZE, 3), np.uint8)
    mask = rng.choice(np.array([0, 1, 2, IGNORE_INDEX], np.uint8), (SAMPLES, *SIZE))
    for sample, (height, width) in enumerate(SIZES.astype(int)):
        for x, fill in ((image[sample], 127), (mask[sample], IGNORE_INDEX)):
            x[height:], x[:, width:] = fill, fill
    return image, mask


def random_map(rng: np.random.Generator, *, is_diagonal: bool) -> tuple[np.ndarray, np.ndarray]:
    """Matrices and offsets, exact in float32; some mirror, shrink or enlarge."""
    matrix = rng.integers(-1500, 1500, (SAMPLES, 2, 2)) / 1024
    offset = rng.integers(-9000, 9000, (SAMPLES, 2)) / 2048
    return (matrix * np.eye(2) if is_diagonal else matrix).astype(np.float32), offset.astype(np.float32)


@pytest.mark.parametrize("is_diagonal", [False, True])
@pytest.mark.parametrize("window", [SIZE, (6, 17)])
def test_warp_is_bilinear_in_the_image_and_nearest_in_the_mask(warp, window, is_diagonal):
    matrix, offset = random_map(np.random.default_rng(12), is_diagonal=is_diagonal)
    image, mask = random_pair()
    for function in [warp.warp, warp.warp_separable] if is_diagonal else [warp.warp]:
        after, after_mask = map(np.asarray, function(image, mask, matrix, offset, window=window, size=SIZES))
        assert 0.1 < (after_mask != IGNORE_INDEX).mean() < 0.9
        for sample, size in enumerate(SIZES.astype(int)):
            own = slice(size[0]), slice(size[1])
            map_of = matrix[sample].astype(float), offset[sample].astype(float)
            wanted, wanted_mask = slow_warp(image[sample][own], mask[sample][own], *map_of, window)
            np.testing.assert_allclose(after[sample], wanted, rtol=0, atol=1e-3)
            np.testing.assert_array_equal(after_mask[sample], wanted_mask)


@pytest.mark.parametrize("jit_compile", [None, False, True])
def test_rows_before_columns_is_the_same_warp(warp, jit_compile):
    """Without XLA to the bit; with it, a * b + c may be rounded once."""
    from trainer.backend import tf

    pair_and_map = [tf.constant(x) for x in (*random_pair(), *random_map(np.random.default_rng(14), is_diagonal=True))]
    compiled = warp.warp_separable if jit_compile is None else tf.function(warp.warp_separable, jit_compile=jit_compile)
    image, mask = map(np.asarray, compiled(*pair_and_map, window=(6, 17), size=SIZES))
    wanted, wanted_mask = map(np.asarray, warp.warp(*pair_and_map, window=(6, 17), size=SIZES))
    np.testing.assert_array_equal(mask, wanted_mask)
    np.testing.assert_allclose(image, wanted, rtol=0, atol=1e-4 if jit_compile else 0)
    assert len(np.unique(image)) > 500


def slow_warp(
    image: np.ndarray, mask: np.ndarray, matrix: np.ndarray, offset: np.ndarray, window: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """The definition in float64, one pixel at a time: weights fall linearly to 0 at a distance of one pixel."""
    size, middle = np.array(mask.shape), (np.array(window) - 1) / 2
    wanted, wanted_mask = np.full((*window, 3), 127.0), np.full(window, IGNORE_INDEX, np.uint8)
    for target in np.ndindex(window):
        y, x = matrix @ (target - middle) + offset + (size - 1) / 2
        weights = np.outer(*(np.maximum(0, 1 - abs(np.arange(n) - at)) for n, at in zip(size, (y, x), strict=True)))
        wanted[target] = np.tensordot(weights, image.astype(float)) + 127 * (1 - weights.sum())
        nearest = math.floor(y + 0.5), math.floor(x + 0.5)
        if all(0 <= at < n for at, n in zip(nearest, size, strict=True)):
            wanted_mask[target] = mask[nearest]
    return wanted, wanted_mask
