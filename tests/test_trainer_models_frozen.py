"""A frozen encoder: it computes what it does in validation, and shares every weight with the model itself."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, noise_image

pytestmark = NEEDS_TF


@pytest.mark.parametrize("name", ["encoder_unet", "mobilenetv3_unet", "deeplabv3plus"])
def test_only_the_encoder_behaves_as_in_validation(name):
    from trainer.models.build import build_model
    from trainer.models.frozen import encoder_in, with_frozen_encoder

    net = build_model(name, (32, 32), 2)
    encoder = encoder_in(net)
    frozen = with_frozen_encoder(net, encoder)
    assert [id(weight) for weight in frozen.weights] == [id(weight) for weight in net.weights]
    image = noise_image((32, 32))
    np.testing.assert_allclose(frozen(image), net(image), rtol=1e-5, atol=1e-5)
    rest = [weight for weight in net.non_trainable_weights if id(weight) not in set(map(id, encoder.weights))]

    def moved(weights, model):
        before = [weight.numpy().copy() for weight in weights]
        model(image, training=True)
        return [(weight.numpy() != old).any() for weight, old in zip(weights, before, strict=True)]

    assert not any(moved(encoder.weights, frozen))
    assert all(moved(rest, frozen))
    assert any(moved(encoder.weights, net))


def test_in_mixed_precision_the_image_of_the_encoder_is_not_rounded():
    from trainer.backend import keras
    from trainer.models.build import build_model
    from trainer.models.frozen import encoder_in, with_frozen_encoder

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        net = build_model("mobilenetv3_unet", (32, 32), 2)
        frozen = with_frozen_encoder(net, encoder_in(net))
    finally:
        keras.config.set_dtype_policy("float32")
    image = noise_image((32, 32))
    np.testing.assert_array_equal(frozen(image), net(image))


def test_a_model_whose_encoder_is_no_part_of_its_own_has_none():
    from trainer.models.build import build_model
    from trainer.models.frozen import encoder_in

    assert encoder_in(build_model("unet_small", (32, 32), 2)) is None
    assert encoder_in(build_model("segnet", (32, 32), 2)) is None
