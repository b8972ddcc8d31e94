"""Losses: class logits and an index mask to one number, over the valid pixels of the whole batch.

The mask is copied to the device as one byte per pixel and one-hot encoded there. A pixel with IGNORE_INDEX, or any
other value that is not a class, is in no sum: it changes neither the loss nor a gradient, not even by one bit.

Where several devices share the batch, sums are taken over all of them: the average of what the devices return is the
loss of the whole batch. An average of their own means would weight a pixel more on the device with fewer valid ones.

    crossentropy         - log(softmax(logits)[mask]), mean over pixels
    binary_crossentropy  - log(sigmoid(logits)) of the true class, - log(1 - sigmoid(logits)) of every other one,
                         mean over classes and pixels
    focal                crossentropy times (1 - softmax(logits)[mask])^2, mean over pixels
    ohem                 crossentropy, mean over the pixels where it is -log(0.7) or more, and at least over the quarter
                         of the pixels with the largest one
    dice                 1 - 2 |truth * softmax| / (|truth| + |softmax|), mean over the classes of the batch's truth
    crossentropy_dice    the sum of both
    lovasz               the Lovasz extension of 1 - IoU, mean over the classes of the batch's truth
    crossentropy_lovasz  the sum of both

A mean over pixels is weighted, sum(w * loss) / sum(w), with w the class weight of a pixel's true class: a factor common
to all class weights changes nothing (as in PyTorch). Label smoothing s spreads a part of the target, 1 for the true
class and 0 for the others, evenly over all classes: target * (1 - s) + s / num_classes. The pixel keeps the weight of
its true class (PyTorch weights every class's part of the target by that class).

Class weights make a model predict rare classes on too many pixels, since the loss then has the optimum of other class
frequencies than those of the data. Logit adjustment a corrects a part of that: every loss sees

    logits + a * log(w / g)

with the class weight w of each class and the geometric mean g of all, so that the logits themselves, which prediction
uses, keep that distance.

Sources: King and Zeng, Logistic Regression in Rare Events Data, 2001 (prior correction), and Menon et al., Long-Tail
Learning via Logit Adjustment, ICLR 2021 (of the loss), here by the class weights instead of the class frequencies;
Lin et al., Focal Loss, ICCV 2017, in its softmax form; Drozdzal et al., The Importance of Skip Connections in
Biomedical Image Segmentation, 2016 (dice, without squares in the denominator); Berman et al., The Lovasz-Softmax loss,
CVPR 2018; Shrivastava et al., Training Region-based Object Detectors with Online Hard Example Mining, CVPR 2016, for
pixels; Szegedy et al., Rethinking the Inception Architecture, CVPR 2016, section 7 (label smoothing).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pkgutil import resolve_name
from typing import TypeAlias

import numpy as np

from converter.errors import UsageError
from trainer.backend import INDEX_DTYPE, Tensor, gather, keras, num_replicas, sum_over_replicas
from trainer.choices.losses import LOSSES, LossParts

Loss: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # of mask and logits
PixelLoss: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # of target and logits
RegionLoss: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]  # of truth, valid pixels and probabilities
BISECTIONS = 32  # as many as float32 can tell apart, and more
HARD_LOSS = -math.log(0.7)  # a probability of 0.7, the usual threshold; with a share alone, predictions oscillate
FOCAL_GAMMA = 2  # the value that worked best for Lin et al.


def build_loss(
    name: str,
    num_classes: int,
    *,
    class_weights: np.ndarray | None = None,
    label_smoothing: float = 0.0,
    logit_adjustment: float = 0.0,
) -> Loss:
    """Returns the loss of that name.

    lovasz counts in float32, which is exact for up to 2^24 pixels per device: 64 images of 512 x 512.

    With several devices, every loss but lovasz is exactly that of the whole batch; lovasz would have to sort the pixels
    of all devices together, and is the mean of the devices' losses.

    Args:
      name: one of LOSSES.
      num_classes: number of classes.
      class_weights: float [num_classes], 0 or more; None for equal weights. Only for losses with a mean over pixels:
        the mean over classes of dice and lovasz already gives each class the same weight. In crossentropy_dice they
        weight the crossentropy.
      label_smoothing: the smoothing factor, 0 or more and below 1; only for losses with a logarithm of every class.
      logit_adjustment: the share of log(class weight) that is added to the logits, 0..1; without class weights, and for
        a class of weight 0, nothing is added.

    Returns:
      A function of mask, integers [B, H, W], and logits, float [B, H, W, num_classes], that returns a float32 scalar:
      0 where no pixel is valid. It computes in float32 whatever the logits are.

    Raises:
      UsageError: the loss does not support class weights or label smoothing.
    """
    parts = LOSSES[name]
    _check_support(name, parts, class_weights, label_smoothing)
    pixel_loss: PixelLoss | None = resolve_name(parts.pixel) if parts.pixel else None
    region_loss: RegionLoss | None = resolve_name(parts.region) if parts.region else None
    shift = None if class_weights is None or not logit_adjustment else logit_adjustment * _log_of(class_weights)

    def loss(mask: Tensor, logits: Tensor) -> Tensor:
        truth, valid = one_hot(mask, num_classes)
        # Replaced, not multiplied by 0: at an ignored pixel, even an infinite logit has gradient 0.
        logits = keras.ops.where(valid[..., None] > 0, keras.ops.cast(logits, "float32"), 0.0)
        if shift is not None:
            logits = logits + shift
        total = keras.ops.zeros(())
        if pixel_loss is not None:
            weights = valid
            if class_weights is not None:
                per_class = keras.ops.convert_to_tensor(class_weights, "float32")
                weights = keras.ops.sum(truth * per_class, axis=-1)  # exact: all but one are 0
            target = truth * (1 - label_smoothing) + label_smoothing / num_classes
            losses = pixel_loss(target, logits)
            if parts.hardest < 1:
                weights = weights * hardest(losses, valid, parts.hardest)
            total = total + _mean(losses, weights)
        if region_loss is not None:
            total = total + region_loss(truth, valid, keras.ops.softmax(logits))
        return total

    return loss


def _check_support(name: str, parts: LossParts, class_weights: np.ndarray | None, label_smoothing: float) -> None:
    """Raises UsageError if the loss does not support class weights or label smoothing that were chosen."""
    if class_weights is not None and not parts.is_weighted:
        what = f"cannot be used with --loss {name}, which gives every class in a batch the same weight"
        raise UsageError("--class-weights", what, "Pass --class-weights none, or --loss crossentropy_dice.")
    if label_smoothing and not parts.is_smoothed:
        what = f"is {label_smoothing!r}, but --loss {name} has no smoothed form"
        raise UsageError("--label-smoothing", what, "Pass --label-smoothing 0, or --loss crossentropy.")


def _log_of(weights: np.ndarray) -> np.ndarray:
    """Returns the logarithms of class weights over their geometric mean, float32 [num_classes]; 0 for a weight of 0."""
    logs = np.log(np.where(weights > 0, weights, 1.0))
    return np.where(weights > 0, logs - logs.sum() / max(1, np.count_nonzero(weights)), 0.0).astype(np.float32)


def one_hot(mask: Tensor, num_classes: int) -> tuple[Tensor, Tensor]:
    """Returns one-hot labels and valid pixels of an index mask.

        truth[b, y, x, c] = 1 if mask[b, y, x] == c else 0
        valid[b, y, x]    = 1 if 0 <= mask[b, y, x] < num_classes else 0

    By comparison in float32, where every class index is exact: without XLA, TensorFlow computes int32 on the host, even
    next to a GPU.

    Args:
      mask: integers [B, H, W].
      num_classes: number of classes.

    Returns:
      truth, float32 [B, H, W, num_classes]; valid, float32 [B, H, W].
    """
    index = keras.ops.cast(mask, "float32")
    classes = keras.ops.convert_to_tensor(np.arange(num_classes, dtype=np.float32))
    truth = keras.ops.cast(keras.ops.equal(index[..., None], classes), "float32")
    valid = keras.ops.logical_and(index >= 0, index <= num_classes - 1)
    return truth, keras.ops.cast(valid, "float32")


def hardest(losses: Tensor, valid: Tensor, share: float) -> Tensor:
    """Returns 1 for the hard valid pixels of the whole batch and 0 for the others, float32 [B, H, W].

    They are those with a loss of HARD_LOSS or more, and at least a share of all, those with the largest losses. The
    smallest loss of the share is found by bisection, to a part in 2^BISECTIONS of the largest one: sorting would take
    longer, and would have to collect the pixels of all devices.

    Args:
      losses: float32 [B, H, W], 0 or more.
      valid: float32 [B, H, W], 1 or 0.
      share: how many pixels are chosen at least, as a fraction of the valid ones.
    """
    losses = keras.ops.stop_gradient(keras.ops.where(valid > 0, losses, -1.0))
    wanted = sum_over_replicas(keras.ops.sum(valid)) * share
    low = keras.ops.zeros(())  # always with enough pixels at or above it
    high = sum_over_replicas(keras.ops.maximum(keras.ops.max(losses), 0.0)) + 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        is_enough = sum_over_replicas(_count(losses >= middle)) >= wanted
        low, high = keras.ops.where(is_enough, middle, low), keras.ops.where(is_enough, high, middle)
    return keras.ops.cast(losses >= keras.ops.minimum(low, HARD_LOSS), "float32")


def _count(chosen: Tensor) -> Tensor:
    return keras.ops.sum(keras.ops.cast(chosen, "float32"))


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    """Returns a value whose mean over the devices is sum(weights * values) / sum(weights) over all; 0 for 0 / 0."""
    whole = sum_over_replicas(keras.ops.sum(weights))
    return keras.ops.sum(weights * values) * num_replicas() / keras.ops.where(whole > 0, whole, 1.0)


def crossentropy(target: Tensor, logits: Tensor) -> Tensor:
    """Returns -sum over classes of target * log(softmax(logits)), float32 [B, H, W]."""
    return -keras.ops.sum(target * keras.ops.log_softmax(logits), axis=-1)


def binary_crossentropy(target: Tensor, logits: Tensor) -> Tensor:
    """Returns the mean over classes of -target * log(p) - (1 - target) * log(1 - p), p = sigmoid(logits), [B, H, W]."""
    # -log(1 - p) = softplus(logits), and -log(p) is that minus the logit.
    return keras.ops.mean(keras.ops.softplus(logits) - target * logits, axis=-1)


def focal(target: Tensor, logits: Tensor) -> Tensor:
    """Returns -(1 - p)^gamma * log(p), p the softmax of the true class, float32 [B, H, W]."""
    log_p = keras.ops.sum(target * keras.ops.log_softmax(logits), axis=-1)
    return -((-keras.ops.expm1(log_p)) ** FOCAL_GAMMA) * log_p


def dice(truth: Tensor, valid: Tensor, probabilities: Tensor) -> Tensor:
    """Returns 1 - 2 |truth * p| / (|truth| + |p|), as a mean over the classes of the truth; 0 where there is none."""
    pixels = (0, 1, 2)
    true = sum_over_replicas(keras.ops.sum(truth, axis=pixels))
    predicted = sum_over_replicas(keras.ops.sum(probabilities * valid[..., None], axis=pixels))
    both = sum_over_replicas(keras.ops.sum(probabilities * truth, axis=pixels))
    present = true > 0
    return _mean_present(1 - 2 * both / keras.ops.where(present, true + predicted, 1.0), present)


def lovasz(truth: Tensor, valid: Tensor, probabilities: Tensor) -> Tensor:
    """Returns the Lovasz extension of 1 - IoU, as a mean over the classes of the truth; 0 where there is none.

    For each class, with the errors |truth - p| of the pixels in descending order, it is the sum of each error times the
    increase of 1 - IoU when its pixel is added to the wrong ones.
    """
    num_classes = truth.shape[-1]
    truth = keras.ops.transpose(keras.ops.reshape(truth, (-1, num_classes)))  # [C, pixels]
    errors = keras.ops.abs(truth - keras.ops.transpose(keras.ops.reshape(probabilities, (-1, num_classes))))
    # An error of 0 sorts ignored pixels after all wrong ones, where they contribute 0 in any order.
    errors = errors * keras.ops.reshape(valid, (1, -1))
    pixels = keras.ops.shape(errors)[-1]
    # Without XLA, TensorFlow computes int32 on the host, as it would in the gradient of top_k, even next to a GPU.
    order = keras.ops.cast(keras.ops.top_k(keras.ops.stop_gradient(errors), k=pixels)[1], INDEX_DTYPE)
    row = keras.ops.expand_dims(keras.ops.arange(num_classes, dtype=INDEX_DTYPE), 1)
    order = order + row * keras.ops.cast(pixels, INDEX_DTYPE)
    errors, truth = (gather(keras.ops.reshape(x, (-1,)), order) for x in (errors, truth))
    true = keras.ops.sum(truth, axis=-1, keepdims=True)
    found = keras.ops.cumsum(truth, axis=-1)
    union = true + keras.ops.cumsum(1 - truth, axis=-1)
    # 1 - IoU is 1 - (true - found) / union. It grows by 1 / union at a pixel of the class, which adds 1 to found, and
    # by (true - found) / (union * (union - 1)) at any other, which adds 1 to the union. A difference of two IoUs in
    # float32 would be off by percents for a million pixels.
    growth = keras.ops.where(truth > 0, 1.0, (true - found) / keras.ops.maximum(union - 1, 1.0))
    growth = growth / keras.ops.maximum(union, 1.0)
    losses = keras.ops.sum(errors * growth, axis=-1)
    return _mean_present(losses, true[:, 0] > 0)


def _mean_present(losses: Tensor, present: Tensor) -> Tensor:
    """Returns the mean of the losses [C] of the classes that are present, bool [C]; 0 where none is."""
    count = keras.ops.sum(keras.ops.cast(present, "float32"))
    return keras.ops.sum(keras.ops.where(present, losses, 0.0)) / keras.ops.maximum(count, 1.0)
