"""Batch norm: the kernel computes what Keras computes, also backward, and is used where it may be."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF

SHAPE = (3, 4, 5, 6)


def draw(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def layer_of(shape: tuple[int, ...] = SHAPE, **options):
    """A layer whose every weight counts: none is 0 or 1."""
    from trainer.backend import keras

    layer = keras.layers.BatchNormalization(**{"momentum": 0.7, "epsilon": 0.01, **options})
    layer.build(shape)
    for number, variable in enumerate(layer.variables):
        variable.assign(np.linspace(0.4, 1.3, variable.shape[0]) + number)
    return layer


def found_of(layer, x: np.ndarray, *, training: bool, fused: bool) -> list[np.ndarray]:
    """Output, weights after it, and gradients of a sum of the output in which every value weighs differently."""
    from trainer.backend import tf
    from trainer.learning.batch_norm import fused_batch_norm

    # XLA would compile the step where it is not fused: then nothing changes.
    with fused_batch_norm(not fused, training), tf.GradientTape() as tape:
        given = tf.constant(x, layer.compute_dtype)
        tape.watch(given)
        output = layer(given, training=training)
        total = tf.reduce_sum(tf.cast(output, tf.float32) * draw(*output.shape))
    gradients = tape.gradient(total, [given, *layer.trainable_variables])
    assert output.dtype == layer.compute_dtype
    return [tf.cast(value, tf.float32).numpy() for value in (output, *layer.variables, *gradients)]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "options", [{}, {"epsilon": 1.001e-5}, {"scale": False}, {"center": False}, {"dtype": "mixed_bfloat16"}]
)
def test_it_is_what_keras_computes(options, training):
    theirs, ours = (found_of(layer_of(**options), draw(*SHAPE), training=training, fused=f) for f in (False, True))
    precision = 0.03 if options.get("dtype") else 1e-5  # bfloat16 has 8 bits
    for our, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(our, their, rtol=precision, atol=precision)


def test_a_batch_by_hand():
    layer = layer_of((2, 1, 1, 1))
    x = np.float32([[[[1]]], [[[4]]]])  # mean 2.5, variance 2.25, of which 0.01 more is taken
    output, gamma, beta, mean, variance, *_ = found_of(layer, x, training=True, fused=True)
    assert (gamma, beta) == (np.float32(0.4), np.float32(1.4))
    np.testing.assert_allclose(output.ravel(), [1.4 - 0.4 * 1.5 / 2.26**0.5, 1.4 + 0.4 * 1.5 / 2.26**0.5], rtol=1e-6)
    np.testing.assert_allclose([mean[0], variance[0]], [0.7 * 2.4 + 0.3 * 2.5, 0.7 * 3.4 + 0.3 * 2.25], rtol=1e-6)


def kinds_of(layer, *, training: bool, in_training: bool, is_compiled: bool = False, shape=SHAPE) -> set[str]:
    """Kinds of operations in the trace of a layer that is called so in a step of training, or of something else."""
    from trainer.backend import tf
    from trainer.learning.batch_norm import fused_batch_norm

    @tf.function
    def traced(x):
        with fused_batch_norm(is_compiled, in_training):
            return layer(x, training=training)

    graph = traced.get_concrete_function(tf.TensorSpec(shape, tf.float32)).graph
    return {operation.type for operation in graph.get_operations()}


KERNEL = "FusedBatchNormV3"


def test_it_is_used_without_xla_and_only_while_it_is_asked_for():
    from trainer.backend import keras

    call = keras.layers.BatchNormalization.call
    for training in (True, False):
        assert KERNEL in kinds_of(layer_of(), training=training, in_training=training)
        assert KERNEL not in kinds_of(layer_of(), training=training, in_training=training, is_compiled=True)
    assert keras.layers.BatchNormalization.call is call


def test_a_frozen_layer_of_a_training_step_is_left_to_keras():
    assert KERNEL not in kinds_of(layer_of(), training=False, in_training=True)
    assert KERNEL not in kinds_of(layer_of(trainable=False), training=True, in_training=True)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"axis": 1}, SHAPE),
        ({"epsilon": 1e-5}, SHAPE),
        ({"renorm": True}, SHAPE),
        ({"synchronized": True}, SHAPE),
        ({}, (3, 6)),
    ],
)
def test_what_the_kernel_cannot_do_is_left_to_keras(options, shape):
    assert KERNEL not in kinds_of(layer_of(shape, **options), training=True, in_training=True, shape=shape)


def test_steps_and_predictions_use_it_and_saved_models_do_not():
    from trainer.backend import keras, tf
    from trainer.learning.losses import build_loss
    from trainer.learning.step import ClassMaps, SegTrainer
    from trainer.models.build import build_model

    net = build_model("unet_small", (32, 32), 3)
    trainer = SegTrainer(net, 3, build_loss("crossentropy", 3))
    trainer.compile(keras.optimizers.SGD(), jit_compile=False)
    image = tf.TensorSpec((2, 32, 32, 3), tf.uint8)
    batch = {"image": image, "mask": tf.TensorSpec((2, 32, 32), tf.uint8)}

    def kernels(function, spec) -> int:
        graph = tf.function(function, autograph=False).get_concrete_function(spec).graph
        return sum(operation.type == KERNEL for operation in graph.get_operations())

    layers = sum(isinstance(layer, keras.layers.BatchNormalization) for layer in net.layers)
    assert kernels(lambda data: trainer.train_step((data,)), batch) == layers == 13
    assert kernels(lambda data: trainer.test_step((data,)), batch) == layers
    assert kernels(ClassMaps(net).call, image) == layers
    assert kernels(lambda x: net(tf.cast(x, tf.float32)), image) == 0
