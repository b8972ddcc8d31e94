"""mobilenetv3_unet: a U-Net decoder on MobileNetV3-Small. For small machines, with or without ImageNet weights."""

from __future__ import annotations

from trainer.backend import keras
from trainer.models.blocks import class_logits, crop_to, decode, input_image, upsample_logits
from trainer.models.encoders import build_encoder

ENCODER = "mobilenetv3small"
DECODER_FILTERS = (32, 32, 24, 16)


def mobilenetv3_unet(size: tuple[int, int], num_classes: int, *, weights: str | None = None) -> keras.Model:
    """Returns MobileNetV3-Small with a light U-Net decoder, 1.25 M parameters for 12 classes.

    The decoder has one plain convolution per level and ends at half the size; logits are upsampled from there.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 32.
      num_classes: number of classes.
      weights: None to start from scratch, "imagenet", or the path of a `.h5` file with the weights of
        keras.applications' MobileNetV3Small without its top.

    Raises:
      MachineError: ImageNet weights can neither be found nor downloaded.
      UsageError: the `.h5` file has no such weights.

    Source: Howard et al., Searching for MobileNetV3, ICCV 2019; the decoder follows Ronneberger et al., U-Net, 2015.
    """
    image = input_image(size)
    x = decode(build_encoder(ENCODER, image, weights), DECODER_FILTERS, convolutions=1)
    logits = upsample_logits(class_logits(x, num_classes))
    return keras.Model(image, crop_to(logits, size), name="mobilenetv3_unet")
