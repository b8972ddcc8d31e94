"""LiteRT: the model for phones and small boards, formerly TensorFlow Lite. One image at a time, of one size."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from converter.errors import UsageError
from converter.system.cpus import usable_cpus
from converter.system.outputs import MARK
from trainer.backend import tf
from trainer.exporting.facts import FACTS
from trainer.exporting.saved_model import SIGNATURE, write_saved_model
from trainer.exporting.serving import Runtime, Served, require_tensorflow
from trainer.prediction.on_onnx import INPUT


def write_litert(served: Served, path: Path) -> None:
    """Writes a `.tflite` file, with the description in an archive at its end.

    With `quantize` "int8", the ranges of the activations are those that occur in `images`.
    """
    require_tensorflow("litert")
    with tempfile.TemporaryDirectory(prefix=".segconv-", dir=path.parent) as folder:
        write_saved_model(served, Path(folder) / "model", batch=1)
        converter = tf.lite.TFLiteConverter.from_saved_model(f"{folder}/model", signature_keys=[SIGNATURE])
        if served.quantize != "none":
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
        if served.quantize == "float16":
            converter.target_spec.supported_types = [tf.float16]
        elif served.quantize == "int8":
            converter.representative_dataset = lambda: _batches(served)
        with _silenced():
            path.write_bytes(converter.convert())
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(FACTS, served.facts)
        archive.comment = MARK.encode()


def _batches(served: Served) -> Iterator[dict[str, np.ndarray]]:
    for image in served.images():
        yield {INPUT: image[None]}


def load_litert(path: Path) -> Runtime:
    """Returns the model as the interpreter of LiteRT runs it.

    Raises:
      UsageError: it is not installed.
    """
    try:
        interpreters: Any = importlib.import_module("ai_edge_litert.interpreter")
    except ImportError as error:
        fix = "Install it: pip install 'segconv[litert]'"
        what = f"is litert, which needs its interpreter to try the file ({error})"
        raise UsageError("--format", what, fix, "E_NO_LITERT") from None
    with _silenced():
        interpreter = interpreters.Interpreter(model_path=str(path), num_threads=usable_cpus())
        interpreter.allocate_tensors()  # where the message of its delegate comes
        serve = interpreter.get_signature_runner(SIGNATURE)

    def run(images: np.ndarray) -> dict[str, np.ndarray]:
        each = [serve(**{INPUT: image[None]}) for image in images]
        return {name: np.concatenate([found[name] for found in each]) for name in each[0]}

    return run


@contextlib.contextmanager
def _silenced() -> Iterator[None]:
    """Hides what native code writes to stderr, and the warning of an interpreter that the converter itself uses."""
    stderr, silence = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(silence)
