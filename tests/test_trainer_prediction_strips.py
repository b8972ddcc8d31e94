"""Strips: equal to windows that are all on the device at once, in any block of columns."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.pixels.geometry import Box, cut

pytestmark = NEEDS_TF


def blurring_net(window):
    """Returns a model that sees its neighbours, and zeros beyond its window."""
    from trainer.backend import keras

    keras.utils.set_random_seed(0)
    image = keras.Input((*window, 3))
    return keras.Model(image, keras.layers.Conv2D(4, 5, padding="same")(image))


def logits_of(net):
    return lambda windows: (net(window[None].astype(np.float32), training=False).numpy()[0] for window in windows)


@pytest.mark.parametrize("size", [(32, 48), (33, 48), (90, 131), (32, 400)])
def test_strips_are_the_rows_of_slide(size):
    from trainer.backend import keras
    from trainer.learning.sliding import slide
    from trainer.prediction.strips import strips

    net = blurring_net((32, 48))
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    expected = keras.ops.convert_to_numpy(slide(net, image[None].astype(np.float32)))[0]
    for box in (Box(0, 0, *size), Box(0, 0, size[0], 40), Box(9, size[1] - 7, 20, 7), Box(size[0] - 1, 0, 1, size[1])):
        found = [strip.copy() for strip in strips(logits_of(net), image, (32, 48), box)]
        np.testing.assert_allclose(np.concatenate(found), cut(expected, box), rtol=1e-5, atol=1e-3)


def test_without_padding_effects_windows_are_the_whole_image():
    from trainer.prediction.strips import strips

    image = np.random.default_rng(0).integers(0, 256, (100, 130, 3), np.uint8)
    box = Box(0, 0, 100, 130)
    found = strips(lambda windows: (window[..., :2] / np.float32(2) for window in windows), image, (32, 48), box)
    np.testing.assert_allclose(np.concatenate([strip.copy() for strip in found]), image[..., :2] / 2, rtol=1e-5)


def test_blocks_hold_no_more_than_they_may():
    from trainer.prediction.strips import num_blocks

    assert num_blocks(10_000, 512, 12) == 2
    assert num_blocks(10_000, 512, 150) == 23
    assert num_blocks(10, 4, 1, held_bytes=160) == 1
    assert num_blocks(10, 4, 1, held_bytes=159) == 2
