"""Dry run: one step of training and validation, and the memory that a run would need. Writes nothing."""

from __future__ import annotations

import math

from converter.system.console import log
from trainer.config import TrainConfig
from trainer.devices import is_out_of_memory, out_of_memory
from trainer.input.failures import input_errors
from trainer.learning.footprint import memory_parts
from trainer.run.pace import whole_run
from trainer.setup import prepare
from trainer.timing import seconds_per_step


@input_errors()
def dry_run(config: TrainConfig) -> str:
    """Trains and validates one step, and returns the result as text.

    Raises:
      UsageError, DataError, MachineError: as `setup.prepare`; also MachineError where one step needs too much memory.
    """
    setup = prepare(config)
    config, devices, trainer = setup.config, setup.devices, setup.trainer
    try:
        logs = trainer.fit(
            devices.distribute(setup.train_batches(0).dataset),
            validation_data=devices.distribute(setup.val_batches().dataset),
            steps_per_epoch=1,
            validation_steps=1,
            verbose=0,
            shuffle=False,
        ).history
        per_step = seconds_per_step(setup)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise out_of_memory("--batch", config.batch) from error
    if not math.isfinite(logs["loss"][0] + logs["val_loss"][0]):
        log.warning("The loss is not finite after one step. Pass a smaller --learning-rate.")
    parts = memory_parts(trainer, setup.size, config.batch // devices.num_replicas, config.loss)
    if not parts["activations"]:
        del parts["activations"]
        log.warning("The model is subclassed, so its activations are not in the estimate of the memory.")
    parts["total"] = sum(parts.values())
    size = "x".join(map(str, setup.size))
    lines = [
        f"{config.model}, {config.batch} records of {size} per step, {devices.describe()}",
        f"one step succeeded: loss {logs['loss'][0]:.4f}, val loss {logs['val_loss'][0]:.4f}",
        "estimated memory per device:",
        *(f"  {name:<12}{num_bytes / 1e6:10,.1f} MB" for name, num_bytes in parts.items()),
        "without validation, " + whole_run(per_step * setup.steps_per_epoch, config.epochs),
        f"an epoch has {setup.steps_per_epoch} steps; nothing was written",
    ]
    return "\n".join(lines)
