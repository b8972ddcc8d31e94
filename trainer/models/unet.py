"""unet: the U-Net of 2015 with its 64 to 1024 filters. For a GPU."""

from __future__ import annotations

from trainer.backend import keras
from trainer.models.blocks import class_logits, conv_bn_relu, crop_to, input_image, pad_to_multiple, scale

FILTERS = (64, 128, 256, 512, 1024)
STRIDE = 16


def unet(size: tuple[int, int], num_classes: int) -> keras.Model:
    """Returns the classic U-Net, 31.05 M parameters for 12 classes.

    Other than in the paper, convolutions keep the size (padding "same") and are batch-normalised, so that the output
    has the size of the input and a larger learning rate is safe.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 16.
      num_classes: number of classes.

    Source: Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015.
    """
    image = input_image(size)
    x = pad_to_multiple(scale(image), STRIDE)
    skips = []
    for filters in FILTERS[:-1]:
        x = conv_bn_relu(conv_bn_relu(x, filters), filters)
        skips.append(x)
        x = keras.layers.MaxPooling2D()(x)
    x = conv_bn_relu(conv_bn_relu(x, FILTERS[-1]), FILTERS[-1])
    for filters, skip in zip(FILTERS[-2::-1], reversed(skips), strict=True):
        x = keras.layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = keras.layers.Concatenate()([skip, x])
        x = conv_bn_relu(conv_bn_relu(x, filters), filters)
    return keras.Model(image, crop_to(class_logits(x, num_classes), size), name="unet")
