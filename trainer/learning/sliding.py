"""Sliding: a model on images larger than its input, window by window, with blended logits. On the device."""

from __future__ import annotations

import itertools
import math

from trainer.backend import Tensor, keras, map_in_turn
from trainer.choices.augments import GREY
from trainer.learning.blending import Windows, windows_along
from trainer.learning.resizing import resized

TTA_SCALES = (0.75, 1.0, 1.25)
WINDOWS_AT_ONCE = 8  # of an image: without gradients they take less memory than a training step with one


def num_windows(net: keras.Model, size: tuple[int, int]) -> int:
    """Returns how many windows `slide` looks at in an image of (height, width)."""
    return math.prod(len(windows_along(max(n, window), window).starts) for n, window in _sides(net, size))


def slide(net: keras.Model, image: Tensor) -> Tensor:
    """Returns the logits of whole images, float32 [B, H, W, num_classes], whatever the input size of the model.

    Up to WINDOWS_AT_ONCE windows of each image are one batch of the model. An image of the model's own size, or a
    model for any size, is passed through as it is; a smaller one is padded at the bottom and right with GREY.

    Args:
      net: image, float32 [B, h, w, 3] in 0..255, to logits, float32 [B, h, w, num_classes].
      image: float32 [B, H, W, 3] in 0..255; H and W are static.
    """
    ops = keras.ops
    size = tuple(image.shape[1:3])
    rows, columns = (windows_along(max(n, window), window) for n, window in _sides(net, size))
    if len(rows.starts) == len(columns.starts) == 1 and size == _window(net, size):
        return net(image, training=False)
    height, width = _window(net, size)
    padding = [[0, max(0, height - size[0])], [0, max(0, width - size[1])]]
    padded = ops.pad(image, [[0, 0], *padding, [0, 0]], constant_values=float(GREY))
    places = itertools.product(rows.starts, columns.starts)
    parts = [padded[:, top : top + height, left : left + width] for top, left in places]
    logits, across = _logits_of(net, parts), len(columns.starts)
    strips = [_blended(logits[first : first + across], columns, 2) for first in range(0, len(parts), across)]
    return _blended(strips, rows, 1)[:, : size[0], : size[1]]


def _logits_of(net: keras.Model, parts: list[Tensor]) -> list[Tensor]:
    """Returns the logits of each of some windows, all [B, h, w, 3]."""
    ops = keras.ops
    if len(parts) <= WINDOWS_AT_ONCE:
        return ops.split(net(ops.concatenate(parts), training=False), len(parts))
    rounds = math.ceil(len(parts) / WINDOWS_AT_ONCE)
    at_once = math.ceil(len(parts) / rounds)
    filled = ops.stack(parts + parts[-1:] * (rounds * at_once - len(parts)))
    batches = ops.reshape(filled, (rounds, -1, *filled.shape[2:]))
    shape = (None, *filled.shape[2:4], net.output_shape[-1])
    logits = map_in_turn(lambda batch: net(batch, training=False), batches, shape)
    return ops.unstack(ops.reshape(logits, (rounds * at_once, -1, *shape[1:])), rounds * at_once)


def _blended(parts: list[Tensor], windows: Windows, axis: int) -> Tensor:
    """Returns the weighted sum of the logits of windows along one axis of [B, H, W, num_classes].

    It is put together from the sections between the edges of windows: padding each window would take a whole image.
    """
    starts, weights = windows
    size = len(weights[0])
    shape = (-1, 1) if axis == 2 else (-1, 1, 1)
    weighted = [part * each.reshape(shape) for part, each in zip(parts, weights, strict=True)]
    sections = []
    for first, end in itertools.pairwise(sorted({*starts, *(start + size for start in starts)})):
        before = (slice(None),) * axis
        there = [
            part[*before, first - start : end - start]
            for start, part in zip(starts, weighted, strict=True)
            if start <= first and end <= start + size
        ]
        sections.append(sum(there[1:], start=there[0]))
    return keras.ops.concatenate(sections, axis=axis)


def _window(net: keras.Model, size: tuple[int, int]) -> tuple[int, int]:
    height, width = (window or n for n, window in zip(size, net.input_shape[1:3], strict=True))
    return height, width


def _sides(net: keras.Model, size: tuple[int, int]) -> list[tuple[int, int]]:
    return list(zip(size, _window(net, size), strict=True))


def predict_logits(net: keras.Model, image: Tensor, tta: str = "none") -> Tensor:
    """Returns the logits of whole images, with test-time augmentation the mean over several views of each.

    Args:
      net: as in `slide`.
      image: as in `slide`.
      tta: one of TTA_NAMES: "flips" adds the mirror image, "scales" the image at TTA_SCALES, each mirrored, too.
    """
    ops = keras.ops
    size = tuple(image.shape[1:3])
    views = []
    for scale in TTA_SCALES if tta == "scales" else (1.0,):
        scaled = tuple(round(n * scale) for n in size)
        seen = resized(image, scaled, antialias=True)
        logits = slide(net, seen)
        if tta != "none":
            logits = (logits + ops.flip(slide(net, ops.flip(seen, axis=2)), axis=2)) / 2
        views.append(resized(logits, size))
    return sum(views[1:], start=views[0]) / len(views)
