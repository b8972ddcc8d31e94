"""Tasks for engines whose workers import what they run by its name."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from converter.errors import DataError

ROOT = str(Path(__file__).parent.parent)  # what PYTHONPATH of a worker must have


def count(task, tick):
    for _ in range(task):
        tick()
    return task


def poisoned(task, tick):
    """A task of (units, those that kill)."""
    units, fatal = task
    for unit in range(units):
        if unit in fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        tick()
    return units - len(fatal)


def refuse(task, tick):
    raise DataError(task, "is bad", "Fix it.", "E_TEST")
