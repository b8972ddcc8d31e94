"""resnet50_segnet: a SegNet decoder on a ResNet-50 encoder, the tutorial's model."""

from __future__ import annotations

import os
from pathlib import Path

from converter.errors import MachineError, UsageError, shown
from trainer.backend import Tensor, keras
from trainer.models.blocks import (
    BN_MOMENTUM,
    CaffePreprocessing,
    class_logits,
    conv_bn_relu,
    crop_to,
    input_image,
    pad_to_multiple,
    upsample_logits,
)

STRIDE = 16
TAP = "conv4_block6_out"  # [B, H/16, W/16, 1024]
DECODER_FILTERS = (512, 256, 128, 64)
WEIGHTS_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"


def resnet50_segnet(size: tuple[int, int], num_classes: int, encoder_weights: str | None = None) -> keras.Model:
    """Returns ResNet-50 up to 1/16 with a SegNet decoder, 14.86 M parameters for 12 classes.

    As in image-segmentation-keras, the decoder works up to half of the resolution without skips or pooling indices.
    Other than there, its convolutions have a ReLU, and the logits are brought to full resolution (bilinear) before
    the loss sees them.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 16.
      num_classes: number of classes.
      encoder_weights: None to start from scratch, "imagenet", or the path of a `.h5` file with the weights of
        keras.applications' ResNet50 without its top.

    Raises:
      MachineError: ImageNet weights can neither be found nor downloaded.
      UsageError: the `.h5` file has no such weights.

    Source: Badrinarayanan et al., SegNet, TPAMI 2017; He et al., Deep Residual Learning, CVPR 2016.
    """
    image = input_image(size)
    x = _encoder(pad_to_multiple(CaffePreprocessing(name="caffe")(image), STRIDE), encoder_weights)
    x = conv_bn_relu(x, DECODER_FILTERS[0])
    for filters in DECODER_FILTERS[1:]:
        x = conv_bn_relu(keras.layers.UpSampling2D()(x), filters)
    logits = upsample_logits(class_logits(x, num_classes))
    return keras.Model(image, crop_to(logits, size), name="resnet50_segnet")


def _encoder(x: Tensor, weights: str | None) -> Tensor:
    """Returns the features of ResNet-50 at TAP."""
    try:
        # The whole encoder is built, since the weight files hold all of it; what lies behind TAP is then left out.
        encoder = keras.applications.ResNet50(include_top=False, weights=weights, input_tensor=x)
    except Exception as error:
        if weights == "imagenet":  # Keras raises a bare Exception where the download fails
            raise _no_imagenet(error) from error
        if weights is None or not isinstance(error, OSError | ValueError | KeyError):
            raise
        what = f"holds no weights of ResNet50 without its top ({type(error).__name__})"
        raise UsageError(weights, what, f"Pass --weights with {WEIGHTS_FILE}, or none.", "E_WEIGHTS") from error
    for layer in encoder.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BN_MOMENTUM
    return encoder.get_layer(TAP).output


def _no_imagenet(error: Exception) -> MachineError:
    folder = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "models"
    what = f"ImageNet weights can be neither found nor downloaded ({shown(error)})"
    mend = f"Put {WEIGHTS_FILE} into {folder}, or pass --weights with its path, or --weights none."
    return MachineError("--weights imagenet", what, mend, "E_WEIGHTS")
