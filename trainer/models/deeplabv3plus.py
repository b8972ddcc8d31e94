"""deeplabv3plus: features at several scales by dilated convolutions, refined with those of an early layer."""

from __future__ import annotations

from trainer.backend import Tensor, keras
from trainer.models.blocks import BN_MOMENTUM, class_logits, conv_bn_relu, crop_to, input_image, upsample_logits
from trainer.models.encoders import build_encoder

ENCODER = "resnet50"
FILTERS = 256
LOW_LEVEL_FILTERS = 48
RATES = (6, 12, 18)  # of the paper, for features at 1/16


def deeplabv3plus(
    size: tuple[int, int], num_classes: int, *, encoder: str = ENCODER, weights: str | None = None
) -> keras.Model:
    """Returns DeepLabv3+, with ResNet-50 26.76 M parameters for 12 classes.

    The encoder's last stage stays at 1/16, dilated; pyramid and decoder have separable convolutions, as in the paper.
    Unlike there, the first layers of ResNet-50 are those of keras.applications, and there is no dropout.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 16.
      num_classes: number of classes.
      encoder: one of ENCODER_NAMES.
      weights: None to start from scratch, "imagenet", or the path of a `.h5` file with the weights of the encoder.

    Raises:
      MachineError: ImageNet weights can neither be found nor downloaded.
      UsageError: the `.h5` file has no such weights.

    Source: Chen et al., Encoder-Decoder with Atrous Separable Convolution for Semantic Image Segmentation, ECCV 2018.
    """
    image = input_image(size)
    low_level, x = build_encoder(encoder, image, weights, strides=(4, 16), dilated=True)
    x = keras.layers.UpSampling2D(4, interpolation="bilinear")(_pyramid(x))
    x = keras.layers.Concatenate()([conv_bn_relu(low_level, LOW_LEVEL_FILTERS, kernel=1), x])
    x = _separable(_separable(x), 1)
    logits = upsample_logits(class_logits(x, num_classes), 4)
    return keras.Model(image, crop_to(logits, size), name="deeplabv3plus")


def _pyramid(x: Tensor) -> Tensor:
    """Returns atrous spatial pyramid pooling: the features at four scales and globally pooled, [B, H, W, 256]."""
    height, width = x.shape[1:3]
    whole = conv_bn_relu(keras.layers.GlobalAveragePooling2D(keepdims=True)(x), FILTERS, kernel=1)
    scales = [
        conv_bn_relu(x, FILTERS, kernel=1),
        *(_separable(x, rate) for rate in RATES),
        keras.layers.UpSampling2D((height, width))(whole),
    ]
    return conv_bn_relu(keras.layers.Concatenate()(scales), FILTERS, kernel=1)


def _separable(x: Tensor, rate: int = 1) -> Tensor:
    """Returns a 3x3 separable convolution of that dilation, batch normalisation, ReLU."""
    x = keras.layers.SeparableConv2D(FILTERS, 3, padding="same", dilation_rate=rate, use_bias=False)(x)
    x = keras.layers.BatchNormalization(momentum=BN_MOMENTUM)(x)
    return keras.layers.ReLU()(x)
