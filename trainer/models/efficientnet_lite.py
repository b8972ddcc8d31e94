"""EfficientNet-Lite0: a light encoder whose ImageNet weights come as a Python package, without any download by Keras.

Its layers are those of PyTorch's port, from which the weights are: each is named as there, so that
"block3_depthwise_conv" here is "_blocks.3._depthwise_conv" there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from converter.errors import DataError, UsageError
from trainer.backend import Tensor, keras
from trainer.choices.encoders import ENCODERS
from trainer.models.published import find_published, how_to_get
from trainer.models.state_dict import read_state_dict

NAME = "efficientnet_lite0"
STEM_FILTERS, HEAD_FILTERS, CLASSES = 32, 1280, 1000
EPSILON = 1e-3
TOP = ("_conv_head.", "_bn1.", "_fc.")  # names of the layers above the last block begin so
STEPS = ".num_batches_tracked"  # of PyTorch's batch normalization, which uses it only without a momentum


class _Stage(NamedTuple):
    repeats: int
    kernel: int
    strides: int
    expansion: int
    filters: int


STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


def efficientnet_lite0(
    *, include_top: bool = True, weights: str | None = None, input_shape: tuple[int | None, int | None, int]
) -> keras.Model:
    """Returns EfficientNet-Lite0, to be called like the functions of keras.applications.

    Its input is float32 [B, H, W, 3], (x - 127) / 128 of 0..255. Unlike EfficientNet-B0 it has no squeeze and
    excitation, and ReLU6 instead of swish. No block is dropped at random in training.

    Args:
      include_top: whether the result is [B, 1000], the logits of ImageNet's classes; else [B, H / 32, W / 32, 320], the
        features of the last block.
      weights: None to start from scratch, "imagenet", or the path of the `.pth` file with those weights or of an `.h5`
        file that Keras saved.
      input_shape: (height, width, channels) of the input; None for any size.

    Raises:
      UsageError: the package with the ImageNet weights is not installed.
      DataError: the file with the weights is not the published one.

    Source: Tan and Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019; the Lite
    variant is from TensorFlow's TPU repository.
    """
    image = keras.Input(input_shape)
    x = _bn(_conv(image, STEM_FILTERS, 3, 2, "conv_stem"), "bn0")
    number = 0
    for stage in STAGES:
        for repeat in range(stage.repeats):
            x = _block(x, stage._replace(strides=1) if repeat else stage, f"block{number}_")
            number += 1
    if include_top:
        x = _bn(_conv(x, HEAD_FILTERS, 1, 1, "conv_head"), "bn1")
        x = keras.layers.Dense(CLASSES, name="fc")(keras.layers.GlobalAveragePooling2D()(x))
    network = keras.Model(image, x, name=NAME)
    if weights is not None:
        _load(network, weights)
    return network


def _block(x: Tensor, stage: _Stage, prefix: str) -> Tensor:
    """Returns the output of an inverted residual block: expand, convolve each channel, project."""
    block_input, channels = x, x.shape[-1]
    if stage.expansion > 1:
        x = _bn(_conv(x, channels * stage.expansion, 1, 1, f"{prefix}expand_conv"), f"{prefix}bn0")
    x = keras.layers.DepthwiseConv2D(
        stage.kernel, stage.strides, "same", use_bias=False, name=f"{prefix}depthwise_conv"
    )(x)
    x = _bn(x, f"{prefix}bn1")
    x = _bn(_conv(x, stage.filters, 1, 1, f"{prefix}project_conv"), f"{prefix}bn2", relu=False)
    if stage.strides > 1 or channels != stage.filters:
        return x
    return keras.layers.Add(name=f"{prefix}add")([x, block_input])


def _conv(x: Tensor, filters: int, kernel: int, strides: int, name: str) -> Tensor:
    return keras.layers.Conv2D(filters, kernel, strides, "same", use_bias=False, name=name)(x)


def _bn(x: Tensor, name: str, *, relu: bool = True) -> Tensor:
    x = keras.layers.BatchNormalization(epsilon=EPSILON, name=name)(x)
    return keras.layers.ReLU(6, name=f"{name}_relu")(x) if relu else x


def _load(network: keras.Model, weights: str) -> None:
    """Sets all weights of the network. Arguments and errors as in `efficientnet_lite0`."""
    if Path(weights).suffix == ".h5":
        network.load_weights(weights)
        return
    package = ENCODERS[NAME].package
    assert package is not None  # noqa: S101 - by the table
    path = find_published(NAME) if weights == "imagenet" else Path(weights)
    if path is None:
        what = f"the package {package.name}, which has those of {NAME}, is not installed"
        fix = f"Install it: {how_to_get(NAME)}, or pass --weights none."
        raise UsageError("--weights imagenet", what, fix, "E_WEIGHTS")
    assign(network, read_state_dict(path, package.sha256), path)


def assign(network: keras.Model, tensors: Mapping[str, np.ndarray], path: Path) -> None:
    """Sets every weight of the network from the tensor of its name.

    Args:
      network: from `efficientnet_lite0`.
      tensors: in PyTorch's shapes, by PyTorch's names; those above the last block may be left over.
      path: the file that they are from.

    Raises:
      DataError: a tensor is missing, has another shape or is left over.
    """
    left = dict(tensors)
    try:
        for layer in network.layers:
            if layer.weights:
                layer.set_weights(_weights(layer, left))
    except (KeyError, ValueError) as error:
        raise _misfit(path, f"lacks a tensor or has one of another shape ({error})") from error
    others = [name for name in left if not name.startswith(TOP) and not name.endswith(STEPS)]
    if others:
        raise _misfit(path, f"has tensors that are in no layer, such as {others[0]}")


def _weights(layer: keras.layers.Layer, left: dict[str, np.ndarray]) -> list[Any]:
    """Returns the weights of a layer in Keras' shapes, taken out of `left`."""
    prefix = "_" + re.sub(r"^block(\d+)_", r"blocks.\1._", layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        return [left.pop(f"{prefix}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
    kernel = left.pop(f"{prefix}.weight")
    if isinstance(layer, keras.layers.Dense):
        return [kernel.T, left.pop(f"{prefix}.bias")]
    # PyTorch: [filters, channels, height, width], and [channels, 1, height, width] of a depthwise convolution.
    is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
    return [kernel.transpose((2, 3, 0, 1) if is_depthwise else (2, 3, 1, 0))]


def _misfit(path: Path, what: str) -> DataError:
    return DataError(path, what, "Reinstall the package that it is from, or pass --weights none.", "E_WEIGHTS")
