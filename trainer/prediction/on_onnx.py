"""On ONNX Runtime: a model that `segconv export --format onnx` wrote, and the arithmetic on its logits in NumPy.

Neither TensorFlow nor Keras is imported.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from converter.errors import DataError, UsageError

SUFFIX = ".onnx"
FACTS_KEY = "segconv"  # of the metadata: the run's config.json
INPUT, LOGITS = "image", "logits"
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
    options.log_severity_level = 3  # errors, which are raised as well
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        what = f"cannot be loaded as an ONNX model ({type(error).__name__})"
        raise DataError(path, what, _FIX, "E_MODEL") from error
