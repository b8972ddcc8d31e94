"""On ONNX Runtime: a model that `segconv export --format onnx` wrote, and the arithmetic on its logits in NumPy.

Neither TensorFlow nor Keras is imported.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from converter.errors import DataError, MachineError, UsageError
from converter.system.cpus import usable_cpus
from trainer.prediction.restoring import FULL, ClassMap, Taken, Wanted
from trainer.run.info import RunInfo, parse_run

SUFFIX = ".onnx"
FACTS_KEY = "segconv"  # of the metadata: the run's config.json
INPUT, LOGITS, CLASS_MAP = "image", "logits", "class_map"
_FIX = "Use a file that `segconv export --format onnx` wrote."


def open_session(path: Path) -> Any:
    """Returns the session of ONNX Runtime of a file, on the CPU.

    Raises:
      UsageError: ONNX Runtime is not installed, or there is no such file.
      DataError: the file is damaged, or not ONNX.
    """
    try:
        onnxruntime: Any = importlib.import_module("onnxruntime")
    except ImportError as error:
        fix = "Install it: pip install 'segconv[onnx]'"
        raise UsageError(path, f"needs ONNX Runtime, which is not installed ({error})", fix, "E_NO_ONNX") from None
    if not path.exists():
        raise UsageError(path, "does not exist", _FIX, "E_MODEL")
    if not path.is_file():
        raise DataError(path, "is not a regular file", _FIX, "E_MODEL")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised
    options.intra_op_num_threads = usable_cpus()  # not all of the machine's, of which a container may have a part
    # Idle threads would wait in a loop, while another thread decodes the next photographs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        what = f"is damaged, or not an ONNX model ({type(error).__name__})"
        raise DataError(path, what, _FIX, "E_MODEL") from error


def read_model(path: Path) -> RunInfo:
    """Returns what an ONNX file says of the run that it comes from.

    Raises:
      UsageError, DataError: as `open_session`; or segconv did not write it.
    """
    return _info_in(open_session(path), path)


def _info_in(session: Any, path: Path) -> RunInfo:
    text = session.get_modelmeta().custom_metadata_map.get(FACTS_KEY)
    names = {output.name for output in session.get_outputs()}
    inputs = [(given.name, given.type, len(given.shape)) for given in session.get_inputs()]
    if text is None or not {LOGITS, CLASS_MAP} <= names or inputs != [(INPUT, "tensor(uint8)", 4)]:
        raise DataError(path, "is not an ONNX file of segconv", _FIX, "E_MODEL")
    info = parse_run(text.encode("utf-8", "surrogateescape"), path)
    logits = next(output for output in session.get_outputs() if output.name == LOGITS)
    sides = session.get_inputs()[0].shape[1:3]
    fitting = all(isinstance(side, str) or side == n for side, n in zip(sides, info.size, strict=True))
    if not fitting or logits.shape[-1] != len(info.classes):
        raise DataError(path, "is not of the size or the classes that it says", _FIX, "E_MODEL")
    return info


class OnnxNet:
    """An exported model on ONNX Runtime."""

    def __init__(self, path: Path, tta: str) -> None:
        """Loads the model.

        Args:
          path: of the file.
          tta: one of TTA_NAMES.

        Raises:
          UsageError, DataError: as `read_model`; or an augmentation that needs Keras.
        """
        if tta == "scales":
            what = "is scales, which an ONNX file cannot do"
            raise UsageError("--tta", what, "Pass --tta flips, or the run folder instead of the file.")
        self._path = path
        self._has_flips = tta == "flips"
        self._session = open_session(path)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Returns the logits of windows, uint8 [B, h, w, 3]: float32 [B, h, w, num_classes].

        Raises:
          MachineError: there is too little memory.
          DataError: the model does not take such windows.
        """
        found = self._run(LOGITS, batch)
        if self._has_flips:
            found = (found + self._run(LOGITS, np.ascontiguousarray(batch[:, :, ::-1]))[:, :, ::-1]) / 2
        return found

    def class_maps(self, batch: np.ndarray) -> np.ndarray:
        """Returns the class indices of windows, uint8 [B, h, w, 3]: uint8 [B, h, w]. Errors as of `logits`."""
        if self._has_flips:
            return self.logits(batch).argmax(axis=-1).astype(np.uint8)
        return self._run(CLASS_MAP, batch)

    def _run(self, output: str, batch: np.ndarray) -> np.ndarray:
        try:
            (found,) = self._session.run([output], {INPUT: batch})
        except Exception as error:
            if "alloc" in str(error).lower():
                what = f"there is too little memory for batches of {len(batch)}"
                raise MachineError(self._path, what, "Pass a smaller --batch.", "E_MEMORY") from error
            what = f"cannot be run on windows of {batch.shape[1]}x{batch.shape[2]} ({type(error).__name__})"
            raise DataError(self._path, what, _FIX, "E_MODEL") from error
        array: np.ndarray = found
        return array

    def finish(self, logits: np.ndarray, rows: Taken, columns: Taken, wanted: Wanted) -> ClassMap:
        """Returns the class map of resampled logits, as a `Finish`."""
        x = _blended(_blended(logits, rows, axis=0), columns, axis=1)
        mask = x.argmax(axis=-1).astype(np.uint8)
        if not any(wanted):
            return ClassMap(mask)
        powers = np.exp(x - x.max(axis=-1, keepdims=True))
        total = powers.sum(axis=-1)
        confidence = np.rint(FULL / total).astype(np.uint16) if wanted.confidence else None
        probabilities = (powers / total[..., None]).astype(np.float16) if wanted.probabilities else None
        return ClassMap(mask, confidence, probabilities)


def _blended(x: np.ndarray, taken: Taken, axis: int) -> np.ndarray:
    """Returns an array with one axis resampled; as it is where nothing changes."""
    if len(taken.first) == x.shape[axis] and taken.is_identity:
        return x
    share = taken.share.reshape([-1 if number == axis else 1 for number in range(3)])
    first, blend = x.take(taken.first, axis=axis), x.take(taken.second, axis=axis)
    blend -= first
    blend *= share
    blend += first
    return blend
