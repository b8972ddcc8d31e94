"""Upsampling: one axis after the other is what Keras' bilinear layer computes, and is traced only for XLA."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("factors", [(2, 2), (4, 4), (3, 2), (1, 2)])
@pytest.mark.parametrize("size", [(5, 7), (1, 1), (1, 6)])
def test_it_is_what_keras_computes(factors, size):
    from trainer.backend import keras
    from trainer.learning.upsampling import enlarged

    x = draw(2, *size, 3)
    theirs = keras.layers.UpSampling2D(factors, interpolation="bilinear")(x)
    np.testing.assert_allclose(enlarged(keras.ops.convert_to_tensor(x), factors), theirs, atol=1e-5)


def test_by_hand():
    from trainer.backend import keras
    from trainer.learning.upsampling import enlarged

    x = keras.ops.convert_to_tensor(np.float32([[[[0], [4]]]]))
    np.testing.assert_array_equal(np.asarray(enlarged(x, (1, 2)))[0, 0, :, 0], [0, 1, 3, 4])


def steps_of(jit_compile: bool) -> tuple[set[str], np.ndarray]:
    """Returns the kinds of operations of a model's call in a step, and its logits."""
    from trainer.backend import keras, tf
    from trainer.learning.losses import build_loss
    from trainer.learning.step import ClassMaps, SegTrainer
    from trainer.models.build import build_model

    keras.utils.set_random_seed(0)
    net = build_model("unet_small", (16, 24), 3)
    trainer = SegTrainer(net, 3, build_loss("crossentropy", 3))
    trainer.compile("sgd", jit_compile=jit_compile)
    batch = {"image": tf.zeros((1, 16, 24, 3), tf.uint8) + 90, "mask": tf.zeros((1, 16, 24), tf.uint8)}
    traced = tf.function(lambda given: trainer(given, training=False)["logits"]).get_concrete_function(batch)
    maps = ClassMaps(net)
    maps.compile(jit_compile=jit_compile)
    predicted = tf.function(maps.call).get_concrete_function(batch["image"])
    step, prediction = ({operation.type for operation in each.graph.get_operations()} for each in (traced, predicted))
    assert ("ResizeBilinear" in step) == ("ResizeBilinear" in prediction)
    return step, np.asarray(traced(batch))


def test_a_step_that_xla_compiles_resizes_by_axis_and_any_other_by_the_kernel():
    from trainer.backend import keras

    call = keras.layers.UpSampling2D.call
    kinds, logits = steps_of(True)
    plain_kinds, plain = steps_of(False)
    assert "ResizeBilinear" not in kinds
    assert "ResizeBilinear" in plain_kinds
    np.testing.assert_allclose(logits, plain, atol=1e-5)
    assert keras.layers.UpSampling2D.call is call


def test_layers_that_repeat_pixels_are_left_alone():
    from trainer.backend import keras
    from trainer.learning.upsampling import upsampled_by_axis

    layer = keras.layers.UpSampling2D(2)
    with upsampled_by_axis(True):
        found = layer(draw(1, 2, 2, 1))
    np.testing.assert_array_equal(found, draw(1, 2, 2, 1).repeat(2, 1).repeat(2, 2))
