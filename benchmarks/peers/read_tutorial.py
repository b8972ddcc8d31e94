"""Reads the folder with a plain generator, as tutorials do: float32 images, and masks as one-hot float32.

The class of a pixel comes from a table; the variant "boolean" compares the whole mask with each colour instead. Nothing
is padded: image and mask are stretched to the size, the mask by nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from epochs import BATCH, Batch, read, read_reading, stack
from PIL import Image
from step import Classes, Pair, Size, read_classes, read_pairs


def one_hot(rgb: np.ndarray, classes: Classes, *, is_boolean: bool) -> np.ndarray:
    """Returns float32 [H * W, num_classes] of a mask in its colours, uint8 [H, W, 3]."""
    num_classes = len(classes.colors)
    if is_boolean:
        masks = [(rgb == color).all(axis=-1) for color in classes.colors]
        return np.stack(masks, -1).reshape(-1, num_classes).astype(np.float32)
    channels = rgb.astype(np.int32)
    indices = classes.table[channels[..., 0] | channels[..., 1] << 8 | channels[..., 2] << 16]
    return np.eye(num_classes, dtype=np.float32)[indices.ravel()]


def pair_of(pair: Pair, size: Size, classes: Classes, *, is_boolean: bool) -> Batch:
    """Returns (image float32 [H, W, 3] of 0..1, mask float32 [H * W, num_classes])."""
    wanted = (size[1], size[0])
    image = Image.open(pair.image).convert("RGB").resize(wanted, Image.Resampling.BILINEAR)
    rgb = Image.open(pair.mask).convert("RGB").resize(wanted, Image.Resampling.NEAREST)
    return np.asarray(image, np.float32) / 255, one_hot(np.asarray(rgb), classes, is_boolean=is_boolean)


def main() -> None:
    """Runs the job of the command line."""
    reading = read_reading()
    pairs, classes, is_boolean = read_pairs(reading.source), read_classes(reading.source), reading.variant == "boolean"

    def epoch(number: int) -> Iterable[Batch]:
        order = [pairs[place] for place in np.random.default_rng(number).permutation(len(pairs))]
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            yield stack([pair_of(pair, reading.size, classes, is_boolean=is_boolean) for pair in chosen])

    def check(images: np.ndarray, masks: np.ndarray, size: Size) -> None:
        shapes, wanted = (images.shape[1:], masks.shape[1:]), ((*size, 3), (size[0] * size[1], len(classes.colors)))
        if shapes != wanted or {images.dtype, masks.dtype} != {np.dtype(np.float32)}:
            raise ValueError(f"a batch of {shapes}, {images.dtype} {masks.dtype}")

    read(epoch, reading, check)


if __name__ == "__main__":
    main()
