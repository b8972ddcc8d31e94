"""Transfer: the weights of a saved model, in a new model that may have other classes or another order of them.

What depends on the classes is the head: the weights whose shape has the number of classes. Classes are matched by name:
the channels of the head follow them, and where the names differ the head starts anew and all other weights are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from converter.errors import UsageError
from converter.system.console import log
from trainer.backend import keras
from trainer.models.load import load_model

FIX = "Pass a run of the same --model, or --weights none."


class ClassNames(NamedTuple):
    """Class names of the records and those of the model in the file, in order of their indices.

    Attributes:
      wanted: those of the records.
      of_file: those of the file; None where they are not known.
    """

    wanted: tuple[str, ...]
    of_file: tuple[str, ...] | None = None


def copy_weights(
    path: Path, model: keras.Model, name: str, names: ClassNames | None, rebuilt: Callable[[int], keras.Model]
) -> None:
    """Copies the weights of the model in `path`, and logs in one line what is different.

    Args:
      path: a `.keras` file.
      model: the model that takes the weights.
      name: its name, as in `load_model`.
      names: the class names of both; None for the same classes in the same order.
      rebuilt: function of a number of classes to the same model for as many.

    Raises:
      UsageError: it is another model.
    """
    saved = load_model(path, name)
    weights, own = saved.get_weights(), model.get_weights()
    counts = saved.output_shape[-1], model.output_shape[-1]
    if names is not None and names.of_file is not None and len(names.of_file) != counts[0]:
        names = names._replace(of_file=None)  # of another model
    differ = {number for number, (a, b) in enumerate(zip(weights, own, strict=False)) if a.shape != b.shape}
    heads = {number for number in differ if _is_head(weights[number].shape, own[number].shape, counts)}
    if len(weights) != len(own) or differ != heads:
        count = len(differ) + abs(len(weights) - len(own))
        what = f"does not fit {model.name}: {count} of {len(own)} weights differ in shape"
        raise UsageError(path, what, FIX, "E_WEIGHTS")
    if differ:
        _log_new_head(path, names, counts)
        weights = [own[number] if number in differ else weight for number, weight in enumerate(weights)]
    elif names is not None and names.of_file is None:
        log.info("%s: no config.json beside it names its classes: they are taken for those of the records.", path)
    elif names is not None and names.of_file != names.wanted:
        weights = _with_classes(path, weights, own, names=names, rebuilt=rebuilt)
    model.set_weights(weights)


def _with_classes(
    path: Path,
    weights: Sequence[np.ndarray],
    own: Sequence[np.ndarray],
    *,
    names: ClassNames,
    rebuilt: Callable[[int], keras.Model],
) -> list[np.ndarray]:
    """Returns the weights with a head for other names of as many classes."""
    wanted, of_file = names.wanted, names.of_file or ()
    shapes = [weight.shape for weight in rebuilt(len(wanted) + 1).get_weights()]
    axes = [_other_axis(weight.shape, shape) for weight, shape in zip(weights, shapes, strict=True)]
    if sorted(wanted) != sorted(of_file):
        _log_new_head(path, names, (len(of_file), len(wanted)))
        return [weight if axis is None else own[n] for n, (weight, axis) in enumerate(zip(weights, axes, strict=True))]
    moved = [f"{name} {of_file.index(name)} -> {index}" for index, name in enumerate(wanted) if of_file[index] != name]
    log.info("%s: its classes are in another order; its head was rearranged by name: %s.", path, ", ".join(moved))
    order = [of_file.index(name) for name in wanted]
    return [w if axis is None else w.take(order, axis=axis) for w, axis in zip(weights, axes, strict=True)]


def _other_axis(shape: tuple[int, ...], other: tuple[int, ...]) -> int | None:
    """Returns the only axis in which two shapes differ; None where there is none, or there are several."""
    axes = [axis for axis, (a, b) in enumerate(zip(shape, other, strict=False)) if a != b]
    return axes[0] if len(axes) == 1 and len(shape) == len(other) else None


def _is_head(shape: tuple[int, ...], other: tuple[int, ...], counts: tuple[int, int]) -> bool:
    """Whether two shapes differ in the number of classes alone."""
    axis = _other_axis(shape, other)
    return axis is not None and (shape[axis], other[axis]) == counts


def _log_new_head(path: Path, names: ClassNames | None, counts: tuple[int, int]) -> None:
    """Logs how the classes of the file differ from those of the records; counts are in this order."""
    what = "it has {}, the records have {}".format(*counts)
    if names is not None and names.of_file is not None:
        lacking = [name for name in names.wanted if name not in names.of_file]
        besides = [name for name in names.of_file if name not in names.wanted]
        what = " and ".join(
            f"{which} {', '.join(some)}" for which, some in (("without", lacking), ("with", besides)) if some
        )
    log.info("%s: a model of other classes (%s): its head starts anew, all other weights are kept.", path, what)
