"""Backend: the one door through which the trainer comes to TensorFlow and Keras.

They are imported here and nowhere else, so that stderr stays ours, and so that a missing installation is one clear
line. `tf` is for data.py and train.py alone: all that runs on the device is written in keras.ops.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, TypeAlias

from converter.errors import UsageError


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Keeps what native code writes to stderr from the terminal, unless the user set TF_CPP_MIN_LOG_LEVEL.

    TensorFlow greets with its CPU features and CUDA plans before its own log level takes effect, so that only the
    file descriptor is left to turn off.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # from here on what ends the process; its errors come as exceptions
    stderr = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(silence)


try:
    with _quiet_stderr():
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for a GPU now, and so complains of a missing one now
except ImportError as error:
    missing = "TensorFlow" if (error.name or "").startswith("tensorflow") else "Keras"
    what = f"{missing} is not installed ({error})"
    raise UsageError("segconv", what, "Install it: pip install 'segconv[train]'", "E_NO_TENSORFLOW") from None

keras.config.disable_interactive_logging()  # or Keras would show its downloads on stdout, which is for results

Tensor: TypeAlias = Any  # a tensor of Keras' backend, or a symbolic one; Keras gives them no common type


def num_replicas() -> int:
    """Returns how many devices share the batch of the step that is being run."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync) if _is_distributed() else 1


def sum_over_replicas(x: Tensor) -> Tensor:
    """Returns the sum of a float tensor over all devices that share the batch; x itself where there is one.

    A mean over valid pixels needs their number in the whole batch: the mean of every device's own mean is another
    number wherever one device has more ignored pixels than the other. Gradients flow through it.
    """
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, x) if _is_distributed() else x


class ReplicaSeeds(keras.random.SeedGenerator):
    """A SeedGenerator whose draws differ from device to device.

    Keras' own gives every device the same draws, so that record i of each would be augmented alike.
    """

    def next(self, ordered: bool = True) -> Tensor:
        """Returns the next seed, [2], another one on each device."""
        seed = super().next(ordered)
        if not _is_distributed():
            return seed
        replica = keras.ops.cast(tf.distribute.get_replica_context().replica_id_in_sync_group, seed.dtype)
        return seed + keras.ops.stack([replica * REPLICA_STRIDE, keras.ops.zeros_like(replica)])


REPLICA_STRIDE = 7919  # any prime: the first word of a seed counts nothing else


def _is_distributed() -> bool:
    """Whether a TensorFlow strategy has taken several devices, and this code runs on one of them."""
    return (
        keras.backend.backend() == "tensorflow"
        and bool(tf.distribute.in_replica_context())
        and tf.distribute.get_strategy().num_replicas_in_sync > 1
    )


__all__ = ["ReplicaSeeds", "Tensor", "keras", "num_replicas", "sum_over_replicas", "tf"]
