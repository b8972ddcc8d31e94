"""Auxiliary: a second head, on the coarsest level of a decoder, which is trained with the model and not saved.

Its gradient reaches the encoder on a shorter path, so that coarse features learn to distinguish the classes.
"""

from __future__ import annotations

from trainer.backend import Tensor, keras
from trainer.models.blocks import COARSEST, class_logits


def with_auxiliary_head(net: keras.Model, num_classes: int) -> keras.Model | None:
    """Returns the model with the logits of a second head as another output; None where its decoder has no such level.

    All layers are shared: what trains the one trains the other.

    Args:
      net: the model.
      num_classes: number of classes.

    Returns:
      A model of float32 [B, H, W, 3] to [logits of `net`, float32 [B, h, w, num_classes]], with h and w those of the
      coarsest level of its decoder.

    Sources: Zhao et al., Pyramid Scene Parsing Network, CVPR 2017, section 3.3 (an auxiliary loss, weighted 0.4);
    Isensee et al., nnU-Net, Nature Methods 2021 (on coarse levels of the decoder of a U-Net).
    """
    features = [layer.output for layer in net.layers if layer.name == COARSEST]
    if not features:
        return None
    return keras.Model(net.input, [net.output, class_logits(features[0], num_classes, "auxiliary")])


def at_coarse_pixels(mask: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    """Returns a mask at the pixels in the middle of those that the coarse logits stand for, and these logits.

    Args:
      mask: integers [B, H, W].
      logits: float [B, h, w, num_classes], of an image that was padded at the bottom and right to a multiple of 32 or
        more pixels; H and W are more than half of the padded size.

    Returns:
      mask, [B, rows, columns], and logits, [B, rows, columns, num_classes]; what is only padding is left out.
    """
    step = 1  # a power of two, as all downsampling is by 2
    while any(pixels > step * features for pixels, features in zip(mask.shape[1:], logits.shape[1:3], strict=True)):
        step *= 2
    mask = mask[:, step // 2 :: step, step // 2 :: step]
    return mask, logits[:, : mask.shape[1], : mask.shape[2]]
