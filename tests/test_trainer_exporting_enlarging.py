"""Enlarging: the same numbers as Keras' layer, also where a side is not known."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
@pytest.mark.parametrize("factors", [(2, 2), (3, 1)])
@pytest.mark.parametrize("sides", [(5, 7), (None, None)])
def test_pixels_are_those_of_upsampling(method, factors, sides):
    import keras
    import tensorflow as tf

    from trainer.exporting.enlarging import Enlarge, with_enlarge

    image = keras.Input((5, 7, 3))
    net = keras.Model(image, keras.layers.UpSampling2D(factors, interpolation=method)(image))
    found = with_enlarge(net, keras.Input((*sides, 3)))
    assert [type(layer) for layer in found.layers[1:]] == [Enlarge]
    assert tuple(found.output_shape[1:3]) == tuple(n and n * factor for n, factor in zip(sides, factors, strict=True))
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 3)).astype(np.float32)
    traced = tf.function(found, input_signature=[tf.TensorSpec((None, *sides, 3))])
    np.testing.assert_array_equal(traced(x), net(x))


def test_a_model_of_a_class_of_its_own_is_left_as_it_is():
    import keras

    from trainer.exporting.enlarging import with_enlarge

    class Own(keras.Model):
        pass

    net = Own()
    assert with_enlarge(net) is net
