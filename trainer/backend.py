"""Backend: the only module of the trainer that imports TensorFlow and Keras.

They are imported here and nowhere else, to keep their messages off stderr and to report a missing installation in one
clear line. `tf` is for reading and distribution, in `trainer.input`, devices.py and training.py; everything that runs
on the device is written in keras.ops, but for what is here.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from converter.errors import UsageError


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hides what native code writes to stderr, unless the user set TF_CPP_MIN_LOG_LEVEL.

    TensorFlow logs its CPU features and CUDA setup before its own log level takes effect, so the file descriptor itself
    has to be redirected.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:
        yield
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # fatal messages only; errors are raised as exceptions
    stderr = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(silence)


class _NoTensorFlow:
    """Replaces `tf` where Keras uses another backend and TensorFlow is missing: its first use raises UsageError."""

    def __init__(self, error: ImportError) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise _not_installed("TensorFlow, which reads the records,", self._error)


def _not_installed(what: str, error: ImportError) -> UsageError:
    fix = "Install it: pip install 'segconv[train]'"
    return UsageError("segconv", f"{what} is not installed ({error})", fix, "E_NO_TENSORFLOW")


with _quiet_stderr():
    try:
        import keras

        keras.config.set_image_data_format("channels_last")  # whatever the user's keras.json says
        keras.config.set_floatx("float32")
    except ValueError as error:
        what = f"is not a backend of Keras ({error})"
        raise UsageError("KERAS_BACKEND", what, "Unset it, or set it to tensorflow, jax or torch.") from None
    except ImportError as error:
        package = (error.name or "").partition(".")[0]
        missing = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}.get(package, "Keras")
        raise _not_installed(missing, error) from None
    try:
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for a GPU now, while its warnings are hidden
        if keras.config.backend() != "tensorflow":
            tf.config.set_visible_devices([], "GPU")  # otherwise it reserves all memory of a GPU that it never uses
    except ImportError as error:
        tf = _NoTensorFlow(error)

keras.config.disable_interactive_logging()  # otherwise Keras prints download progress on stdout, which is for results

# Without XLA, TensorFlow computes int32 on the host, even next to a GPU, and gathers no uint8 there. JAX has no int64.
INDEX_DTYPE = "int64" if keras.config.backend() == "tensorflow" else "int32"

Tensor: TypeAlias = Any  # a tensor of Keras' backend, or a symbolic one; Keras has no common type for them


def untuned(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the same dataset, whose parallelism TensorFlow does not change while it is read.

    The thread that changes it sleeps for up to a minute, and TensorFlow 2.21 often fails to wake it when an iterator is
    destroyed: the end of a run, or Ctrl-C, would have to wait for it.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def num_replicas() -> int:
    """Returns how many devices share the batch of the current step.

    It is 1 on JAX, where the step is one program over the whole batch.
    """
    context = _replica_context()
    return 1 if context is None else int(context.num_replicas_in_sync)


def sum_over_replicas(x: Tensor) -> Tensor:
    """Returns the sum of a float tensor over all devices that share the batch; x itself where there is one.

    A mean over valid pixels needs their number in the whole batch: the mean of the devices' means is wrong where one
    device has more ignored pixels than another. Gradients flow through it.
    """
    context = _replica_context()
    return x if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, x)


def argmax(x: Tensor) -> Tensor:
    """Returns the index of the largest value along the last axis, the first where several are equal: integers.

    Without XLA, TensorFlow computes int32 on the host, even next to a GPU: Keras' own has int32 results, and converts
    the whole of x to look at its signs.
    """
    if keras.config.backend() == "tensorflow":
        return tf.argmax(x, axis=-1)  # int64
    return keras.ops.argmax(x, axis=-1)


def gather(x: Tensor, indices: Tensor) -> Tensor:
    """Returns the rows of x, along its first axis, at these indices, integers of any shape and at least 0.

    With TensorFlow, Keras' own looks for negative indices, in three passes over all of them.
    """
    if keras.config.backend() == "tensorflow":
        return tf.gather(x, indices)
    return keras.ops.take(x, indices, axis=0)


def map_in_turn(function: Callable[[Tensor], Tensor], x: Tensor, shape: tuple[int | None, ...]) -> Tensor:
    """Returns the results of a function of each x[i], stacked, float32; one is computed after the other.

    With Keras' own, TensorFlow computes ten at a time: the memory is that of ten.

    Args:
      function: of a tensor to another.
      x: of any shape [N, ...].
      shape: of one result.
    """
    if keras.config.backend() == "tensorflow":
        result = tf.TensorSpec(shape, tf.float32)
        return tf.map_fn(function, x, fn_output_signature=result, parallel_iterations=1)
    return keras.ops.map(function, x)


def batch_norm(
    x: Tensor, scale: Tensor, offset: Tensor, epsilon: float, statistics: tuple[Tensor, Tensor] | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Returns normalized images, and the mean and variance by which they were normalized; TensorFlow only.

    Args:
      x: float [B, H, W, C], of any precision.
      scale: what normalized values are multiplied by, float32 [C].
      offset: what is added to them, float32 [C].
      epsilon: what is added to the variance.
      statistics: mean and variance, float32 [C]; None takes those of x.

    Source: Ioffe and Szegedy, Batch Normalization, ICML 2015, algorithms 1 and 2.
    """
    mean, variance = statistics or (None, None)
    normalized, mean, variance = tf.compat.v1.nn.fused_batch_norm(
        x, scale, offset, mean, variance, epsilon, is_training=statistics is None
    )
    if statistics is None:  # the kernel normalizes by the biased variance, and returns the other
        count = tf.cast(tf.reduce_prod(tf.shape(x, tf.int64)[:-1]), variance.dtype)
        variance *= (count - 1) / count
    return normalized, mean, variance


def adam_step(
    optimizer: keras.optimizers.Adam, variable: Any, averages: tuple[Any, Any], gradient: Tensor, rate: Tensor
) -> None:
    """Updates one weight and its averages as Keras' Adam does, by TensorFlow's one kernel; TensorFlow only.

    Args:
      optimizer: has the number of the step and the constants.
      variable: the weight.
      averages: of its gradient and of the square of it.
      gradient: of the weight's shape.
      rate: the learning rate, a scalar.

    Source: Kingma and Ba, Adam, ICLR 2015, the form before section 2.1, with its epsilon.
    """
    weight, mean, square = (each.value if isinstance(each, keras.Variable) else each for each in (variable, *averages))
    step = tf.cast(optimizer.iterations + 1, weight.dtype)
    tf.raw_ops.ResourceApplyAdam(
        var=weight.handle,
        m=mean.handle,
        v=square.handle,
        beta1_power=tf.pow(tf.cast(optimizer.beta_1, weight.dtype), step),
        beta2_power=tf.pow(tf.cast(optimizer.beta_2, weight.dtype), step),
        lr=tf.cast(rate, weight.dtype),
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        epsilon=optimizer.epsilon,
        grad=tf.cast(tf.convert_to_tensor(gradient), weight.dtype),
    )


@contextlib.contextmanager
def replaced_call(layer: type[keras.layers.Layer], call: Callable[..., Tensor]) -> Iterator[None]:
    """Has every layer of a class that is traced in the block computed by another function, which takes the layer, too.

    Where several devices share the batch nothing is replaced: TensorFlow traces their steps in threads that take turns
    within the block.

    Args:
      layer: the class.
      call: what replaces its method `call`.
    """
    if num_replicas() > 1:
        yield
        return
    with _REPLACING:  # of two threads that replace in turn, the last would restore what the other had put there
        original = layer.call
        layer.call = call
        try:
            yield
        finally:
            layer.call = original


_REPLACING = threading.RLock()


class ReplicaSeeds(keras.random.SeedGenerator):
    """A SeedGenerator with different random numbers on each device.

    Keras' own gives every device the same numbers: record i of each would be augmented alike.
    """

    def next(self, ordered: bool = True) -> Tensor:
        """Returns the next seed, [2], a different one on each device."""
        seed, context = super().next(ordered), _replica_context()
        if context is None:
            return seed
        replica = keras.ops.cast(context.replica_id_in_sync_group, seed.dtype)
        return seed + keras.ops.stack([replica * REPLICA_STRIDE, keras.ops.zeros_like(replica)])


REPLICA_STRIDE = 7919  # any prime: the first word of a seed is used for nothing else


class DistributedModel(keras.Model):
    """A keras.Model that trains on several devices or workers of TensorFlow as it would on one.

    Keras 3.15 lets batch normalization diverge between devices, and fails in two places where there are several workers
    (its issue 20585). A subclass has created all its variables when it is compiled, and has no loss or
    metric compiled in.
    """

    def train_step(self, *args: Any) -> Any:
        """Takes a step with batch normalization over the whole batch; otherwise each device would keep its own means.

        The flag is set only while the step is traced: JAX refuses to load a layer that was saved as synchronized.
        """
        if num_replicas() == 1:
            return super().train_step(*args)
        layers = [layer for layer in self._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
        try:
            for layer in layers:
                layer.synchronized = True
            return super().train_step(*args)
        finally:
            for layer in layers:
                layer.synchronized = False

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        """Creates the variables of the optimizer; Keras would read a batch and reduce it over the workers, and fail."""
        if self.optimizer is not None and not self.optimizer.built:
            with self.distribute_strategy.scope():
                self.optimizer.build(self.trainable_variables)

    def get_metrics_result(self) -> dict[str, Tensor]:
        """Returns the scores so far, by name.

        In the step of one worker of several, each has an axis of length 1 in front: Keras takes the mean of what
        the workers return along axis 0, and fails on scalars.
        """
        scores: dict[str, Tensor] = super().get_metrics_result()
        context = _replica_context()
        if context is None or not isinstance(context.strategy, tf.distribute.MultiWorkerMirroredStrategy):
            return scores
        return {name: keras.ops.expand_dims(score, 0) for name, score in scores.items()}


def _replica_context() -> Any | None:
    """Returns TensorFlow's context of the device that runs this code; None unless it shares the batch with others."""
    if keras.config.backend() != "tensorflow":
        return None
    context = tf.distribute.get_replica_context()  # None outside of a step, too
    return context if context is not None and context.num_replicas_in_sync > 1 else None


__all__ = [
    "INDEX_DTYPE",
    "DistributedModel",
    "ReplicaSeeds",
    "Tensor",
    "adam_step",
    "argmax",
    "batch_norm",
    "gather",
    "keras",
    "map_in_turn",
    "num_replicas",
    "replaced_call",
    "sum_over_replicas",
    "tf",
    "untuned",
]
