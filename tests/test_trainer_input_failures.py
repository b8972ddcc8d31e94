"""Failures: what a Python function of the input raises ends training with its own words."""

from __future__ import annotations

import contextlib

import pytest
from trainer_fixtures import NEEDS_TF

from converter.errors import DataError, UsageError

pytestmark = NEEDS_TF


def test_the_error_of_a_function_replaces_that_of_tensorflow_and_is_forgotten_later():
    import tensorflow as tf

    from trainer.input.failures import input_errors, noted

    @noted
    def refused(_):
        raise DataError("a.png", "is damaged", "Restore it.", "E_DAMAGED")

    def read(element):
        return tf.numpy_function(refused, (element,), tf.int64)

    with pytest.raises(DataError, match=r"a\.png: is damaged"), input_errors():
        list(tf.data.Dataset.range(2).map(read))
    with pytest.raises(UsageError, match="another"), input_errors():
        with contextlib.suppress(DataError):
            refused(0)  # as a thread that has read ahead
        raise UsageError("--size", "is another", "Leave it out.")
    with input_errors():
        pass
