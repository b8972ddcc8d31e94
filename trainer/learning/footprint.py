"""Footprint: the memory that a training step takes, estimated from the layers, by what it holds.

The backward pass needs the input of every layer with weights, the output of every ReLU, and little else; what a layer
only passes on is freed. Loss and augmentation hold several arrays of the size of the logits and of the images, and
where windows are cut from larger records, of those; so does validation, which slides windows over them. Their numbers
are measured: benchmarks/memory.py compares the estimate with the peak of a process. A compiler that fuses layers, as
XLA on a GPU, takes less.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from trainer.backend import Tensor, keras
from trainer.learning.step import SegTrainer

# Float32 arrays of the size of the logits at the peak: logits, one-hot truth, target, softmax, their gradients.
LOSS_ARRAYS = {
    "crossentropy": 7,
    "binary_crossentropy": 11,
    "focal": 6.5,
    "dice": 6.5,
    "crossentropy_dice": 9,
    "lovasz": 16.5,
    "crossentropy_lovasz": 18.5,
    "ohem": 7,
}
LOSS_ARRAYS_OF_OTHERS = 9
AUGMENT_ARRAYS = 5.5  # float32 arrays of the size of the images: of a warp with rotation: four corners and the result
RECORD_BYTES = 56  # per pixel of a record that a window is cut from: float32 image and mask, a border, rows of both
SLIDING_ARRAYS, SLIDING_BYTES = 7.2, 180  # in validation: arrays of the size of the logits; bytes per pixel beside them
UPDATE_ARRAYS = 3  # of the size of the largest weight: its gradient in several layouts, as measured for fcn8s
PROGRAM_BYTES, PROGRAM_BYTES_PER_WEIGHT = 10e6, 1.3e6  # the graph of the step, which grows with the arrays of weights

PASSING = {  # layers whose backward pass needs no values
    *("Add", "Subtract", "Average", "Concatenate", "ZeroPadding2D", "Cropping2D", "UpSampling2D", "Reshape", "Flip"),
    *("Rescaling", "Normalization", "InputLayer", "GlobalAveragePooling2D", "AveragePooling2D", "Permute", "Identity"),
    *("GetItem", "Stack", "FullLike", "ZerosLike", "Equal", "Transpose", "Cast", "SpatialDropout2D", "StochasticDepth"),
}
WEIGHTED = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D", "Conv2DTranspose", "Dense", "BatchNormalization"}


class Call(NamedTuple):
    """One layer or operation in a model, with its symbolic inputs and outputs, [B, ...]."""

    operation: Any
    inputs: list[Tensor]
    outputs: list[Tensor]


def memory_parts(
    trainer: SegTrainer, size: tuple[int, int], batch: int, loss: str, records: tuple[int, int] | None = None
) -> dict[str, int]:
    """Returns the bytes that a training step takes on a CPU, by what they hold.

    Args:
      trainer: compiled, with its optimizer built.
      size: (height, width) of the images.
      batch: records per step of one device.
      loss: name of the loss.
      records: (height, width) of the records, where the images are windows cut from them.
    """
    weights, gradients, optimizer = (
        sum(_num_bytes(variable.shape, variable.dtype) for variable in variables)
        for variables in (trainer.variables, trainer.trainable_variables, trainer.optimizer.variables)
    )
    image = 4 * 3 * math.prod(size) * batch
    logits = 4 * trainer.confusion.num_classes * math.prod(size) * batch
    calls = list(calls_of(trainer.net, size))
    whole = 0 if records is None else RECORD_BYTES * math.prod(records) * batch
    return {
        "weights": weights,
        "gradients": gradients,
        "optimizer": optimizer,
        "update": UPDATE_ARRAYS * max((_num_bytes(v.shape, v.dtype) for v in trainer.trainable_variables), default=0),
        "activations": batch * (kept_bytes(calls) + largest_bytes(calls)),
        "loss": int(LOSS_ARRAYS.get(loss, LOSS_ARRAYS_OF_OTHERS) * logits),
        "augmentation": int((1 if trainer.augment is None else AUGMENT_ARRAYS) * image) + whole,
        "program": int(PROGRAM_BYTES + PROGRAM_BYTES_PER_WEIGHT * len(trainer.trainable_variables)),
    }


def sliding_bytes(num_classes: int, records: tuple[int, int], batch: int) -> int:
    """Returns the bytes beside the model's own that a step of validation takes, where it slides windows over records.

    Args:
      num_classes: number of classes.
      records: (height, width) of the records.
      batch: records per step of one device.
    """
    return int((4 * num_classes * SLIDING_ARRAYS + SLIDING_BYTES) * math.prod(records) * batch)


def calls_of(net: keras.Model, size: tuple[int, int]) -> Iterator[Call]:
    """Yields every call in a model and in the models and layers inside it, with all sizes known.

    An encoder is built for images of any size, so the shapes of its own layers are no help. A subclassed model or
    layer that does not compute with Keras alone is one call.
    """
    found: list[Call] = []

    def run(model: Any, inputs: Any) -> Any:
        return model._run_through_graph(inputs, operation_fn=recorded)

    def recorded(operation: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            options.pop("training", None)
            if hasattr(operation, "_run_through_graph"):
                return run(operation, arguments[0])
            inner = _graph_inside(operation, arguments, options)
            if inner is not None:
                return run(inner, _symbolic(arguments, options))
            outputs = operation.compute_output_spec(*arguments, **options)
            found.append(Call(operation, _symbolic(arguments, options), keras.tree.flatten(outputs)))
            return outputs

        return call

    recorded(net)(keras.KerasTensor((1, *size, 3)))
    yield from found


def _symbolic(*structures: Any) -> list[Tensor]:
    return [x for x in keras.tree.flatten(structures) if isinstance(x, keras.KerasTensor)]


def _graph_inside(layer: Any, arguments: tuple[Any, ...], options: dict[str, Any]) -> keras.Function | None:
    """Returns what a layer that is made of layers calls, as a block of a transformer; None if it hides it."""
    if not getattr(layer, "_layers", None):
        return None
    inputs = [keras.Input(batch_shape=tensor.shape, dtype=tensor.dtype) for tensor in _symbolic(arguments, options)]
    left = iter(inputs)
    arguments, options = keras.tree.map_structure(
        lambda x: next(left) if isinstance(x, keras.KerasTensor) else x, (arguments, options)
    )
    try:
        return keras.Function(inputs, layer.call(*arguments, **options))
    except Exception:  # noqa: BLE001 - it computes with TensorFlow's own functions, for example
        return None


def hidden_in(calls: list[Call]) -> list[str]:
    """Returns the names of models and layers with weights whose own layers are not among the calls."""
    hidden = (op for op, _, _ in calls if getattr(op, "_layers", None) and op.weights)
    return list(dict.fromkeys(op.name for op in hidden))


def kept_bytes(calls: list[Call]) -> int:
    """Returns the bytes per image that the backward pass needs: each tensor counts once, whoever needs it."""
    kept: dict[int, int] = {}
    for operation, inputs, outputs in calls:
        kind = type(operation).__name__
        activation = getattr(operation, "activation", None)
        is_plain = activation in (None, keras.activations.linear)
        needed = [] if kind in PASSING else inputs
        if kind == "ReLU" or activation is keras.activations.relu:
            needed = outputs if kind in ("ReLU", "Activation") else [*inputs, *outputs]
        elif kind not in WEIGHTED | PASSING or not is_plain:
            needed = [*inputs, *outputs]
        kept |= {id(tensor): _of_image(tensor) for tensor in needed}
        if kind == "Activation" and activation is not keras.activations.relu:
            kept[id(operation)] = sum(map(_of_image, outputs))  # hard_silu and its kind hold the gate, too
        kept |= {id(operation): _dilated_bytes(operation, tensor) for tensor in inputs if _is_dilated(operation)}
    return sum(kept.values())


def largest_bytes(calls: list[Call]) -> int:
    """Returns the bytes per image of the largest tensor: as many hold its gradient."""
    return max((_of_image(tensor) for call in calls for tensor in call.outputs), default=0)


def _is_dilated(operation: Any) -> bool:
    return max(getattr(operation, "dilation_rate", (1,))) > 1


def _dilated_bytes(operation: Any, tensor: Tensor) -> int:
    """Returns the bytes of the copy, and of its gradient, that a dilated convolution makes on a CPU.

    TensorFlow pads its input, and cuts it into as many small images as a window of the dilation has pixels.
    """
    sides = [
        -(-(side + dilation * (kernel - 1)) // dilation) * dilation
        for side, dilation, kernel in zip(
            tensor.shape[1:3], operation.dilation_rate, operation.kernel_size, strict=True
        )
    ]
    return 2 * _num_bytes((*sides, tensor.shape[3]), tensor.dtype)


def _of_image(tensor: Tensor) -> int:
    return _num_bytes(tensor.shape[1:], tensor.dtype)


def _num_bytes(shape: tuple[int | None, ...], dtype: str) -> int:
    bits = int("".join(filter(str.isdigit, keras.backend.standardize_dtype(dtype))) or 8)
    return math.prod(side or 1 for side in shape) * bits // 8
