"""encoder_unet: a light U-Net decoder on an encoder with ImageNet weights. Learns from few photographs on two cores."""

from __future__ import annotations

from trainer.backend import Tensor, keras
from trainer.models.blocks import class_logits, crop_to, decode, input_image, upsample_logits
from trainer.models.encoders import build_encoder

ENCODER = "efficientnet_lite0"
DECODER_FILTERS = (96, 64, 40, 24)
FAMILIAR = 224  # pixels: the size of the images that ImageNet weights are trained on


def encoder_unet(
    size: tuple[int, int], num_classes: int, *, encoder: str = ENCODER, weights: str | None = None
) -> keras.Model:
    """Returns a U-Net on an encoder, with EfficientNet-Lite0 3.64 M parameters for 12 classes.

    The decoder upsamples features (bilinear), has two plain convolutions per level and ends at half the size of the
    encoder's image; logits are upsampled from there. An image smaller than FAMILIAR is enlarged by 2 first, so that its
    objects have about the size that the encoder knows: its logits then need no upsampling.

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
    is_small = min(size) < FAMILIAR
    features = build_encoder(encoder, _enlarge(image) if is_small else image, weights)
    logits = class_logits(decode(features, DECODER_FILTERS, interpolation="bilinear"), num_classes, kernel=3)
    return keras.Model(image, crop_to(logits if is_small else upsample_logits(logits), size), name="encoder_unet")


def _enlarge(image: Tensor) -> Tensor:
    return keras.layers.UpSampling2D(2, interpolation="bilinear", dtype="float32", name="enlarge")(image)
