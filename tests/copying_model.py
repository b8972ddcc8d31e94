"""A run whose model gives every pixel the class of its colour, and photographs of such colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from converter.dataset.manifest import ClassInfo, Manifest, SplitInfo
from trainer.config import TrainConfig

NAMES = ("black", "red", "green", "white")
# Logits are linear in the colour: of four colours in a square, blended by the distance, the nearest one wins.
COLORS = np.array([(0, 0, 0), (255, 0, 0), (0, 255, 0), (255, 255, 255)], np.uint8)


def copying_net(size: tuple[int, int] | tuple[None, None], num_classes: int = 4):
    """Returns the model: of a blend of the four colours, the logits are their shares."""
    from trainer.backend import keras

    image = keras.Input((*size, 3))
    head = keras.layers.Conv2D(num_classes, 1, name="copy")
    net = keras.Model(image, head(image))
    weights = np.array([[-1, 1, 0, 0], [-1, 0, 1, 0], [1, -1, -1, 1]]) / 25.5
    head.set_weights([weights.reshape(1, 1, 3, 4).astype(np.float32), np.array([10, 0, 0, 0], np.float32)])
    return net


def copying_run(
    root: Path,
    fit: str,
    records: tuple[int, int] | None,
    window: tuple[int, int] | None = None,
    options: dict[str, object] | None = None,
    **split: object,
) -> Path:
    """Writes a run folder with such a model.

    Args:
      root: in which it is created.
      fit: how its records were resized.
      records: (height, width) of the records; None where they keep their sizes.
      window: (height, width) of the windows that it was trained on; None for whole records.
      options: of the build, in the manifest.
      split: further fields of the training split in the manifest.
    """
    from trainer.run.runs import create_run

    classes = tuple(ClassInfo(n, NAMES[n], tuple(map(int, COLORS[n])), (str(n),)) for n in range(4))
    info = SplitInfo(shards=(), example_bytes=0, pixels=(1,) * 4, images=(1,) * 4, ignored_pixels=0, **split)
    manifest = Manifest("colours", records, fit, classes, {"train": info}, options or {})
    crop = "x".join(map(str, window)) if window else None
    run = create_run(TrainConfig(data=root / "records", runs=root / "runs", model="unet_small", crop=crop), manifest)
    copying_net(window or records).save(run / "best.keras")
    return run


def blocks(size: tuple[int, int]) -> np.ndarray:
    """Returns a mask of blocks, uint8 [H, W], in which the four around a corner are of four classes."""
    rows, columns = (np.searchsorted(np.array([0.13, 0.41, 0.77]) * n, np.arange(n)) % 2 for n in size)
    return (2 * rows[:, None] + columns[None]).astype(np.uint8)
