"""Batch norm: batch normalization by the one kernel that TensorFlow has for it, where XLA does not compile the step.

Keras composes it of a dozen operations, and each reads and writes a whole array of features. XLA makes one of them;
without it they are a third of a step on a CPU. The models keep Keras' layer, so that their files load in plain Keras.
"""

from __future__ import annotations

import contextlib

from trainer.backend import Tensor, batch_norm, keras, replaced_call

MIN_EPSILON = 1.001e-5  # TensorFlow replaces a smaller one by this, the least that cuDNN takes
_BY_KERAS = keras.layers.BatchNormalization.call


def fused_batch_norm(is_compiled: bool, in_training: bool) -> contextlib.AbstractContextManager[None]:
    """Has the BatchNormalization layers that are traced in the block use the kernel: the results are those of Keras.

    Args:
      is_compiled: whether XLA compiles what is traced; if so, or if Keras' backend is another, nothing changes.
      in_training: whether the block is a step of training. Layers that use their moving statistics in it, as those of a
        frozen encoder do, are left to Keras: on a GPU that gradient of the kernel is not deterministic.
    """

    def fused(
        self: keras.layers.BatchNormalization, inputs: Tensor, training: bool | None = None, mask: Tensor = None
    ) -> Tensor:
        uses_batch = bool(training and self.trainable)
        if uses_batch is not in_training or mask is not None or not _is_plain(self, inputs):
            return _BY_KERAS(self, inputs, training=training, mask=mask)
        return _normalized(self, inputs, uses_batch)

    is_wanted = keras.config.backend() == "tensorflow" and not is_compiled
    return replaced_call(keras.layers.BatchNormalization, fused) if is_wanted else contextlib.nullcontext()


def _is_plain(layer: keras.layers.BatchNormalization, x: Tensor) -> bool:
    """Returns whether a layer normalizes the channels of images, [B, H, W, C], over the batch of one device."""
    is_of_channels = len(x.shape) == 4 and layer.axis in (-1, 3)
    return is_of_channels and layer.epsilon >= MIN_EPSILON and not layer.renorm and not layer.synchronized


def _normalized(layer: keras.layers.BatchNormalization, x: Tensor, uses_batch: bool) -> Tensor:
    """Returns images normalized by the statistics of the batch, which the layer then follows, or by the layer's own."""
    scale = layer.gamma if layer.scale else keras.ops.ones_like(layer.moving_mean)
    offset = layer.beta if layer.center else keras.ops.zeros_like(layer.moving_mean)
    own = (layer.moving_mean, layer.moving_variance)
    x, *found = batch_norm(x, scale, offset, layer.epsilon, None if uses_batch else own)
    if uses_batch:
        for average, value in zip(own, found, strict=True):
            average.assign(average * layer.momentum + value * (1.0 - layer.momentum))
    return keras.ops.cast(x, layer.compute_dtype)
