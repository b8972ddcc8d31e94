"""unet: the U-Net of 2015 with its 64 to 1024 filters, or its decoder on another encoder. For a GPU."""

from __future__ import annotations

from trainer.backend import Tensor, keras
from trainer.models.blocks import (
    COARSEST,
    class_logits,
    conv_bn_relu,
    crop_to,
    decode,
    input_image,
    pad_to_multiple,
    scale,
)
from trainer.models.encoders import build_encoder

FILTERS = (64, 128, 256, 512, 1024)
STRIDE = 16
DECODER_FILTERS = (256, 128, 64, 32, 16)  # on another encoder; as in segmentation_models


def unet(
    size: tuple[int, int], num_classes: int, *, encoder: str | None = None, weights: str | None = None
) -> keras.Model:
    """Returns the classic U-Net, 31.05 M parameters for 12 classes.

    Unlike in the paper, convolutions keep the size (padding "same") and are batch-normalised: the output has the size
    of the input, and a larger learning rate is safe.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 16, with an encoder of 32.
      num_classes: number of classes.
      encoder: None for the classic one; or one of ENCODER_NAMES, with a decoder of 256 to 16 filters.
      weights: None to start from scratch, or, with an encoder, "imagenet" or the path of a `.h5` file with its
        weights.

    Raises:
      MachineError: ImageNet weights can neither be found nor downloaded.
      UsageError: the `.h5` file has no such weights.

    Source: Ronneberger et al., U-Net: Convolutional Networks for Biomedical Image Segmentation, MICCAI 2015.
    """
    image = input_image(size)
    x = _classic(image) if encoder is None else decode(build_encoder(encoder, image, weights), DECODER_FILTERS)
    return keras.Model(image, crop_to(class_logits(x, num_classes), size), name="unet")


def _classic(image: Tensor) -> Tensor:
    """Returns the features of the classic U-Net at full size."""
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
        x = conv_bn_relu(conv_bn_relu(x, filters), filters, name=COARSEST if filters == FILTERS[-2] else None)
    return x
