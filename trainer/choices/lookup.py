"""Lookup: from an import string, "package.module:name", to the object that it names."""

from __future__ import annotations

import importlib
from typing import Any


def lookup(spec: str) -> Any:
    """Returns the object that "package.module:name" names, and imports its module.

    Raises:
      ImportError, AttributeError: there is no such module or name (a bug in a table, so no SegconvError).
    """
    module, _, name = spec.partition(":")
    return getattr(importlib.import_module(module), name)
