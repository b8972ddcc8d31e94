"""Strips: a model on a large image, window by window, with blended logits, in bounded memory.

Windows and their weights are those of `blending`. In `sliding`, the logits of all windows of an image are on the device
at once; here they come in batches, and only the rows that further windows will change are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import numpy as np

from converter.pixels.geometry import Box
from trainer.learning.blending import Windows, windows_along

HELD_BYTES = 128 * 2**20  # of logits: 512 rows of 5,000 pixels and 12 classes

# Windows, uint8 [h, w, 3] each, to the logits of each in turn, float32 [h, w, num_classes].
Net = Callable[[Iterable[np.ndarray]], Iterator[np.ndarray]]


class Canvas(Protocol):
    """What windows are cut out of: an array, uint8 [H, W, 3], or something that reads them when they are asked for."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 3)."""

    def __getitem__(self, index: tuple[slice, slice], /) -> np.ndarray:
        """Returns rows and columns of it, uint8 [h, w, 3]."""


def strips(net: Net, canvas: Canvas, window: tuple[int, int], box: Box) -> Iterator[np.ndarray]:
    """Yields the logits of a part of a canvas from top to bottom, float32 [rows, width of the part, num_classes].

    What is yielded is overwritten afterwards.

    Args:
      net: the model.
      canvas: its height and width are at least those of a window.
      window: (height, width) of the model's input, in pixels.
      box: the part that is wanted.
    """
    height, width = window
    (left, right), bottom = (box.left, box.left + box.width), box.top + box.height
    rows = _touching(windows_along(canvas.shape[0], height), height, box.top, bottom)
    across = _touching(windows_along(canvas.shape[1], width), width, left, right)
    total: np.ndarray | None = None
    ends = [*rows.starts[1:], rows.starts[-1] + height]
    for top, row_weights, end in zip(*rows, ends, strict=True):
        logits = net(canvas[top : top + height, start : start + width] for start in across.starts)
        for start, weights, part in zip(*across, logits, strict=True):
            if total is None:
                total = np.zeros((height, right - left, part.shape[-1]), np.float32)
            first, last = max(start, left), min(start + width, right)
            seen = slice(first - start, last - start)
            weight = (row_weights[:, None] * weights[None, seen])[..., None]
            total[:, first - left : last - left] += part[:, seen] * weight
        assert total is not None  # noqa: S101 - for mypy: there is a window in every row
        if max(top, box.top) < min(end, bottom):
            yield total[max(top, box.top) - top : min(end, bottom) - top]
        finished = end - top
        total[: height - finished] = total[finished:].copy()
        total[height - finished :] = 0


def _touching(windows: Windows, length: int, first: int, end: int) -> Windows:
    """Returns the windows of a length that hold a pixel from `first` up to, but not including, `end`."""
    kept = [number for number, start in enumerate(windows.starts) if start < end and start + length > first]
    return Windows(tuple(windows.starts[number] for number in kept), windows.weights[kept])


def num_blocks(width: int, window_height: int, num_classes: int, held_bytes: int = HELD_BYTES) -> int:
    """Returns into how many blocks of columns an image is cut, so that `strips` holds at most `held_bytes` of each.

    Args:
      width: of the image, in pixels.
      window_height: of the model's input, in pixels.
      num_classes: number of classes.
      held_bytes: of logits, float32.
    """
    return -(-width * window_height * num_classes * 4 // held_bytes)
