"""Losses: class logits and an index mask to one number, over valid pixels only.

The mask crosses to the device as one byte per pixel; one-hot is made there. A pixel that holds IGNORE_INDEX has
weight 0 and is not counted in the mean either.
"""

from __future__ import annotations

from trainer.backend import Tensor, keras


def targets_and_weights(mask: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Returns what a categorical loss needs of an index mask.

        targets[b, y, x, c] = 1 if mask[b, y, x] == c else 0
        weights[b, y, x]    = 1 if mask[b, y, x] < num_classes else 0

    Args:
      mask: integers [B, H, W]: 0..num_classes-1, or IGNORE_INDEX, which no class index reaches.
      num_classes: number of classes.

    Returns:
      targets, float32 [B, H, W, num_classes], and weights, float32 [B, H, W].
    """
    mask = keras.ops.cast(mask, "int32")
    weights = keras.ops.cast(mask < num_classes, "float32")
    # Clipped, since one_hot(255) is a row of zeros on one backend and an error on another.
    targets = keras.ops.one_hot(keras.ops.clip(mask, 0, num_classes - 1), num_classes, dtype="float32")
    return targets, weights


def crossentropy() -> keras.losses.Loss:
    """Returns per-pixel crossentropy on logits, as a mean over the pixels of weight 1.

        loss = - sum(weights * log(softmax(logits)[mask])) / sum(weights)

    Keras' default reduction divides by all pixels instead, so that a batch with half of its pixels ignored would
    count half. A batch without any valid pixel has loss 0.
    """
    return keras.losses.CategoricalCrossentropy(from_logits=True, reduction="mean_with_sample_weight")
