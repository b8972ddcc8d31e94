"""Warp: an image and its mask, sampled at the positions that an affine map gives: bilinear and nearest, on the device.

Both are sampled at the same positions, and outside of the source the image is GREY and the mask IGNORE_INDEX: no new
class can appear. In keras.ops with static heights and widths, as `trainer.learning.augment`.
"""

from __future__ import annotations

import math

from converter.schema import IGNORE_INDEX
from trainer.backend import INDEX_DTYPE, Tensor, gather, keras
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
    rows, columns = (_from_center(n) for n in window)
    places = []
    for coordinate in (0, 1):
        # Not matrix[:, 0, 0, None]: TensorFlow 2.21 loses the new axis when it optimises away a slice of a stack.
        per_row, per_column = (ops.expand_dims(matrix[:, coordinate, number], -1) for number in (0, 1))
        along = per_column * columns + _center(offset, size, coordinate)
        places.append((per_row * rows)[:, :, None] + along[:, None, :])
    row, down = _split(places[0], ops.reshape(size[:, 0], (-1, 1, 1)))
    column, right = _split(places[1], ops.reshape(size[:, 1], (-1, 1, 1)))

    pixels, indices = _add_border(image, mask)
    height, stride = pixels.shape[ROWS : COLUMNS + 1]
    first = ops.arange(ops.shape(image)[0], dtype=INDEX_DTYPE) * (height * stride)
    place = row * stride + column + first[:, None, None]
    nearest = place + _step_to_nearest(down) * stride + _step_to_nearest(right)

    pixels, indices = ops.reshape(pixels, (-1, 3)), ops.reshape(indices, (-1,))
    down, right = down[..., None], right[..., None]
    before, after = (
        _blend(gather(pixels, place + step), gather(pixels, place + step + stride), down) for step in (0, 1)
    )
    return _blend(before, after, right), ops.cast(gather(indices, nearest), "uint8")


def warp_separable(
    image: Tensor, mask: Tensor, matrix: Tensor, offset: Tensor, *, window: tuple[int, int], size: Tensor
) -> tuple[Tensor, Tensor]:
    """Returns what `warp` does where every matrix is diagonal: without XLA bit for bit, and at half the cost.

    Rows are sampled first, and columns of the result. Of a source that is six times as wide as the window it is no
    cheaper. Arguments are those of `warp`.
    """
    ops = keras.ops
    pixels, indices = _add_border(image, mask)
    for coordinate, axis in enumerate((ROWS, COLUMNS)):
        scale = ops.expand_dims(matrix[:, coordinate, coordinate], -1)
        place = scale * _from_center(window[coordinate]) + _center(offset, size, coordinate)
        before, share = _split(place, ops.expand_dims(size[:, coordinate], -1))
        pixel_share = ops.expand_dims(share, [n for n in range(1, pixels.ndim) if n != axis])
        pixels = _blend(_take(pixels, before, axis), _take(pixels, before + 1, axis), pixel_share)
        indices = _take(indices, before + _step_to_nearest(share), axis)
    return pixels, ops.cast(indices, "uint8")


def _add_border(image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Returns both as float32, with a border of one fill pixel, so that every sampled position is valid."""
    border = [[0, 0], [1, 1], [1, 1]]
    pixels = keras.ops.pad(keras.ops.cast(image, "float32"), [*border, [0, 0]], constant_values=float(GREY))
    return pixels, keras.ops.pad(keras.ops.cast(mask, "float32"), border, constant_values=float(IGNORE_INDEX))


def _from_center(count: int) -> Tensor:
    return keras.ops.arange(count, dtype="float32") - (count - 1) / 2


def _center(offset: Tensor, size: Tensor, coordinate: int) -> Tensor:
    """Returns a coordinate of the window's centre in the source with its border, float32 [B, 1]."""
    return keras.ops.expand_dims(offset[:, coordinate] + (size[:, coordinate] + 1) / 2, -1)


def _split(place: Tensor, length: Tensor) -> tuple[Tensor, Tensor]:
    """Returns (number of the pixel at or before, fraction of the way to the next) of positions along an axis.

    Numbers count from the border: 0 is outside, 1 the first pixel of the source, which has `length`.
    """
    place = keras.ops.clip(place, 0.0, length + 1.0)
    before = keras.ops.minimum(keras.ops.floor(place), length)
    return keras.ops.cast(before, INDEX_DTYPE), place - before


def _step_to_nearest(share: Tensor) -> Tensor:
    """Returns 1 where the later of two pixels is the nearest, or as near as the other, else 0."""
    return keras.ops.cast(share >= 0.5, INDEX_DTYPE)


def _take(x: Tensor, places: Tensor, axis: int) -> Tensor:
    """Returns each sample of x, [B, ...], at places of its own along an axis, [B, n]."""
    ops = keras.ops
    lines = x.shape[1:axis]
    first = ops.arange(ops.shape(x)[0] * math.prod(lines), dtype=INDEX_DTYPE) * x.shape[axis]
    places = ops.expand_dims(places, list(range(1, axis))) + ops.reshape(first, (-1, *lines, 1))
    return gather(ops.reshape(x, (-1, *x.shape[axis + 1 :])), places)


def _blend(start: Tensor, end: Tensor, share: Tensor) -> Tensor:
    return start + share * (end - start)  # exact where both ends are equal, and where share is 0
