"""Optimizers: the optimizers by name. To add one, write one line in OPTIMIZERS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Optimizer:
    """One optimizer.

    Attributes:
      builder: import string of a Keras optimizer class.
      options: its arguments, besides the learning rate and the moving average.
      has_weight_decay: whether --weight-decay applies.
      learning_rate: the peak learning rate where none is given.
    """

    builder: str
    options: Mapping[str, Any] = field(default_factory=dict)
    has_weight_decay: bool = False
    learning_rate: float = 1e-3


OPTIMIZERS: dict[str, Optimizer] = {
    "adam": Optimizer("keras.optimizers:Adam"),
    "adamw": Optimizer("keras.optimizers:AdamW", has_weight_decay=True),
    "sgd": Optimizer("keras.optimizers:SGD", {"momentum": 0.9, "nesterov": True}, learning_rate=0.01),
}
