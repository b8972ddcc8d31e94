"""Blocks: padding, cropping and upsampling."""

from __future__ import annotations

import numpy as np
from trainer_fixtures import NEEDS_TF, noise_image

pytestmark = NEEDS_TF


def test_cropping_undoes_padding():
    from trainer.backend import keras
    from trainer.models.blocks import crop_to, input_image, pad_to_multiple

    image = input_image((33, 40))
    padded = pad_to_multiple(image, 16)
    assert padded.shape[1:3] == (48, 48)
    pixels = noise_image((33, 40))
    model = keras.Model(image, [padded, crop_to(padded, (33, 40))])
    larger, same = (np.asarray(output) for output in model(pixels))
    np.testing.assert_array_equal(same, pixels)
    assert not larger[:, 33:].any()
    assert not larger[:, :, 40:].any()


def test_what_needs_no_padding_gets_no_layer():
    from trainer.models.blocks import crop_to, input_image, pad_to_multiple

    image = input_image((32, 64))
    assert pad_to_multiple(image, 32) is image
    assert crop_to(image, (32, 64)) is image


def test_a_decoder_step_without_features_beside_it_enlarges_alone():
    from trainer.backend import keras
    from trainer.models.blocks import decode

    coarse, fine = keras.Input((4, 5, 7)), keras.Input((8, 10, 3))
    assert decode([fine, coarse], (6, 2)).shape == (None, 16, 20, 2)
    assert decode([None, coarse], (6,)).shape == (None, 8, 10, 6)
