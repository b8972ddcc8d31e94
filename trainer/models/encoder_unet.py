"""encoder_unet: a light U-Net decoder on an encoder with ImageNet weights. Learns from few photographs on two cores."""

from __future__ import annotations

from trainer.backend import keras
from trainer.models.blocks import class_logits, crop_to, decode, input_image, upsample_logits
from trainer.models.encoders import build_encoder

ENCODER = "efficientnet_lite0"
DECODER_FILTERS = (128, 96, 64, 48)


def encoder_unet(
    size: tuple[int, int], num_classes: int, *, encoder: str = ENCODER, weights: str | None = None
) -> keras.Model:
    """Returns a U-Net on an encoder, with EfficientNet-Lite0 4.04 M parameters for 12 classes.

    The decoder upsamples features (bilinear), has two plain convolutions per level and ends at half the size; logits
    are upsampled from there.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 32.
      num_classes: number of classes.
      encoder: one of ENCODER_NAMES.
      weights: None to start from scratch, "imagenet", or the path of a file with the weights of the encoder.

    Raises:
      UsageError, DataError, MachineError: as `encoders.build_encoder`.

    Source: after Ronneberger et al., U-Net, MICCAI 2015; Tan and Le, EfficientNet, ICML 2019.
    """
    image = input_image(size)
    x = decode(build_encoder(encoder, image, weights), DECODER_FILTERS, interpolation="bilinear")
    logits = upsample_logits(class_logits(x, num_classes, kernel=3))
    return keras.Model(image, crop_to(logits, size), name="encoder_unet")
