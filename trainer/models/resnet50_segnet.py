"""resnet50_segnet: a SegNet decoder on a ResNet-50 encoder, the tutorial's model."""

from __future__ import annotations

from trainer.backend import keras
from trainer.models.blocks import class_logits, conv_bn_relu, crop_to, input_image, upsample_logits
from trainer.models.encoders import build_encoder

ENCODER = "resnet50"
STRIDE = 16
DECODER_FILTERS = (512, 256, 128, 64)


def resnet50_segnet(size: tuple[int, int], num_classes: int, *, weights: str | None = None) -> keras.Model:
    """Returns ResNet-50 up to 1/16 with a SegNet decoder, 14.86 M parameters for 12 classes.

    As in image-segmentation-keras, the decoder works up to half the resolution without skips or pooling indices.
    Unlike there, its convolutions have a ReLU, and the logits are upsampled to full resolution (bilinear) before the
    loss.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 16.
      num_classes: number of classes.
      weights: None to start from scratch, "imagenet", or the path of a `.h5` file with the weights of
        keras.applications' ResNet50 without its top.

    Raises:
      MachineError: ImageNet weights can neither be found nor downloaded.
      UsageError: the `.h5` file has no such weights.

    Source: Badrinarayanan et al., SegNet, TPAMI 2017; He et al., Deep Residual Learning, CVPR 2016.
    """
    image = input_image(size)
    (x,) = build_encoder(ENCODER, image, weights, strides=(STRIDE,))
    x = conv_bn_relu(x, DECODER_FILTERS[0])
    for filters in DECODER_FILTERS[1:]:
        x = conv_bn_relu(keras.layers.UpSampling2D()(x), filters)
    logits = upsample_logits(class_logits(x, num_classes))
    return keras.Model(image, crop_to(logits, size), name="resnet50_segnet")
