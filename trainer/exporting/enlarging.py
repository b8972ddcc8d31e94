"""Enlarging: Keras' UpSampling2D as one operation of TensorFlow, at any size.

Keras repeats and concatenates for "nearest", which takes ONNX Runtime a third of the time of unet_small, and fails for
"bilinear" where a side is not known when the function is traced.
"""

from __future__ import annotations

from typing import Any

from trainer.backend import Tensor, keras, tf


class Enlarge(keras.layers.Layer):
    """What UpSampling2D does. Only in functions that are exported: it is never saved as a layer of Keras."""

    def __init__(self, factors: tuple[int, int], method: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factors = factors
        self.method = method

    def call(self, x: Tensor) -> Tensor:
        """Returns float32 [B, H * factors[0], W * factors[1], C]."""
        size = [tf.shape(x)[axis] * factor for axis, factor in zip((1, 2), self.factors, strict=True)]
        if None not in x.shape[1:3]:
            size = [length * factor for length, factor in zip(x.shape[1:3], self.factors, strict=True)]
        if self.method == "nearest":  # of i the pixel i // factor
            return tf.raw_ops.ResizeNearestNeighbor(images=x, size=tf.stack(size))
        return tf.image.resize(x, tf.stack(size), method=self.method)

    def compute_output_spec(self, x: Tensor) -> Tensor:
        """Returns the symbolic output, so that Keras need not trace the operation."""
        sides = [n and n * factor for n, factor in zip(x.shape[1:3], self.factors, strict=True)]
        return keras.KerasTensor((x.shape[0], *sides, x.shape[3]), dtype="float32")


def with_enlarge(net: keras.Model, image: Tensor = None) -> keras.Model:
    """Returns a model that computes the same, with the same layers but those; itself if its layers are not known.

    Args:
      net: in float32.
      image: symbolic input of the new model; None for one like that of `net`.
    """
    if type(net).__name__ != "Functional":
        return net

    def replaced(layer: Any) -> Any:
        if isinstance(layer, keras.layers.UpSampling2D):
            return Enlarge(layer.size, layer.interpolation, name=layer.name)
        return layer

    return keras.models.clone_model(net, input_tensors=image, clone_function=replaced)
