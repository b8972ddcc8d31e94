"""Lookup: from an import string, "package.module:name", to the object that it names."""

from __future__ import annotations

import importlib
from typing import Any


def lookup(spec: str) -> Any:
    """Returns what "package.module:name" names; the module is imported now.

    Raises:
      ImportError, AttributeError: there is no such module or name (a bug in a table, so no SegconvError).
    """
    module, _, name = spec.partition(":")
    return getattr(importlib.import_module(module), name)
