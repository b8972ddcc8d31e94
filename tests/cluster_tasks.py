"""Tasks for engines whose workers import what they run by its name."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from converter.engines.events import Engine
from converter.engines.supervise import supervise
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


def check_blames_only_the_unit_that_kills(engine: Engine, how: str) -> None:
    """Runs three tasks, of which one kills its worker at its third unit."""
    dropped = []

    def note(task, unit, how):
        dropped.append((task, unit, how))
        return task[0] - 1, ()

    tasks = [(3, ()), (4, (2,)), (2, ())]
    assert supervise(engine, poisoned, tasks, 2, lambda done: None, note) == [3, 3, 2]
    assert dropped == [((4, (2,)), 2, how)]


def check_raises_what_a_task_raises(engine: Engine) -> None:
    """Runs a task that refuses its pair."""
    with pytest.raises(DataError) as caught:
        supervise(engine, refuse, ["pair 2"], 2, lambda done: None)
    assert (caught.value.where, caught.value.code) == ("pair 2", "E_TEST")
