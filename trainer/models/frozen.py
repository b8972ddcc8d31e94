"""Frozen: a model whose encoder stays as it is while the rest learns."""

from __future__ import annotations

from typing import Any

from trainer.backend import Tensor, keras
from trainer.choices.encoders import ENCODERS


def encoder_in(net: keras.Model) -> keras.Model | None:
    """Returns the encoder within a model, which is one of its layers; None where the model has none of its own."""
    layers = (layer for layer in net.layers if layer.name in ENCODERS and isinstance(layer, keras.Model))
    return next(layers, None)


class AsInValidation(keras.layers.Layer):
    """Calls a model as in validation, also in training: its batch normalization uses the statistics that it has.

    Input and output are those of the model; so are the weights.
    """

    def __init__(self, model: keras.Model) -> None:
        super().__init__(autocast=False)  # the model casts by itself
        self.model = model

    def call(self, x: Tensor) -> Any:
        """Returns the output of the model."""
        return self.model(x, training=False)


def with_frozen_encoder(net: keras.Model, encoder: keras.Model) -> keras.Model:
    """Returns the same model, sharing all layers, in which the encoder behaves as in validation, even in training.

    Gradients still reach the encoder: that they change nothing is up to the optimizer.
    """
    frozen = AsInValidation(encoder)

    def call(layer: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:
        return frozen(*inputs) if layer is encoder else layer(*inputs, **options)

    return keras.models.clone_model(net, clone_function=lambda layer: layer, call_function=call)
