"""Failures: the errors of a training step that a user can do something about, each in one line."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from converter.errors import MachineError, SegconvError
from trainer.backend import tf
from trainer.devices import is_out_of_memory, out_of_memory
from trainer.input.failures import input_errors
from trainer.models.custom import step_error
from trainer.setup import TrainingSetup


@contextlib.contextmanager
def step_errors(setup: TrainingSetup) -> Iterator[None]:
    """Raises what ended the steps in the block, or their input, as an error that says what to change.

    Raises:
      SegconvError: that of the input.
      MachineError: a device is out of memory (E_MEMORY), or another worker was lost (E_WORKER).
      UsageError: a custom model fails (E_MODEL).
    """
    config = setup.config
    try:
        with input_errors():
            yield
    except SegconvError:
        raise
    except Exception as error:
        if isinstance(error, tf.errors.UnavailableError) and setup.devices.num_workers > 1:
            fix = "Start all of them again with --resume."
            raise MachineError("TF_CONFIG", "another worker was lost", fix, "E_WORKER") from error
        if is_out_of_memory(error):
            raise out_of_memory("--batch", config.batch) from error
        if ":" in config.model:
            raise step_error(config.model, error) from error
        raise
