"""Keras file: the model in Keras' own format, which `keras.saving.load_model` reads where segconv is not installed."""

from __future__ import annotations

import functools
import zipfile
from pathlib import Path

import numpy as np

from converter.system.outputs import MARK
from trainer.backend import keras
from trainer.exporting.facts import FACTS
from trainer.exporting.serving import Runtime, Served
from trainer.prediction.on_onnx import INPUT


def write_keras(served: Served, path: Path) -> None:
    """Writes a `.keras` file; the description is one more file in the archive that it is."""
    image = keras.Input((*served.size, 3), dtype="uint8", name=INPUT)
    largest = functools.partial(keras.ops.argmax, axis=-1)
    keras.Model(image, served.outputs(image, largest), name="segconv").save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FACTS, served.facts)
        archive.comment = MARK.encode()


def load_keras(path: Path) -> Runtime:
    """Returns the model as Keras runs it; code embedded in the file is refused."""
    model = keras.saving.load_model(path, compile=False, safe_mode=True)

    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        found: dict[str, np.ndarray] = model.predict_on_batch(images)
        return found

    return run
