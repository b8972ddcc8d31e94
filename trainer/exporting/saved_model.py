"""SavedModel: the model as TensorFlow and TensorFlow Serving load it, with one signature, serving_default."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainer.backend import Tensor, tf
from trainer.exporting.facts import FACTS
from trainer.exporting.serving import Runtime, Served, require_tensorflow
from trainer.prediction.on_onnx import INPUT

SIGNATURE = "serving_default"
EXTRA = "assets.extra"  # TensorFlow's name for files that it does not load itself


def write_saved_model(served: Served, path: Path, batch: int | None = None) -> None:
    """Writes a folder.

    Args:
      served: the model.
      path: of the folder.
      batch: images at a time; None for any number.
    """
    require_tensorflow("savedmodel")

    @tf.function(input_signature=[served.signature(batch)])
    def serve(image: Tensor) -> dict[str, Tensor]:
        return served.outputs(image)

    module = tf.Module()
    module.variables_of_net = [variable.value for variable in served.net.variables]  # or they would not be saved
    module.serve = serve
    tf.saved_model.save(module, str(path), signatures={SIGNATURE: serve})
    (path / EXTRA).mkdir()
    (path / EXTRA / FACTS).write_bytes(served.facts)


def load_saved_model(path: Path) -> Runtime:
    """Returns the model as TensorFlow runs it."""
    model = tf.saved_model.load(str(path))
    serve = model.signatures[SIGNATURE]

    def run(images: np.ndarray, model: object = model) -> dict[str, np.ndarray]:  # which the signature does not hold
        return {name: found.numpy() for name, found in serve(**{INPUT: tf.constant(images)}).items()}

    return run
