"""Augmentation moves pixels, never changes them, and moves image and mask alike."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.schema import IGNORE_INDEX

pytestmark = NEEDS_TF


def coded_batch(samples: int) -> tuple[np.ndarray, np.ndarray]:
    """Masks of random classes with void, and images whose three channels hold class, sample and column."""
    rng = np.random.default_rng(5)
    mask = rng.choice(np.array([0, 1, 7, IGNORE_INDEX], np.uint8), (samples, 6, 10))
    image = np.empty((samples, 6, 10, 3), np.uint8)
    image[..., 0] = mask
    image[..., 1] = np.arange(samples, dtype=np.uint8)[:, None, None]
    image[..., 2] = np.arange(10, dtype=np.uint8)
    return image, mask


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("name", ["light", "nadir"])
def test_image_and_mask_move_alike_and_keep_every_value(name, jit_compile):
    from trainer.augment import build_augment
    from trainer.backend import tf

    image, mask = coded_batch(16)
    moved_image, moved_mask = tf.function(build_augment(name, seed=1), jit_compile=jit_compile)(image, mask)
    np.testing.assert_array_equal(moved_image[..., 0], moved_mask)
    assert (moved_image.dtype, moved_mask.dtype) == (tf.uint8, tf.uint8)
    for sample in range(16):
        assert (moved_image.numpy()[sample, ..., 1] == sample).all()
        np.testing.assert_array_equal(np.sort(moved_mask.numpy()[sample], axis=None), np.sort(mask[sample], axis=None))


def test_each_sample_has_its_own_draw_of_every_flip():
    from trainer.augment import build_augment

    image, mask = coded_batch(64)
    _, moved = build_augment("nadir", seed=2)(image, mask)
    seen = set()
    for before, after in zip(mask, np.asarray(moved), strict=True):
        flips = {"-": before, "lr": before[:, ::-1], "ud": before[::-1], "both": before[::-1, ::-1]}
        (name,) = (name for name, flipped in flips.items() if (flipped == after).all())
        seen.add(name)
    assert seen == {"-", "lr", "ud", "both"}


def test_light_never_turns_the_sky_down():
    from trainer.augment import build_augment

    image, mask = coded_batch(64)
    _, moved = build_augment("light", seed=3)(image, mask)
    for before, after in zip(mask, np.asarray(moved), strict=True):
        assert (before == after).all() or (before[:, ::-1] == after).all()


def test_draws_differ_from_step_to_step_and_repeat_with_the_seed():
    from trainer.augment import build_augment

    image, mask = coded_batch(32)
    first, second = ([np.asarray(augment(image, mask)[1]) for _ in range(2)] for augment in map(build, (4, 4)))
    np.testing.assert_array_equal(first, second)
    assert (first[0] != first[1]).any()
    assert build_augment("none", seed=0) is None


def build(seed: int):
    from trainer.augment import build_augment

    return build_augment("light", seed)
