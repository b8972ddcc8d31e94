"""Strips: a model on a large image, window by window, with blended logits, in bounded memory.

Windows and their weights are those of `blending`. In `sliding`, all windows of an image are on the device at once; here
they come in batches, and only the rows that further windows will change are held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from trainer.learning.blending import Windows, windows_along

HELD_BYTES = 128 * 2**20  # of logits: 512 rows of 5,000 pixels and 12 classes

# Windows, uint8 [h, w, 3] each, to the logits of each in turn, float32 [h, w, num_classes].
Net = Callable[[Iterable[np.ndarray]], Iterator[np.ndarray]]


def strips(net: Net, image: np.ndarray, window: tuple[int, int], columns: tuple[int, int]) -> Iterator[np.ndarray]:
    """Yields the logits of an image from top to bottom, float32 [rows, right - left, num_classes].

    What is yielded is overwritten afterwards.

    Args:
      net: the model.
      image: uint8 [H, W, 3]; H and W are at least those of a window.
      window: (height, width) of the model's input, in pixels.
      columns: (left, right), the columns that are wanted.
    """
    height, width = window
    rows, across = (windows_along(n, w) for n, w in zip(image.shape, window, strict=False))
    left, right = columns
    across = _touching(across, width, left, right)
    total: np.ndarray | None = None
    below = [*rows.starts[1:], image.shape[0]]
    for top, row_weights, end in zip(*rows, below, strict=True):
        logits = net(image[top : top + height, start : start + width] for start in across.starts)
        for start, weights, part in zip(*across, logits, strict=True):
            if total is None:
                total = np.zeros((height, right - left, part.shape[-1]), np.float32)
            first, last = max(start, left), min(start + width, right)
            seen = slice(first - start, last - start)
            weight = (row_weights[:, None] * weights[None, seen])[..., None]
            total[:, first - left : last - left] += part[:, seen] * weight
        assert total is not None  # noqa: S101 - for mypy: there is a window in every row
        finished = end - top
        yield total[:finished]
        total[: height - finished] = total[finished:].copy()
        total[height - finished :] = 0


def _touching(windows: Windows, width: int, left: int, right: int) -> Windows:
    """Returns the windows of `width` that hold a pixel from `left` up to, but not including, `right`."""
    kept = [number for number, start in enumerate(windows.starts) if start < right and start + width > left]
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
