"""Averaging: the moving average of weights and statistics, useful from the first epoch on.

A decay of 0.999 remembers the weights of a thousand steps ago: as many as a small dataset has in twenty epochs. It is
therefore ramped up. After t steps it is

    min(decay, (1 + t) / (10 + t))

so that the average is over about the last tenth of the steps until `decay` is reached. The means and variances of batch
normalization are averaged alike: those of the trained weights do not fit the averaged ones.

Sources: the ramp is that of `num_updates` in TensorFlow's tf.train.ExponentialMovingAverage; averaging the statistics
too is what timm's ModelEma and Ultralytics do.
"""

from __future__ import annotations

from typing import Any

from trainer.backend import Tensor, keras


def ramped(decay: float, step: Tensor) -> Tensor:
    """Returns the decay after `step` steps, float32: 0 at the first, which the average starts from."""
    step = keras.ops.cast(step, "float32")
    return keras.ops.where(step > 0, keras.ops.minimum(decay, (1.0 + step) / (10.0 + step)), 0.0)


def _follow(average: Any, value: Any, decay: Tensor) -> None:
    average.assign(value + keras.ops.cast(decay, average.dtype) * (average - value))


class RampedAverage:
    """Ramps the decay of an optimizer's moving average; a mixin that precedes an optimizer in a list of bases."""

    def _update_model_variables_moving_average(self: Any, trainable_variables: list[Any]) -> None:
        decay = ramped(self.ema_momentum, self.iterations)
        for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            if average is not None:
                _follow(average, variable, decay)


class StatisticsAverage(keras.layers.Layer):
    """Keeps a moving average of the statistics of batch normalization in a model.

    Attributes:
      decay: highest decay.
      averages: averages of the statistics, as weights of this layer: they are part of a run's state.
    """

    def __init__(self, net: keras.Model, decay: float) -> None:
        super().__init__(name="statistics_average", dtype="float32", trainable=False)
        self.decay = decay
        # Read within the step of a model that computes in 16 bits, which would end the count at 256.
        self.steps = self.add_weight(shape=(), initializer="zeros", name="steps", autocast=False)
        self.averages = [
            self.add_weight(shape=statistic.shape, initializer="zeros", name=f"average_{number}", autocast=False)
            for number, statistic in enumerate(_statistics(net))
        ]
        self.built = True

    def follow(self, net: keras.Model) -> None:
        """Adds the statistics of the model after one more step."""
        decay = ramped(self.decay, self.steps)
        for statistic, average in zip(_statistics(net), self.averages, strict=True):
            _follow(average, statistic, decay)
        self.steps.assign_add(1.0)

    def pairs(self, net: keras.Model) -> list[tuple[Any, Any]]:
        """Returns each statistic of the model with its average; nothing before the first step."""
        has_begun = float(keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(self.steps))) > 0
        return list(zip(_statistics(net), self.averages, strict=True)) if has_begun else []


def _statistics(net: keras.Model) -> list[Any]:
    """Returns the moving mean and variance of every batch normalization."""
    layers = [layer for layer in net._flatten_layers() if isinstance(layer, keras.layers.BatchNormalization)]
    return [statistic for layer in layers for statistic in (layer.moving_mean, layer.moving_variance)]
