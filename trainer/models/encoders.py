"""Encoders: name -> features of an image at 1/2, 1/4, 1/8, 1/16 and 1/32 of its size, from keras.applications.

An image comes in as float32 [B, H, W, 3] in 0..255; preprocessing is that with which the published weights were
trained, in float32 whatever the precision of the model. The encoders are those of ENCODERS.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

from converter.errors import MachineError, UsageError, shown
from trainer.backend import Tensor, keras
from trainer.choices.encoders import ENCODERS, PREPROCESSINGS, Encoder
from trainer.choices.lookup import lookup
from trainer.models.blocks import BN_MOMENTUM, pad_to_multiple

STRIDES = (2, 4, 8, 16, 32)


def build_encoder(
    name: str, image: Tensor, weights: str | None, *, strides: Sequence[int] = STRIDES, dilated: bool = False
) -> list[Tensor | None]:
    """Returns the features of an image, one [B, ceil(H / stride), ceil(W / stride), channels] per stride.

    The image is preprocessed, and padded below and to the right to a multiple of the largest stride; what lies behind
    the last features that are asked for is left out.

    Args:
      name: a key of ENCODERS.
      image: symbolic float32 [B, H, W, 3] in 0..255.
      weights: None to start from scratch, "imagenet", or the path of a `.h5` file with the encoder's weights without
        its top.
      strides: rising, of STRIDES; features that the encoder does not have are None.
      dilated: the last stage stays at 1/16, with convolutions that see as far as they did at 1/32: the features at
        1/16 are then those of the whole encoder.

    Raises:
      MachineError: ImageNet weights can neither be found nor downloaded.
      UsageError: the `.h5` file has no such weights.
    """
    entry = ENCODERS[name]
    network = load_network(name, weights)
    taps = {stride: network.get_layer(leaf).input for stride, leaf in zip(STRIDES, entry.leaves, strict=False) if leaf}
    taps[16 if dilated else 32] = network.output
    wanted = [stride for stride in strides if stride in taps]
    start = network.get_layer(entry.stem).input if entry.stem else network.input
    body = keras.Model(start, [taps[stride] for stride in wanted], name=name)
    if dilated:
        body = _dilate(body, entry.leaves[-1])
    preprocess = lookup(PREPROCESSINGS[entry.preprocessing].layer)
    features = dict(zip(wanted, body(pad_to_multiple(preprocess(image), strides[-1])), strict=True))
    return [features.get(stride) for stride in strides]


def load_network(name: str, weights: str | None) -> keras.Model:
    """Returns an encoder as keras.applications has it, for images of any size; arguments as of build_encoder."""
    entry = ENCODERS[name]
    if weights not in (None, "imagenet") and not Path(weights).is_file():
        raise UsageError(weights, "does not exist", f"Pass --weights with {entry.weights_file}, or none.", "E_WEIGHTS")
    build = lookup(entry.builder)
    try:
        with warnings.catch_warnings():
            # The MobileNets were published for several sizes; those of 224 x 224 are the ones that we want.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
            # Of a file that lacks some of the weights, Keras may say no more than this, once per layer.
            warnings.filterwarnings("error", message="Skipping")
            network = build(include_top=False, weights=weights, input_shape=(None, None, 3), **entry.options)
    except Exception as error:
        if weights == "imagenet":  # Keras raises a bare Exception where the download fails
            raise _no_imagenet(entry, error) from error
        if weights is None or not isinstance(error, OSError | ValueError | KeyError | UserWarning):
            raise
        what = f"holds no weights of {build.__name__} without its top ({type(error).__name__})"
        raise UsageError(weights, what, f"Pass --weights with {entry.weights_file}, or none.", "E_WEIGHTS") from error
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BN_MOMENTUM
    return network


def _dilate(body: keras.Model, first: str) -> keras.Model:
    """Returns the same model with the same weights that no longer reduces from the layer `first` on.

    Where a stride of 2 is left out, every later kernel of that stage is spread by 2, so that it meets the pixels that
    it was trained on, and those between them by the same right.

    Source: Chen et al., Rethinking Atrous Convolution, 2017, section 3.1.
    """
    names = [layer.name for layer in body.layers]  # in an order in which no layer comes before its inputs
    last_stage = set(names[names.index(first) :])

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        return _without_stride(layer) if layer.name in last_stage else type(layer).from_config(layer.get_config())

    dilated = keras.models.clone_model(body, clone_function=clone)
    dilated.set_weights(body.get_weights())
    return dilated


def _without_stride(layer: keras.layers.Layer) -> keras.layers.Layer:
    """Returns a new layer of the same weights that keeps the size, and is dilated by 2 if it kept it before."""
    if isinstance(layer, keras.Sequential):
        return keras.models.clone_model(layer, clone_function=_without_stride)
    config = layer.get_config()
    if isinstance(layer, keras.layers.ZeroPadding2D):
        config["padding"] = 0  # stands before a convolution with a stride, which pads by itself now
    elif max(config.get("strides", (1,))) > 1:
        config |= {"strides": (1, 1), "padding": "same"}
    elif max(config.get("kernel_size", (1,))) > 1:
        config["dilation_rate"] = (2, 2)
    return type(layer).from_config(config)


def _no_imagenet(entry: Encoder, error: Exception) -> MachineError:
    folder = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "models"
    what = f"ImageNet weights can be neither found nor downloaded ({shown(error)})"
    fix = f"Put {entry.weights_file} into {folder}, or pass --weights with its path, or --weights none."
    return MachineError("--weights imagenet", what, fix, "E_WEIGHTS")
