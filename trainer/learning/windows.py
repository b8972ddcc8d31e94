"""Windows: which part of a record a training step sees, where that is not all of it. On the device."""

from __future__ import annotations

from converter.schema import IGNORE_INDEX
from trainer.backend import INDEX_DTYPE, Tensor, gather, keras

VALUES = IGNORE_INDEX + 1  # that a pixel of a mask may have

# Matrices are rounded to multiples of 1/1024, and offsets to half of that, so that coordinates below 8192 pixels have
# no rounding error in float32. Otherwise XLA, which fuses a * b + c, would sometimes find a different nearest pixel.
MATRIX_STEPS = 1024
OFFSET_STEPS = 2 * MATRIX_STEPS  # a pixel may be half a pixel off the grid through the centre


def place_window(
    matrix: Tensor,
    mask: Tensor,
    size: Tensor,
    window: tuple[int, int],
    draws: dict[str, Tensor],
    *,
    class_share: float = 0.0,
) -> Tensor:
    """Returns how far the centre of each window is from the centre of its record, float32 [B, 2], in pixels.

    A window lies within its record wherever it fits in, at a random place; along an axis on which it does not fit, in
    the middle. One that is not scaled begins at a whole pixel, and needs no interpolation.

    Args:
      matrix: float32 [B, 2, 2]: from a step in the window to one in the record, as of `augment.affine`.
      mask: uint8 [B, H, W].
      size: (height, width) of each record, float32 [B, 2] or [1, 2]: the rest of its mask is padding.
      window: (height, width) of the windows, in pixels.
      draws: uniform in 0..1, float32 [B]: window_y, window_x, class_windows and class_pixel; classes, [B, VALUES].
      class_share: share of the windows that are centred on a pixel of a random class, or lie as near as they can.
    """
    ops = keras.ops
    steps = ops.convert_to_tensor([n - 1 for n in window], "float32")
    extent = ops.sum(ops.abs(matrix) * steps, axis=-1)  # of the smallest rectangle around it
    is_whole = ops.equal(ops.floor(extent), extent)
    room = size - 1 - extent  # negative where it does not fit in
    last = ops.maximum(room, 0.0)  # place at which it may begin
    drawn = ops.stack([draws["window_y"], draws["window_x"]], axis=-1)
    start = ops.where(is_whole, ops.minimum(ops.floor(drawn * (last + 1)), last), drawn * last)
    if class_share:
        pixel = random_pixel(mask, draws["classes"], draws["class_pixel"])
        chosen = ops.expand_dims(draws["class_windows"] < class_share, -1)
        start = ops.where(chosen, ops.clip(ops.floor(pixel - extent / 2), 0.0, last), start)
    start = ops.round(start * OFFSET_STEPS) / OFFSET_STEPS
    # Where height and width of a record differ by an odd number, the middle of its quarter turn is half a pixel off.
    middle = ops.where(is_whole, (room - 2 * ops.floor(room / 2)) / 2, 0.0)
    return ops.where(room > 0, start - room / 2, middle)


def pixels_of_a_class(mask: Tensor, classes: Tensor) -> Tensor:
    """Returns 1 for the pixels of a class of each mask and 0 for the others, float32 [B, H, W].

    All pixels of a mask without a class are 1.

    Args:
      mask: integers [B, H, W], with IGNORE_INDEX.
      classes: float32 [B, VALUES], above 0: the class with the largest number of those that occur is chosen.
    """
    ops = keras.ops
    first = ops.arange(ops.shape(mask)[0], dtype=INDEX_DTYPE) * VALUES
    rank = ops.concatenate([classes[:, :IGNORE_INDEX], ops.zeros_like(classes[:, IGNORE_INDEX:]) - 1], axis=1)
    ranks = gather(ops.reshape(rank, (-1,)), ops.cast(mask, INDEX_DTYPE) + first[:, None, None])
    return ops.cast(ranks >= ops.max(ranks, axis=(1, 2), keepdims=True), "float32")


def random_pixel(mask: Tensor, classes: Tensor, share: Tensor) -> Tensor:
    """Returns (row, column) of a random pixel of a random class of each mask, float32 [B, 2]; of any in one without.

    Args:
      mask: uint8 [B, H, W], with IGNORE_INDEX.
      classes: float32 [B, VALUES], as in `pixels_of_a_class`.
      share: float32 [B], 0..1: where among the pixels of that class, in the order of rows and columns.
    """
    ops = keras.ops
    batch, width = ops.shape(mask)[0], mask.shape[2]
    of_class = pixels_of_a_class(mask, classes)
    up_to_row = ops.cumsum(ops.sum(of_class, axis=2), axis=1)  # [B, H]
    number = ops.floor(share * up_to_row[:, -1])  # of the pixel, from 0
    above = ops.cast(up_to_row <= number[:, None], "float32")  # 1 for each row before its own
    row = ops.sum(above, axis=1)
    number = number - ops.max(above * up_to_row, axis=1)
    rows = ops.reshape(of_class, (-1, width))
    height = mask.shape[1]
    own = gather(rows, ops.cast(row, INDEX_DTYPE) + ops.arange(batch, dtype=INDEX_DTYPE) * height)
    column = ops.sum(ops.cast(ops.cumsum(own, axis=1) <= number[:, None], "float32"), axis=1)
    return ops.stack([row, column], axis=-1)
