"""Warp: an image and its mask, sampled at the positions that an affine map gives: bilinear and nearest, on the device.

Both are sampled at the same positions, and outside of the source the image is GREY and the mask IGNORE_INDEX: no new
class can appear. In keras.ops with static heights and widths, as `trainer.learning.augment`.
"""

from __future__ import annotations

from converter.schema import IGNORE_INDEX
from trainer.backend import INDEX_DTYPE, Tensor, keras
from trainer.choices.augments import GREY

ROWS, COLUMNS = 1, 2  # axes of [B, H, W, ...]


def warp(
    image: Tensor, mask: Tensor, matrix: Tensor, offset: Tensor, *, window: tuple[int, int], size: Tensor
) -> tuple[Tensor, Tensor]:
    """Samples every pixel at its position in the source: source - centre = matrix @ (target - centre) + offset.

    Args:
      image: uint8 [B, H, W, 3].
      mask: uint8 [B, H, W].
      matrix: float32 [B, 2, 2], rows before columns.
      offset: float32 [B, 2], in pixels.
      window: (h, w) of the result, in pixels.
      size: (height, width) of each source, float32 [B, 2] or [1, 2]; below and to the right of it, the image is GREY
        and the mask IGNORE_INDEX.

    Returns:
      image, float32 [B, h, w, 3]: bilinear between the four pixels around the position, and GREY outside.
      mask, uint8 [B, h, w]: the nearest of the same four, and IGNORE_INDEX outside.
    """
    ops = keras.ops
    height, width = image.shape[ROWS], image.shape[COLUMNS]
    row, row_share = _split_coordinate(matrix[:, 0], offset[:, 0], window, size[:, 0])
    column, column_share = _split_coordinate(matrix[:, 1], offset[:, 1], window, size[:, 1])

    # A border of one fill pixel around every image makes every sampled position valid.
    ring = [[0, 0], [1, 1], [1, 1]]
    pixels = ops.pad(ops.cast(image, "float32"), [*ring, [0, 0]], constant_values=float(GREY))
    indices = ops.pad(ops.cast(mask, "float32"), ring, constant_values=float(IGNORE_INDEX))
    pixels, indices = ops.reshape(pixels, (-1, 3)), ops.reshape(indices, (-1,))

    stride = width + 2
    first = ops.arange(ops.shape(image)[0], dtype=INDEX_DTYPE) * ((height + 2) * stride)
    place = ops.cast(row, INDEX_DTYPE) * stride + ops.cast(column, INDEX_DTYPE) + first[:, None, None]
    nearest = place + ops.cast(row_share >= 0.5, INDEX_DTYPE) * stride + ops.cast(column_share >= 0.5, INDEX_DTYPE)

    down, right = row_share[..., None], column_share[..., None]
    corners = [ops.take(pixels, place + step, axis=0) for step in (0, 1, stride, stride + 1)]
    above, below = _blend(corners[0], corners[1], right), _blend(corners[2], corners[3], right)
    return _blend(above, below, down), ops.cast(ops.take(indices, nearest, axis=0), "uint8")


def _split_coordinate(
    factors: Tensor, offset: Tensor, window: tuple[int, int], length: Tensor
) -> tuple[Tensor, Tensor]:
    """Returns (index of the pixel at or before, fraction of the way to the next), float32 [B, h, w], of one coordinate.

    Indices count from the border that `warp` adds: 0 is outside, 1 the first pixel of the source, which has `length`.
    """
    ops = keras.ops
    rows, columns = (ops.arange(n, dtype="float32") - (n - 1) / 2 for n in window)
    # Not factors[:, 0, None]: TensorFlow 2.21 loses the new axis when it optimises away a slice of a stack.
    per_row, per_column = (ops.expand_dims(factors[:, number], -1) for number in (0, 1))
    along = per_column * columns + ops.expand_dims(offset + (length + 1) / 2, -1)
    last = ops.reshape(length, (-1, 1, 1))
    place = ops.clip((per_row * rows)[:, :, None] + along[:, None, :], 0.0, last + 1.0)
    before = ops.minimum(ops.floor(place), last)
    return before, place - before


def _blend(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    return start + share * (end - start)  # exact where both ends are equal, and where share is 0
