"""segformer_b0, _b2, _b5: transformers at four scales and a decoder of plain projections, from KerasHub.

KerasHub is a separate extra: it installs some hundred megabytes of packages, and is imported only where one of these
models is built or loaded.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType

from converter.errors import UsageError
from trainer.backend import keras
from trainer.models.blocks import class_logits, crop_to, input_image, pad_to_multiple, standardize, upsample_logits

STRIDE = 32
HEADS = (1, 2, 5, 8)
REDUCTIONS = (8, 4, 2, 1)  # reduction of the attention's sequence length, per stage
DROP_PATH = 0.1


@dataclass(frozen=True)
class Variant:
    """Transformer blocks and channels per stage, and channels of the decoder: tables 6 and 7 of the paper."""

    depths: tuple[int, int, int, int]
    channels: tuple[int, int, int, int]
    decoder: int


VARIANTS = {
    "b0": Variant((2, 2, 2, 2), (32, 64, 160, 256), 256),
    "b2": Variant((3, 4, 6, 3), (64, 128, 320, 512), 768),
    "b5": Variant((3, 6, 40, 3), (64, 128, 320, 512), 768),
}


def segformer(size: tuple[int, int], num_classes: int, *, variant: str) -> keras.Model:
    """Returns SegFormer: B0 with 3.72 M, B2 with 27.36 M or B5 with 84.60 M parameters for 12 classes.

    Args:
      size: (height, width) of input and output, in pixels; padded inside to multiples of 32.
      num_classes: number of classes.
      variant: a key of VARIANTS.

    Raises:
      UsageError: KerasHub is not installed.

    Source: Xie et al., SegFormer: Simple and Efficient Design for Semantic Segmentation with Transformers, NeurIPS
    2021.
    """
    models = import_hub().models
    entry = VARIANTS[variant]
    image = input_image(size)
    x = pad_to_multiple(standardize(image), STRIDE)
    transformer = models.MiTBackbone(
        layerwise_depths=list(entry.depths),
        num_layers=len(entry.depths),
        layerwise_num_heads=list(HEADS),
        layerwise_sr_ratios=list(REDUCTIONS),
        max_drop_path_rate=DROP_PATH,
        layerwise_patch_sizes=[7, 3, 3, 3],
        layerwise_strides=[4, 2, 2, 2],
        image_shape=x.shape[1:],
        hidden_dims=list(entry.channels),
    )
    x = models.SegFormerBackbone(transformer, entry.decoder)(x)  # [B, H / 4, W / 4, decoder]
    logits = upsample_logits(class_logits(x, num_classes), 4)
    return keras.Model(image, crop_to(logits, size), name=f"segformer_{variant}")


def import_hub() -> ModuleType:
    """Imports KerasHub, which registers its layers with Keras.

    Raises:
      UsageError: it is not installed.
    """
    try:
        return importlib.import_module("keras_hub")
    except ImportError as error:
        what = f"KerasHub is not installed ({error})"
        raise UsageError("--model segformer", what, "Install it: pip install 'segconv[hub]'", "E_NO_HUB") from None
