"""unet_small: a U-Net that learns on two CPU cores. The first model to try on a new dataset."""

from __future__ import annotations

from trainer.backend import keras
from trainer.models.blocks import (
    class_logits,
    conv_bn_relu,
    crop_to,
    decode,
    input_image,
    pad_to_multiple,
    scale,
    upsample_logits,
)

FILTERS = (16, 32, 64, 128, 256)
STRIDE = 32


def unet_small(size: tuple[int, int], num_classes: int) -> keras.Model:
    """Returns a U-Net with a quarter of the filters, 1.77 M parameters for 12 classes.

    Only the last upsampling is computed at full resolution: the first convolution has stride 2, which saves three
    quarters of the work. Plain convolutions, since separable ones are slower on a CPU although they have fewer
    parameters.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 32.
      num_classes: number of classes.

    Source: after Ronneberger et al., U-Net, MICCAI 2015; with one convolution per level in the decoder.
    """
    image = input_image(size)
    x = conv_bn_relu(pad_to_multiple(scale(image), STRIDE), FILTERS[0], strides=2)
    skips = []
    for filters in FILTERS[1:]:
        skips.append(x)
        x = keras.layers.MaxPooling2D()(x)
        x = conv_bn_relu(conv_bn_relu(x, filters), filters)
    x = decode([*skips, x], FILTERS[-2::-1], convolutions=1)
    logits = upsample_logits(class_logits(x, num_classes))
    return keras.Model(image, crop_to(logits, size), name="unet_small")
