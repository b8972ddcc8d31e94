"""Augment: chance changes of an image that keep its mask true, on the device.

Whatever moves a pixel of the image moves the same pixel of the mask; each sample of a batch has its own draw.
Written in keras.ops with static shapes only, so that the whole step can be compiled by XLA: Keras' own layers for
geometry have no XLA kernel, and several of them blend class indices.
"""

from __future__ import annotations

from trainer.backend import Tensor, keras
from trainer.config import AUGMENT_NAMES

ROWS, COLUMNS = 1, 2  # axes of [B, H, W, ...]

# A street has its sky above, so "light" mirrors left and right only; seen from straight above, no side is up.
FLIP_AXES: dict[str, tuple[int, ...]] = dict(zip(AUGMENT_NAMES, ((), (COLUMNS,), (COLUMNS, ROWS)), strict=True))


class RandomFlips(keras.layers.Layer):
    """Mirrors every sample along each of the given axes with probability 1/2.

    Input shape: image [B, H, W, 3] and mask [B, H, W], of any dtype.
    Output shape: the same, with the same dtypes; no value is changed, only moved.

    Attributes:
      axes: ROWS for up and down, COLUMNS for left and right.
    """

    def __init__(self, axes: tuple[int, ...], seed: int) -> None:
        super().__init__(name="random_flips", autocast=False)
        self.axes = axes
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the image and the mask, mirrored alike."""
        batch = keras.ops.shape(image)[0]
        for axis in self.axes:
            flip = keras.random.uniform((batch, 1, 1), seed=self.seed_generator) < 0.5
            image = keras.ops.where(flip[..., None], keras.ops.flip(image, axis), image)
            mask = keras.ops.where(flip, keras.ops.flip(mask, axis), mask)
        return image, mask


def build_augment(name: str, seed: int) -> RandomFlips | None:
    """Returns the augmentation of that name, one of AUGMENT_NAMES, or None for "none"."""
    axes = FLIP_AXES[name]
    return RandomFlips(axes, seed) if axes else None
