"""Upsampling: bilinear enlargement by a whole factor, one axis after the other, where XLA compiles the step.

XLA lowers TensorFlow's bilinear resize to a gather of nine times its output in float32. Along one axis it is a weighted
sum of an array and its shifted self, which XLA fuses. Without XLA TensorFlow's own kernel is the faster one, and the
models keep Keras' layer, so that their files load in plain Keras.
"""

from __future__ import annotations

import contextlib

from trainer.backend import Tensor, keras, replaced_call

_BY_KERAS = keras.layers.UpSampling2D.call


def enlarged(x: Tensor, factors: tuple[int, int]) -> Tensor:
    """Returns images at `factors` times their height and width, bilinear, with the centres of pixels at halves.

    Output pixel f*i + k lies at i + d in the input, d = (k + 1/2) / f - 1/2; beyond the edge the last pixel repeats.

    Args:
      x: float [B, H, W, C].
      factors: of height and width.
    """
    for axis, factor in zip((1, 2), factors, strict=True):
        x = _along(x, axis, factor)
    return x


def _along(x: Tensor, axis: int, factor: int) -> Tensor:
    """Returns an array with one axis enlarged."""
    if factor == 1:
        return x
    height = keras.ops.shape(x)[axis]
    first, last = [slice(None)] * 4, [slice(None)] * 4
    first[axis], last[axis] = slice(0, 1), slice(height - 1, height)
    but_last, but_first = [slice(None)] * 4, [slice(None)] * 4
    but_last[axis], but_first[axis] = slice(0, height - 1), slice(1, height)
    before = keras.ops.concatenate([x[tuple(first)], x[tuple(but_last)]], axis)
    after = keras.ops.concatenate([x[tuple(but_first)], x[tuple(last)]], axis)
    phases = []
    for number in range(factor):
        shift = (number + 0.5) / factor - 0.5
        other = before if shift < 0 else after
        phases.append(x * (1 - abs(shift)) + other * abs(shift))
    shape = list(keras.ops.shape(x))
    shape[axis] = height * factor
    return keras.ops.reshape(keras.ops.stack(phases, axis + 1), shape)


def upsampled_by_axis(is_compiled: bool) -> contextlib.AbstractContextManager[None]:
    """Has every bilinear UpSampling2D layer that is traced in the block enlarge one axis after the other.

    Args:
      is_compiled: whether XLA compiles what is traced; if not, nothing changes.
    """

    def by_axis(self: keras.layers.UpSampling2D, inputs: Tensor) -> Tensor:
        if self.interpolation != "bilinear" or self.data_format != "channels_last":
            return _BY_KERAS(self, inputs)
        return enlarged(inputs, self.size)

    return replaced_call(keras.layers.UpSampling2D, by_axis) if is_compiled else contextlib.nullcontext()
