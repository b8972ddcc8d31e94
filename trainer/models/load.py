"""Load: from a `.keras` file to the model in it, uncompiled, without running code embedded in it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from pkgutil import resolve_name

from converter.errors import DataError, UsageError
from trainer.backend import keras
from trainer.models import MODELS
from trainer.models.custom import import_function


def load_model(path: Path, name: str | None = None) -> keras.Model:
    """Returns the model in a `.keras` file, uncompiled.

    A model is a program: the file is loaded with safe_mode=True, which refuses code embedded in it.

    Args:
      path: the file.
      name: name of the model in the run's config: the module of its own layers is imported first. None where it is
        not known.

    Raises:
      UsageError: the file is missing or of another format (old formats may run embedded code), or what `name` stands
        for cannot be imported.
      DataError: the file is damaged, or its model must not be loaded.
    """
    if path.suffix != ".keras":
        raise UsageError(path, "is not a .keras file", "Pass the best.keras of a run.", "E_MODEL")
    if not path.is_file():
        raise UsageError(path, "does not exist", "Pass the best.keras of a run; train one: segconv train", "E_MODEL")
    _import_layers(name)
    if not zipfile.is_zipfile(path):
        raise DataError(path, "is truncated, or not a model", "Use a best.keras that `segconv train` wrote.", "E_MODEL")
    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, zipfile.BadZipFile) as error:
        reason = str(error).strip().partition("\n")[0][:120]
        what = f"cannot be loaded as a model ({type(error).__name__}: {reason})"
        raise DataError(path, what, "Use a best.keras that `segconv train` wrote.", "E_MODEL") from error


def _import_layers(name: str | None) -> None:
    """Registers with Keras the layers that a saved model may hold: all of ours, and those of this model's package.

    Raises:
      UsageError: they cannot be imported.
    """
    if name in MODELS:
        requires = MODELS[name].requires
        if requires is not None:
            resolve_name(requires)()
    elif name is not None and ":" in name:
        import_function(name)
    for row in MODELS.values():
        resolve_name(row.builder)
