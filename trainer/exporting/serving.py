"""Serving: the model of a run -> a function from uint8 images to class maps, which every format stores.

What is stored takes images as they are decoded; scaling is inside. The weights are float32 whatever the precision of
the training was, since few runtimes on a CPU know bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from converter.errors import UsageError
from trainer.backend import Tensor, argmax, keras, tf
from trainer.devices import POLICIES
from trainer.prediction.on_onnx import CLASS_MAP, INPUT

PROBABILITIES = "probabilities"

# Images, uint8 [N, H, W, 3], to the outputs by name.
Runtime: TypeAlias = Callable[[np.ndarray], Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Served:
    """A model that is to be stored.

    Attributes:
      net: image, float32 [B, H, W, 3] in 0..255, to logits, float32 [B, H, W, num_classes]; all of it in float32.
      size: (height, width) of the images; None for any.
      facts: the description that goes into the file, JSON in UTF-8.
      has_probabilities: whether the probability of every class is an output.
      quantize: one of QUANTIZE.
      images: yields images of the training records, uint8 [H, W, 3], to calibrate with.
    """

    net: keras.Model
    size: tuple[int | None, int | None]
    facts: bytes
    has_probabilities: bool = False
    quantize: str = "none"
    images: Callable[[], Iterator[np.ndarray]] = lambda: iter(())

    def outputs(self, image: Tensor, largest: Callable[[Tensor], Tensor] = argmax) -> dict[str, Tensor]:
        """Returns the outputs by name: uint8 [N, H, W] and, if asked for, float32 [N, H, W, num_classes].

        Args:
          image: uint8 [N, H, W, 3].
          largest: gives the index of the largest value along the last axis. The default is TensorFlow's own operation:
            Keras' has a correction of signs that other runtimes do not know, or convert wrongly without a word.
        """
        return self.named(self.logits(image), largest)

    def logits(self, image: Tensor) -> Tensor:
        """Returns float32 [N, H, W, num_classes]."""
        return self.net(keras.ops.cast(image, "float32"), training=False)

    def named(self, logits: Tensor, largest: Callable[[Tensor], Tensor] = argmax) -> dict[str, Tensor]:
        """Returns the outputs of these logits by name."""
        found = {CLASS_MAP: keras.ops.cast(largest(logits), "uint8")}
        if self.has_probabilities:
            found[PROBABILITIES] = keras.ops.softmax(logits)
        return found

    def signature(self, batch: int | None = None) -> Any:
        """Returns the TensorSpec of the images."""
        return tf.TensorSpec((batch, *self.size, 3), tf.uint8, name=INPUT)


def require_tensorflow(format_name: str) -> None:
    """Raises UsageError where Keras uses another backend, which only the Keras format is independent of."""
    if keras.config.backend() != "tensorflow":
        what = f"is {format_name}, which needs Keras on TensorFlow, not on {keras.config.backend()}"
        raise UsageError("--format", what, "Unset KERAS_BACKEND, then run the same command again.")


def compute_exactly() -> None:
    """Has a GPU compute in float32: by default it rounds to 10 bits, and no other runtime would agree with it."""
    if keras.config.backend() == "tensorflow":
        tf.config.experimental.enable_tensor_float_32_execution(False)


def in_float32(net: keras.Model) -> keras.Model:
    """Returns a model that computes in float32 and has the weights of this one; itself if it does so already."""
    config = keras.saving.serialize_keras_object(net)
    plain = _without_policies(config)
    if plain == config:
        return net
    found = keras.saving.deserialize_keras_object(plain, safe_mode=True)
    found.set_weights(net.get_weights())
    return found


def _without_policies(config: Any) -> Any:
    """Returns a configuration in which every dtype policy of mixed precision is float32."""
    if isinstance(config, dict):
        return {key: _without_policies(value) for key, value in config.items()}
    if isinstance(config, list | tuple):
        return type(config)(_without_policies(value) for value in config)
    mixed = {*POLICIES.values(), "bfloat16", "float16"} - {"float32"}
    return "float32" if isinstance(config, str) and config in mixed else config
