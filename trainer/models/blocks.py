"""Blocks: the parts that the models are put together from.

Every model takes float32 [B, H, W, 3] in 0..255 and gives float32 logits [B, H, W, num_classes] at the same H and W.
Only Keras' own layers and registered ones are used, so that a saved model loads with safe_mode=True.
"""

from __future__ import annotations

from typing import Any

from trainer.backend import Tensor, keras

# Keras' default of 0.99 needs some 500 steps to forget its start, and a small dataset has 50 steps per epoch:
# validation would run on statistics of an untrained model.
BN_MOMENTUM = 0.9

# Mean of ImageNet's training images in blue, green, red, as published with Caffe's models.
CAFFE_MEAN = (103.939, 116.779, 123.68)


@keras.saving.register_keras_serializable(package="segconv")
class CaffePreprocessing(keras.layers.Layer):
    """Turns RGB in 0..255 to what keras.applications' ResNet50 was trained on: BGR minus ImageNet's mean.

    Input shape: [B, H, W, 3].
    Output shape: the same, float32: bfloat16 would lose half a grey level.

    Source: keras.applications.imagenet_utils.preprocess_input, mode "caffe", as a layer that a saved model can hold.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, image: Tensor) -> Tensor:
        """Returns the image as BGR minus the mean."""
        return keras.ops.flip(image, axis=-1) - keras.ops.convert_to_tensor(CAFFE_MEAN, dtype="float32")


def input_image(size: tuple[int, int]) -> Tensor:
    """Returns the symbolic input, float32 [B, height, width, 3], of every model."""
    return keras.Input((*size, 3), name="image")


def scale(image: Tensor) -> Tensor:
    """Returns 0..255 as -1..1."""
    return keras.layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="scale")(image)


def pad_to_multiple(x: Tensor, stride: int) -> Tensor:
    """Returns x with zeros below and to the right, so that `stride` divides height and width.

    Where every level of a decoder is to meet its encoder's, no level may be rounded.
    """
    height, width = x.shape[1:3]
    padding = ((0, -height % stride), (0, -width % stride))
    return keras.layers.ZeroPadding2D(padding, name="pad")(x) if any(map(any, padding)) else x


def crop_to(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Returns the upper left (height, width) of x: undoes pad_to_multiple."""
    cropping = ((0, x.shape[1] - size[0]), (0, x.shape[2] - size[1]))
    return keras.layers.Cropping2D(cropping, name="crop", dtype="float32")(x) if any(map(any, cropping)) else x


def conv_bn_relu(x: Tensor, filters: int, *, strides: int = 1) -> Tensor:
    """Returns 3x3 convolution, batch normalisation, ReLU; without bias, which the normalisation has."""
    x = keras.layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=BN_MOMENTUM)(x)
    return keras.layers.ReLU()(x)


def class_logits(x: Tensor, num_classes: int) -> Tensor:
    """Returns one logit per class and pixel, float32 whatever the precision of the model."""
    return keras.layers.Conv2D(num_classes, 1, dtype="float32", name="logits")(x)


def upsample_logits(logits: Tensor) -> Tensor:
    """Returns logits at twice the height and width, bilinear: logits may be blended, class indices may not."""
    return keras.layers.UpSampling2D(2, interpolation="bilinear", dtype="float32", name="logits_x2")(logits)
