"""Encoders: name -> features of an image at 1/2, 1/4, 1/8, 1/16 and 1/32 of its size.

An image is float32 [B, H, W, 3] in 0..255; it is preprocessed as for the published weights, in float32 whatever the
precision of the model. The encoders are those of ENCODERS.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from pkgutil import resolve_name

from converter.errors import MachineError, SegconvError, UsageError, shown
from trainer.backend import Tensor, keras
from trainer.choices.encoders import ENCODERS, PREPROCESSINGS, Encoder
from trainer.models.blocks import BN_MOMENTUM, pad_to_multiple
from trainer.models.published import keras_folder

STRIDES = (2, 4, 8, 16, 32)


def build_encoder(
    name: str, image: Tensor, weights: str | None, *, strides: Sequence[int] = STRIDES, dilated: bool = False
) -> list[Tensor | None]:
    """Returns the features of an image, one [B, ceil(H / stride), ceil(W / stride), channels] per stride.

    The image is preprocessed, and padded at the bottom and right to a multiple of the largest stride; layers after the
    last requested features are left out.

    Args:
      name: a key of ENCODERS.
      image: symbolic float32 [B, H, W, 3] in 0..255.
      weights: None to start from scratch, "imagenet", or the path of a `.h5` file with the encoder's weights without
        its top; of EfficientNet-Lite0, also of the `.pth` file with its published ones.
      strides: a subset of STRIDES, in rising order; features that the encoder does not have are None.
      dilated: the last stage stays at 1/16, with convolutions dilated to the receptive field that they had at 1/32:
        the features at 1/16 are then those of the whole encoder.

    Raises:
      MachineError: ImageNet weights can neither be found nor downloaded.
      UsageError: the file has no such weights, or the package with the ImageNet weights is not installed.
      DataError: the file with the published weights is damaged.
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
    preprocess = resolve_name(PREPROCESSINGS[entry.preprocessing].layer)
    features = dict(zip(wanted, body(pad_to_multiple(preprocess(image), strides[-1])), strict=True))
    return [features.get(stride) for stride in strides]


def load_network(name: str, weights: str | None) -> keras.Model:
    """Returns the network that an encoder is taken from, for images of any size; arguments as in build_encoder."""
    entry = ENCODERS[name]
    if weights not in (None, "imagenet") and not Path(weights).is_file():
        raise UsageError(weights, "does not exist", f"Pass --weights with {entry.weights_file}, or none.", "E_WEIGHTS")
    build = resolve_name(entry.builder)
    try:
        with warnings.catch_warnings():
            # MobileNet weights are published for several sizes; we want those for 224 x 224.
            warnings.filterwarnings("ignore", message="`input_shape` is undefined or non-square")
            # Where a file lacks some of the weights, this warning per layer may be all that Keras reports.
            warnings.filterwarnings("error", message="Skipping")
            network = build(include_top=False, weights=weights, input_shape=(None, None, 3), **entry.options)
    except SegconvError:
        raise
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
    """Returns the same model with the same weights, without downsampling from the layer `first` on.

    Where a stride of 2 is removed, every later kernel of that stage is dilated by 2: it then covers the pixels that it
    was trained on, and likewise those between them.

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
    """Returns a new layer with the same weights that keeps the size; it is dilated by 2 if it kept it before."""
    if isinstance(layer, keras.Sequential):
        return keras.models.clone_model(layer, clone_function=_without_stride)
    config = layer.get_config()
    if isinstance(layer, keras.layers.ZeroPadding2D):
        config["padding"] = 0  # precedes a convolution with a stride, which now pads itself
    elif max(config.get("strides", (1,))) > 1:
        config |= {"strides": (1, 1), "padding": "same"}
    elif max(config.get("kernel_size", (1,))) > 1:
        config["dilation_rate"] = (2, 2)
    return type(layer).from_config(config)


def _no_imagenet(entry: Encoder, error: Exception) -> MachineError:
    what = f"ImageNet weights can be neither found nor downloaded ({shown(error)})"
    fix = f"Put {entry.weights_file} into {keras_folder()}, or pass --weights with its path, or --weights none."
    return MachineError("--weights imagenet", what, fix, "E_WEIGHTS")
