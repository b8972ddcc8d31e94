"""Custom: a model of the user's, named as "package.module:function".

The function is called with (height, width) and the number of classes, and returns a keras.Model that follows the
contract of this package: float32 [B, H, W, 3] in 0..255 to float32 logits [B, H, W, num_classes]. A model that breaks
it is refused here, in one line, before training.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from converter.errors import UsageError
from trainer.backend import Tensor, keras

PROBABILITIES = ("softmax", "sigmoid")
# Layers that do not change the values: a softmax before them is still a softmax.
ARRANGING = ("Reshape", "Permute", "Cropping2D", "ZeroPadding2D", "UpSampling2D", "Resizing", "Dropout", "Identity")


def import_function(spec: str) -> Callable[..., Any]:
    """Returns the function that "package.module:function" names; the current folder is searched, as with `python -m`.

    Importing the module registers its layers with Keras, which loading its saved models requires.

    Raises:
      UsageError: the module cannot be imported, or has no such function.
    """
    module_name, _, function_name = spec.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        what = f"cannot be imported ({_cause(error)})"
        raise _refusal(
            spec, what, f"Start segconv in the folder that holds {module_name!r}, or fix the module."
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        what = f"{module_name} has no function {function_name!r}"
        raise _refusal(spec, what, "Pass --model package.module:function.")
    return function


def build_custom(spec: str, size: tuple[int, int], num_classes: int) -> keras.Model:
    """Returns the model that the user's function builds, checked.

    Args:
      spec: "package.module:function".
      size: (height, width) of input and output, in pixels.
      num_classes: number of classes.

    Raises:
      UsageError: the function fails, or its model has an input, output or layer that cannot be trained or loaded again.
    """
    function = import_function(spec)
    try:
        model = function(size, num_classes)
    except (Exception, SystemExit) as error:
        fix = "It is called with ((height, width), num_classes)."
        raise _refusal(spec, f"fails for {size}, {num_classes} ({_cause(error)})", fix) from error
    if not isinstance(model, keras.Model):
        raise _refusal(spec, f"returns a {type(model).__name__}, expected a keras.Model", "Return the model itself.")
    logits = _logits_of(spec, model, (None, *size, 3))
    _check_logits(spec, model, logits, (None, *size, num_classes))
    if not getattr(model, "inputs", None):  # subclassed: it does not know the shapes of its input and output
        image = keras.Input((*size, 3), name="image")
        model = keras.Model(image, model(image), name=f"{model.name}_of_one_size")
    _check_loads(spec, model)
    return model


def step_error(spec: str, error: Exception) -> UsageError:
    """Returns the error of a model that was built, but failed in a step."""
    return _refusal(
        spec, f"fails in a step ({_cause(error)})", "Fix the model; `segconv -v train` shows where it fails."
    )


def _logits_of(spec: str, model: keras.Model, shape: tuple[int | None, ...]) -> Tensor:
    """Returns the symbolic output for images of that shape; raises UsageError where the model takes another shape."""
    fix = "Give it one input, keras.Input((height, width, 3))."
    try:
        model(keras.Input(shape[1:], name="image"), training=True)
        logits = model(keras.Input(shape[1:], name="image"))
    except Exception as error:
        raise _refusal(spec, f"does not accept float32 images of shape {shape} ({_cause(error)})", fix) from error
    for taken in (
        getattr(model, "inputs", None) or ()
    ):  # a subclassed model has none; Keras does not check channels here
        if any(length not in (None, wanted) for length, wanted in zip(taken.shape, shape, strict=True)):
            raise _refusal(spec, f"takes images of shape {tuple(taken.shape)}, expected {shape}", fix)
    return logits


def _check_logits(spec: str, model: keras.Model, logits: Tensor, shape: tuple[int | None, ...]) -> None:
    """Raises UsageError where the output is not one logit, float32, per class and pixel."""
    if not isinstance(logits, keras.KerasTensor):
        what = f"outputs a {type(logits).__name__} of tensors, expected one of shape {shape}"
        raise _refusal(spec, what, "Return the logits alone.")
    if tuple(logits.shape) != shape:
        fix = "Resize the logits to the size of the image inside the model."
        raise _refusal(spec, f"outputs shape {tuple(logits.shape)}, expected {shape}", fix)
    activation = _last_activation(model)
    if activation in PROBABILITIES:
        fix = f"Leave out the final {activation}: the loss applies it."
        raise _refusal(spec, f"outputs probabilities ({activation}), expected logits", fix)
    if logits.dtype != "float32":
        fix = 'Give its last layer dtype="float32".'
        raise _refusal(spec, f"outputs logits of {logits.dtype}, expected float32", fix)


def _last_activation(model: keras.Model) -> str | None:
    """Returns the name of the activation before the output; None where there is none, or it cannot be determined."""
    operation: Any = model
    while isinstance(operation, keras.Model):
        try:
            tensor = operation.outputs[0]
        except (AttributeError, TypeError):  # subclassed: its layers cannot be traced
            return None
        operation = tensor._keras_history.operation
        while type(operation).__name__ in ARRANGING:
            tensor = operation.input
            operation = tensor._keras_history.operation
    activation = getattr(operation, "activation", operation)
    return (getattr(activation, "__name__", None) or type(activation).__name__).lower()


def _check_loads(spec: str, model: keras.Model) -> None:
    """Raises UsageError before training where best.keras could not be loaded again."""
    try:
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(model), safe_mode=True)
    except (Exception, SystemExit) as error:
        fix = "Register its own layers with @keras.saving.register_keras_serializable(), and use no Lambda."
        raise _refusal(spec, f"could be saved, but not loaded again ({_cause(error)})", fix) from error


def _cause(error: BaseException) -> str:
    """Returns the type and the first line of an error; Keras' errors have many lines."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}"


def _refusal(spec: str, what: str, fix: str) -> UsageError:
    return UsageError(f"--model {spec}", what, fix, "E_MODEL")
