"""A run whose model is small and real, its records, and what the tests of exports need of the packages around them."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import pytest
from trainer_fixtures import write_records

from trainer.config import TrainConfig

NEEDS_ONNXRUNTIME = pytest.mark.skipif(
    importlib.util.find_spec("onnxruntime") is None, reason="onnxruntime is not installed: pip install 'segconv[onnx]'"
)
NEEDS_TF2ONNX = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("tf2onnx", "onnxruntime")),
    reason="tf2onnx is not installed: pip install 'segconv[export]'",
)
NEEDS_LITERT = pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None,
    reason="ai-edge-litert is not installed: pip install 'segconv[litert]'",
)
FORMATS = [
    "keras",
    "savedmodel",
    pytest.param("onnx", marks=NEEDS_TF2ONNX),
    pytest.param("litert", marks=NEEDS_LITERT),
]


def small_net(size: tuple[int, int] | tuple[None, None], num_classes: int = 2, seed: int = 3):
    """Returns a model with convolutions at two scales, of random weights, the same each time."""
    from trainer.backend import keras

    keras.utils.set_random_seed(seed)
    image = keras.Input((*size, 3), name="image")
    fine = keras.layers.Conv2D(6, 3, padding="same", activation="relu")(keras.layers.Rescaling(1 / 64, -2)(image))
    coarse = keras.layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(fine)
    fine = keras.layers.Concatenate()([keras.layers.UpSampling2D(interpolation="bilinear")(coarse), fine])
    return keras.Model(image, keras.layers.Conv2D(num_classes, 3, padding="same", name="logits")(fine))


def small_run(root: Path, *sizes: tuple[int, int], has_records: bool = True, seed: int = 3, **choices: object) -> Path:
    """Writes records of two classes and a run on them with that model, and returns the run folder.

    Args:
      root: in which both are created.
      sizes: of the records, as in `write_records`.
      has_records: whether the records are there when it returns.
      seed: of the weights.
      choices: options of the training.
    """
    from trainer.run.runs import create_run

    manifest = write_records(root / "records", *sizes, records={"train": [4], "val": [2, 1]})
    config = TrainConfig(data=root / "records", runs=root / "runs", model="unet_small", batch=2)
    run = create_run(dataclasses.replace(config, **choices), manifest)
    window = dataclasses.replace(config, **choices).window
    small_net(window or manifest.size, seed=seed).save(run / "best.keras")
    if not has_records:
        (root / "records").rename(root / "moved")
    return run
