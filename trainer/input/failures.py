"""Failures: the error of a Python function that TensorFlow called, of which TensorFlow keeps only the text."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from converter.errors import SegconvError

P = ParamSpec("P")
T = TypeVar("T")

_failures: list[SegconvError] = []


def noted(function: Callable[P, T]) -> Callable[P, T]:
    """Returns the function, for a step of the input; its SegconvError is noted for `input_errors`, and raised."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except SegconvError as error:
            _failures.append(error)
            raise

    return call


@contextlib.contextmanager
def input_errors() -> Iterator[None]:
    """Raises the error that ended the input in place of TensorFlow's."""
    _failures.clear()
    try:
        yield
    except SegconvError:
        raise  # says itself what is wrong; a thread of an earlier input may have noted its own meanwhile
    except Exception as error:
        if _failures:
            raise _failures[0] from error
        raise
