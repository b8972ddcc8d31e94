"""ONNX file: the model for ONNX Runtime, and for `segconv predict` without TensorFlow.

The converter is tf2onnx, which Keras uses, too; it is called directly, since Keras 3.15 would replace parts of it for
the sake of versions before 1.17. What it writes is not trusted: the caller runs the file and compares.
"""

from __future__ import annotations

import dataclasses
import importlib
import logging
from pathlib import Path
from typing import Any

import numpy as np

from converter.errors import UsageError
from converter.system.outputs import MARK
from converter.version import __version__
from trainer.backend import Tensor, tf
from trainer.exporting.enlarging import with_enlarge
from trainer.exporting.serving import Runtime, Served, require_tensorflow
from trainer.prediction.on_onnx import FACTS_KEY, INPUT, LOGITS, open_session
from trainer.run.info import parse_run

OPSET = 18  # of the operators: ONNX Runtime 1.14 of 2023 knows it, and so does all that is newer
INSTALL = "Install them: pip install 'segconv[export]'"


def write_onnx(served: Served, path: Path) -> None:
    """Writes an ONNX file with the outputs of the model, its logits among them.

    Raises:
      UsageError: the converter is not installed.
    """
    require_tensorflow("onnx")
    try:
        tf2onnx: Any = importlib.import_module("tf2onnx")
    except ImportError as error:
        raise UsageError("--format", f"is onnx, which needs tf2onnx ({error})", INSTALL, "E_NO_ONNX") from None
    signature = [served.signature()]
    served = dataclasses.replace(served, net=with_enlarge(served.net))

    @tf.function(input_signature=signature)
    def serve(image: Tensor) -> dict[str, Tensor]:
        logits = served.logits(image)
        return {**served.named(logits), LOGITS: logits}

    logging.getLogger("tf2onnx").setLevel(logging.ERROR)  # it repeats what it optimizes
    model, _ = tf2onnx.convert.from_function(serve, input_signature=signature, opset=OPSET)
    model.producer_name, model.producer_version = "segconv", __version__
    for place in (*model.graph.input, *model.graph.output):
        for side, length in zip(place.type.tensor_type.shape.dim, ("N", "height", "width"), strict=False):
            if side.WhichOneof("value") != "dim_value":
                side.dim_param = length
    info = parse_run(served.facts, path)
    texts = {FACTS_KEY: served.facts.decode(), "classes": ",".join(info.classes), "origin": MARK}  # the mark last
    for key, text in texts.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, text
    path.write_bytes(model.SerializeToString())


def load_onnx(path: Path) -> Runtime:
    """Returns the model as ONNX Runtime runs it on the CPU."""
    session = open_session(path)
    names = [output.name for output in session.get_outputs()]

    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, {INPUT: images}), strict=True))

    return run
