"""fcn8s: the first fully convolutional network, VGG-16 with its classifier converted to convolutions."""

from __future__ import annotations

from trainer.backend import Tensor, keras
from trainer.models.blocks import class_logits, crop_to, input_image, upsample_logits
from trainer.models.encoders import build_encoder

ENCODER = "vgg16"
FC_FILTERS = 4096
FC_DROPOUT = 0.5


def fcn8s(size: tuple[int, int], num_classes: int, *, weights: str | None = None) -> keras.Model:
    """Returns FCN-8s, 134.32 M parameters for 12 classes.

    The classes are predicted at 1/32, 1/16 and 1/8, and added up on the way to full size. Unlike in the paper, logits
    are upsampled by fixed bilinear interpolation throughout, and the image is padded to a multiple of 32 instead of by
    100 pixels on each side; the formerly fully connected layers start from scratch even with ImageNet weights, since
    Keras publishes those for images of 224 x 224 only.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 32.
      num_classes: number of classes.
      weights: None to start from scratch, "imagenet", or the path of a `.h5` file with the weights of
        keras.applications' VGG16 without its top.

    Raises:
      MachineError: ImageNet weights can neither be found nor downloaded.
      UsageError: the `.h5` file has no such weights.

    Source: Long et al., Fully Convolutional Networks for Semantic Segmentation, CVPR 2015.
    """
    image = input_image(size)
    conv3, conv4, x = build_encoder(ENCODER, image, weights, strides=(4, 8, 32))
    pool3, pool4 = (keras.layers.MaxPooling2D(name=name)(tap) for name, tap in (("pool3", conv3), ("pool4", conv4)))
    logits = class_logits(_fully_connected(_fully_connected(x, 7), 1), num_classes, "logits_32")
    for stride, pool in ((16, pool4), (8, pool3)):
        finer = class_logits(pool, num_classes, f"logits_{stride}")
        logits = keras.layers.Add(dtype="float32")([upsample_logits(logits, name=f"logits_to_{stride}"), finer])
    return keras.Model(image, crop_to(upsample_logits(logits, 8), size), name="fcn8s")


def _fully_connected(x: Tensor, kernel: int) -> Tensor:
    """Returns a fully connected layer of VGG-16 as a convolution."""
    x = keras.layers.Conv2D(FC_FILTERS, kernel, padding="same", activation="relu")(x)
    return keras.layers.Dropout(FC_DROPOUT)(x)
