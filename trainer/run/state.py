"""State: everything that an interrupted run needs to resume with the same weights, bit for bit.

One file, state.npz, replaced after each epoch: every variable of the model and of its optimizer, the state of all
random generators, and the state of the callbacks. The order of the records is not stored: it follows from seed and
epoch alone.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from converter.errors import DataError, UsageError
from converter.system.files import NotRegularError, open_regular, whole_file
from trainer.backend import keras
from trainer.run.runs import STATE

FACTS = "facts"
UNREADABLE = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile)
AGAIN = "Start a new run: segconv train --config {}"


def save_state(run: Path, trainer: keras.Model, facts: Mapping[str, Any]) -> None:
    """Writes state.npz into the run folder.

    Args:
      run: the run folder.
      trainer: compiled, with its optimizer built.
      facts: everything that is not a variable; must be valid JSON.

    Raises:
      MachineError: the file cannot be written.
    """
    write_state(run, state_arrays(trainer, facts))


def state_arrays(trainer: keras.Model, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns copies of all that state.npz holds, by name; arguments as in `save_state`."""
    variables = enumerate(_variables(trainer))
    arrays: dict[str, Any] = {f"v{i}": np.array(keras.ops.convert_to_numpy(variable)) for i, variable in variables}
    arrays[FACTS] = np.array(json.dumps(dict(facts)))
    return arrays


def write_state(run: Path, arrays: Mapping[str, Any]) -> None:
    """Writes what `state_arrays` returned as state.npz of the run folder.

    Raises:
      MachineError: the file cannot be written.
    """
    with whole_file(run / STATE) as path, path.open("wb") as file:
        np.savez(file, **arrays)


def read_facts(run: Path) -> dict[str, Any]:
    """Returns the facts of the last finished epoch, or an empty dict where no epoch was finished.

    Raises:
      DataError: state.npz is damaged.
    """
    path = run / STATE
    if not os.path.lexists(path):
        return {}
    try:
        with open_regular(path) as file, np.load(file, allow_pickle=False) as state:
            facts: dict[str, Any] = json.loads(str(state[FACTS]))
            return facts
    except UNREADABLE as error:
        raise _damaged(path, error) from error


def load_state(run: Path, trainer: keras.Model) -> None:
    """Sets every variable of the model and of its optimizer to what state.npz holds.

    Raises:
      DataError: state.npz is damaged.
      UsageError: it is of another model.
    """
    path = run / STATE
    variables = _variables(trainer)
    try:
        with open_regular(path) as file, np.load(file, allow_pickle=False) as state:
            arrays = [state[f"v{i}"] for i in range(len(state.files) - 1)]
    except UNREADABLE as error:
        raise _damaged(path, error) from error
    if [array.shape for array in arrays] != [tuple(variable.shape) for variable in variables]:
        what = f"holds {len(arrays)} variables, but they are not those of this model and optimizer"
        raise UsageError(path, what, AGAIN.format(run), "E_STATE")
    for variable, array in zip(variables, arrays, strict=True):
        variable.assign(array)


def _variables(trainer: keras.Model) -> list[Any]:
    """Returns the variables of the model, including seeds, then those of the optimizer; metrics are reset anyway."""
    return [*trainer.variables, *trainer.optimizer.variables]


def _damaged(path: Path, error: Exception) -> DataError:
    reason = error.strerror if isinstance(error, NotRegularError) else type(error).__name__
    what = f"cannot be read ({reason}), so the run cannot be resumed"
    return DataError(path, what, AGAIN.format(path.parent), "E_STATE")
