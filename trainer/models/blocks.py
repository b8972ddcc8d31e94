"""Blocks: the layers that the models are built from.

Every model takes float32 [B, H, W, 3] in 0..255 and gives float32 logits [B, H, W, num_classes] at the same H and W.
Only Keras' own layers and operations are used: a saved model loads with safe_mode=True, and without this package.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from trainer.backend import Tensor, keras
from trainer.choices.encoders import PREPROCESSINGS

# Keras' default of 0.99 needs some 500 steps to forget its initial values, and a small dataset has 50 steps per epoch:
# validation would use the statistics of an untrained model.
BN_MOMENTUM = 0.9
COARSEST = "coarsest"  # name of the last layer of the coarsest level of a decoder


@keras.saving.register_keras_serializable(package="segconv")
class CaffePreprocessing(keras.layers.Layer):
    """Converts RGB in 0..255 to BGR minus ImageNet's mean; only in models of older runs, which need it.

    Input shape: [B, H, W, 3].
    Output shape: the same, float32: bfloat16 would lose half a grey level.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, image: Tensor) -> Tensor:
        """Returns the image as BGR minus the mean."""
        mean = keras.ops.convert_to_tensor(PREPROCESSINGS["caffe"].mean, dtype="float32")
        return keras.ops.flip(image, axis=-1) - mean


def input_image(size: tuple[int, int]) -> Tensor:
    """Returns the symbolic input, float32 [B, height, width, 3], of every model."""
    return keras.Input((*size, 3), name="image")


def center(image: Tensor) -> Tensor:
    """Returns 0..255 as (x - 127) / 128, float32."""
    return keras.layers.Rescaling(1 / 128, offset=-127 / 128, dtype="float32", name="center")(image)


def scale(image: Tensor) -> Tensor:
    """Returns 0..255 as -1..1, float32."""
    return keras.layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="scale")(image)


def caffe(image: Tensor) -> Tensor:
    """Returns RGB in 0..255 as BGR minus ImageNet's mean, float32: bfloat16 would lose half a grey level.

    Source: keras.applications.imagenet_utils.preprocess_input, mode "caffe".
    """
    offset = [-mean for mean in PREPROCESSINGS["caffe"].mean]
    flipped = keras.ops.flip(image, axis=-1)
    return keras.layers.Rescaling(1.0, offset=offset, dtype="float32", name="caffe")(flipped)


def standardize(image: Tensor) -> Tensor:
    """Returns 0..255 minus ImageNet's mean, in ImageNet's standard deviations, float32."""
    facts = PREPROCESSINGS["standardize"]
    mean, variance = list(facts.mean), [std**2 for std in facts.std]
    return keras.layers.Normalization(mean=mean, variance=variance, dtype="float32", name="standardize")(image)


def pad_to_multiple(x: Tensor, stride: int) -> Tensor:
    """Returns x padded with zeros at the bottom and right, to a height and width divisible by `stride`.

    The sizes of encoder and decoder match at every level only if no level is rounded.
    """
    height, width = x.shape[1:3]
    padding = ((0, -height % stride), (0, -width % stride))
    return keras.layers.ZeroPadding2D(padding, name="pad")(x) if any(map(any, padding)) else x


def crop_to(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns the upper left (height, width) of x: undoes pad_to_multiple."""
    cropping = ((0, x.shape[1] - size[0]), (0, x.shape[2] - size[1]))
    return keras.layers.Cropping2D(cropping, name="crop", dtype="float32")(x) if any(map(any, cropping)) else x


def conv_bn_relu(x: Tensor, filters: int, *, kernel: int = 3, strides: int = 1, name: str | None = None) -> Tensor:
    """Returns convolution, batch normalisation, ReLU; the convolution has no bias, since the normalisation has one.

    `name` is that of the ReLU.
    """
    x = keras.layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=BN_MOMENTUM)(x)
    return keras.layers.ReLU(name=name)(x)


def class_logits(x: Tensor, num_classes: int, name: str = "logits", *, kernel: int = 1) -> Tensor:
    """Returns one logit per class and pixel, float32 whatever the precision of the model.

    The convolution is computed in that precision, since its input has many more channels than there are classes.
    """
    x = keras.layers.Conv2D(num_classes, kernel, padding="same", name=name)(x)
    if keras.config.dtype_policy().compute_dtype == "float32":
        return x
    return keras.layers.Activation("linear", dtype="float32", name=f"{name}_float32")(x)


def upsample_logits(logits: Tensor, factor: int = 2, name: str | None = None) -> Tensor:
    """Returns logits at `factor` times the height and width, bilinear; class indices must not be interpolated."""
    name = name or f"logits_x{factor}"
    return keras.layers.UpSampling2D(factor, interpolation="bilinear", dtype="float32", name=name)(logits)


def decode(
    features: Sequence[Tensor | None],
    filters: Sequence[int],
    *,
    convolutions: int = 2,
    interpolation: str = "nearest",
) -> Tensor:
    """Returns the decoder of a U-Net: upsample by 2, concatenate the encoder's features, convolve; level by level.

    The last layer of the first level is named COARSEST.

    Args:
      features: features of the encoder from fine to coarse, each of half the size of the one before; None for a level
        without features.
      filters: filters of each step, from coarse to fine; the last may go one level beyond the finest features.
      convolutions: convolutions per step.
      interpolation: how features are upsampled: "nearest" or "bilinear".
    """
    *skips, x = features
    for level, (level_filters, skip) in enumerate(itertools.zip_longest(filters, reversed(skips))):
        x = keras.layers.UpSampling2D(interpolation=interpolation)(x)
        if skip is not None:
            x = keras.layers.Concatenate()([skip, x])
        for left in reversed(range(convolutions)):
            x = conv_bn_relu(x, level_filters, name=None if level or left else COARSEST)
    return x
