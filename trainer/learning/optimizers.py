"""Optimizers: the optimizer and the learning rate schedule of a training run.

All state is in `optimizer.variables`, including the step number: a schedule resumes where that number is restored. Two
or more devices take the same step as one would on the whole batch.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pkgutil import resolve_name
from typing import Any

from converter.errors import UsageError
from trainer.backend import Tensor, adam_step, keras, num_replicas, sum_over_replicas
from trainer.choices.optimizers import OPTIMIZERS
from trainer.config import TrainConfig
from trainer.learning.averaging import RampedAverage

POLY_POWER = 0.9
# Biases and the scales and shifts of normalization are not decayed (as in most ImageNet recipes). TensorFlow searches
# the pattern in a whole path, such as "beta_block/kernel:0", and a layer may have any name.
NOT_DECAYED = r"(bias|beta|gamma)($|:)"


def build_optimizer(
    config: TrainConfig, steps_per_epoch: int, encoder: Iterable[keras.Variable] = ()
) -> keras.optimizers.Optimizer:
    """Returns the optimizer of a training run, not built yet.

    adam, adamw (decoupled weight decay of all weights but biases and those of normalization), or sgd with Nesterov
    momentum 0.9. `clip_norm` clips the norm of the whole batch's gradient, all weights together. `ema` also keeps
    a moving average of the weights (see `averaging` and `averaged_weights`). Under the policy mixed_float16 the loss is
    scaled. The encoder learns at `encoder_rate` of the learning rate, and not at all while it is frozen (see
    `freeze_encoder`).

    Args:
      config: the training run.
      steps_per_epoch: batches in one pass over the training records.
      encoder: trainable variables of the encoder within the model.

    Raises:
      UsageError: the warm-up leaves no epoch to train in.

    Sources: Kingma and Ba, Adam, ICLR 2015; Loshchilov and Hutter, Decoupled Weight Decay Regularization, ICLR 2019;
    Sutskever et al., On the importance of initialization and momentum, ICML 2013; Pascanu et al., On the difficulty of
    training recurrent neural networks, ICML 2013 (clipping).
    """
    options: dict[str, Any] = {"use_ema": config.ema > 0, "ema_momentum": config.ema, "ema_overwrite_frequency": None}
    row = OPTIMIZERS[config.optimizer]
    options |= row.options
    if row.has_weight_decay:
        options["weight_decay"] = config.weight_decay
    kind = resolve_name(row.builder)
    if issubclass(kind, keras.optimizers.Adam) and keras.config.backend() == "tensorflow":
        kind = type(f"Fused{kind.__name__}", (_FusedAdam, kind), {})
    if config.ema:
        kind = type(f"Averaged{kind.__name__}", (RampedAverage, kind), {})
    if config.encoder_rate != 1 or config.freeze:
        facts = {"encoder": frozenset(map(id, encoder)), "encoder_rate": config.encoder_rate}
        facts["whole_decay"] = options.get("weight_decay")
        kind = type(f"SlowEncoder{kind.__name__}", (_SlowEncoder, kind), facts)
    if config.warmup and config.schedule == "plateau":
        kind = type(f"WarmedUp{kind.__name__}", (_WarmedUp, kind), {"warmup_steps": config.warmup * steps_per_epoch})
    if config.clip_norm:
        kind = type(f"Clipped{kind.__name__}", (_ClippedToNorm, kind), {"norm": config.clip_norm})
    optimizer = kind(learning_rate(config, steps_per_epoch), **options)
    optimizer.exclude_from_weight_decay(var_names=[NOT_DECAYED])
    is_half = keras.config.dtype_policy().name == "mixed_float16"
    return LossScale(optimizer) if is_half else optimizer


def learning_rate(config: TrainConfig, steps_per_epoch: int) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Returns the learning rate: a number for plateau, where a callback reduces it, else a function of the step.

        cosine  peak * (1 + cos(pi * t)) / 2
        poly    peak * (1 - t)^0.9

    with t from 0 at the end of the warm-up to 1 at the end of the last epoch. During the warm-up the rate rises
    linearly from 0; that of plateau by a factor within the optimizer, since a callback cannot lower a function.

    Args:
      config: the training run.
      steps_per_epoch: batches in one pass over the training records.

    Raises:
      UsageError: the warm-up leaves no epoch to train in.

    Sources: Loshchilov and Hutter, SGDR, ICLR 2017 (cosine); Chen et al., DeepLab, TPAMI 2018 (poly); Goyal et al.,
    Accurate, Large Minibatch SGD, 2017 (warm-up).
    """
    peak = config.learning_rate
    if config.warmup >= config.epochs:
        what = f"is {config.warmup}, but there are {config.epochs} epochs in all"
        raise UsageError("--warmup", what, f"Pass --warmup {min(1, config.epochs - 1)}, or more --epochs.")
    if config.schedule == "plateau":
        return peak
    steps = (config.epochs - config.warmup) * steps_per_epoch
    schedules = keras.optimizers.schedules
    if config.schedule == "cosine":
        fall = schedules.CosineDecay(peak, steps)
    else:
        fall = schedules.PolynomialDecay(peak, steps, end_learning_rate=0.0, power=POLY_POWER)
    return WarmUp(fall, config.warmup * steps_per_epoch) if config.warmup else fall


@keras.saving.register_keras_serializable("segconv")
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A linear warm-up from 0, followed by a schedule.

    Attributes:
      schedule: schedule of the steps after the warm-up.
      steps: number of warm-up steps, 1 or more.
    """

    def __init__(self, schedule: keras.optimizers.schedules.LearningRateSchedule, steps: int) -> None:
        super().__init__()
        self.schedule = schedule
        self.steps = steps

    def __call__(self, step: Tensor) -> Tensor:
        """Returns the learning rate of a step, float32, counted from 0."""
        step = keras.ops.cast(step, "float32")
        risen = keras.ops.minimum(step / self.steps, 1.0)
        return risen * self.schedule(keras.ops.maximum(step - self.steps, 0.0))

    def get_config(self) -> dict[str, Any]:
        """Returns the config that `from_config` takes."""
        serialize = keras.optimizers.schedules.serialize
        return {"schedule": serialize(self.schedule), "steps": self.steps}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> WarmUp:
        """Returns the schedule of a config."""
        return cls(keras.optimizers.schedules.deserialize(config["schedule"]), config["steps"])


class _FusedAdam:
    """Updates a weight by TensorFlow's fused kernel; a mixin that precedes Adam in a list of bases.

    Keras composes the update of a dozen operations, and each reads and writes whole arrays.
    """

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        """Updates a weight and its averages."""
        index = self._get_variable_index(variable)  # type: ignore[attr-defined]
        averages = self._momentums[index], self._velocities[index]  # type: ignore[attr-defined]
        adam_step(self, variable, averages, gradient, learning_rate)


class _ClippedToNorm:
    """Clips the gradient of the whole batch to a norm; a mixin that precedes an optimizer in a list of bases.

    Keras' own `global_clipnorm` clips each device's part before the parts are added up: two devices would take
    different steps than one.
    """

    norm: float

    def apply(self, grads: list[Tensor | None], trainable_variables: list[Any] | None = None) -> None:
        """Takes one step, given this device's part of the gradient."""
        whole = sum_over_replicas([grad for grad in grads if grad is not None])
        length = keras.ops.sqrt(sum(keras.ops.sum(keras.ops.square(grad)) for grad in whole))
        factor = self.norm / keras.ops.maximum(length, self.norm)
        super().apply([grad if grad is None else grad * factor for grad in grads], trainable_variables)  # type: ignore[misc]


class _WarmedUp:
    """Lets the learning rate rise linearly from 0; a mixin that precedes an optimizer in a list of bases.

    Setting `learning_rate` sets what it rises to.
    """

    warmup_steps: int

    def _get_current_learning_rate(self) -> Tensor:
        """Returns the learning rate of the next step."""
        rate = super()._get_current_learning_rate()  # type: ignore[misc]
        step = keras.ops.cast(self._iterations, "float32")  # type: ignore[attr-defined]
        return rate * keras.ops.minimum(step / self.warmup_steps, 1.0)


class _SlowEncoder:
    """Lets the encoder learn at a share of the learning rate; a mixin that precedes an optimizer in a list of bases.

    The variables are updated in two groups, each with its own rate; decay of weights, too, is in units of the rate.
    While the encoder is frozen its share is 0: no weight of it changes, but the optimizer's averages of its gradients
    do, so that its first step afterwards is an ordinary one.
    """

    encoder: frozenset[int]
    encoder_rate: float
    whole_decay: float | None
    is_frozen = False
    weight_decay: float | None

    def _groups(self, variables: list[Any]) -> Iterator[tuple[float, list[int]]]:
        """Yields the share and the indices of the variables of the encoder, then those of all others."""
        inside = [id(variable) in self.encoder for variable in variables]
        for share, is_encoder in ((0.0 if self.is_frozen else self.encoder_rate, True), (1.0, False)):
            indices = [index for index, found in enumerate(inside) if found == is_encoder]
            if indices:
                yield share, indices

    def _backend_update_step(self, grads: list[Tensor], trainable_variables: list[Any], learning_rate: Tensor) -> None:
        """Updates the variables, group by group."""
        for share, indices in self._groups(trainable_variables):
            parts = [[values[index] for index in indices] for values in (grads, trainable_variables)]
            super()._backend_update_step(*parts, learning_rate * share)  # type: ignore[misc]

    def _apply_weight_decay(self, variables: list[Any]) -> None:
        """Shrinks the variables, group by group."""
        if self.whole_decay is None:
            return
        for share, indices in self._groups(variables):
            # The threads of several devices come here in turn, and the decay is read when the last one has.
            self.weight_decay = self.whole_decay * share
            super()._apply_weight_decay([variables[index] for index in indices])  # type: ignore[misc]
        self.weight_decay = self.whole_decay


def freeze_encoder(optimizer: keras.optimizers.Optimizer, is_frozen: bool) -> None:
    """Sets whether steps that are compiled from now on leave the encoder as it is.

    Args:
      optimizer: from `build_optimizer`, of a config with `freeze`.
      is_frozen: whether they do.
    """
    getattr(optimizer, "inner_optimizer", optimizer).is_frozen = is_frozen


class LossScale(keras.optimizers.LossScaleOptimizer):
    """Scales the loss of float16, and skips a step on all devices where one of them had a gradient beyond its range.

    Keras' own checks only the first device, and so misses an infinite gradient on another.
    """

    def check_finite(self, grads: list[Tensor | None]) -> Tensor:
        """Returns whether the gradients of all devices are finite, bool."""
        finite = keras.ops.cast(super().check_finite(grads), "float32")
        return sum_over_replicas(finite) >= num_replicas()


@contextlib.contextmanager
def averaged_weights(trainer: keras.Model) -> Iterator[None]:
    """Temporarily replaces the weights by their moving average, to validate or save it.

    Afterwards every weight is restored bit for bit; `optimizer.variables` do not change at all. Keras' own
    SwapEMAWeights swaps by adding and subtracting, which rounds the weights that training continues with. The
    statistics of batch normalization are replaced by their average as well, where the trainer keeps one.

    Args:
      trainer: compiled, with its optimizer built; without `use_ema` nothing changes. Its `statistics`, where it has
        them, are a StatisticsAverage.
    """
    optimizer = getattr(trainer.optimizer, "inner_optimizer", trainer.optimizer)
    if not optimizer.use_ema:
        yield
        return
    weights = trainer.trainable_variables
    averaged = getattr(trainer, "statistics", None)
    pairs = [] if averaged is None else averaged.pairs(trainer.net)
    changed = [*weights, *(statistic for statistic, _ in pairs)]
    trained = [keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(weight)).copy() for weight in changed]
    optimizer.finalize_variable_values(weights)
    for statistic, average in pairs:
        statistic.assign(average)
    for weight in changed:
        # JAX lets weight and average share one buffer, and donates a weight's buffer to the next compiled step.
        weight.assign(keras.ops.copy(weight))
    try:
        yield
    finally:
        for weight, value in zip(changed, trained, strict=True):
            weight.assign(value)


class ValidateAverage(keras.callbacks.Callback):
    """Validates each epoch with the moving average of the weights; may be anywhere in the list of callbacks."""

    def __init__(self) -> None:
        super().__init__()
        self._swapped = contextlib.ExitStack()

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the average in."""
        self._swapped.enter_context(averaged_weights(self.model))

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Puts the trained weights back."""
        self._swapped.close()
