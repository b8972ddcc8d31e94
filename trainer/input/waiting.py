"""Waiting: how long the reader of a dataset waits for its next element."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from trainer.backend import Tensor, tf


class InputWait:
    """Seconds that the reader of a dataset spent waiting for its next element.

    A reader that finds each element ready does not wait: decoding that happens in parallel does not count.

    Args:
      clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._asked = 0.0
        self._total = (
            0.0  # written only by the reading thread, as `_taken` is by the caller of `take`: no lock is needed
        )
        self._taken = 0.0

    def take(self) -> float:
        """Returns the seconds waited since the last call."""
        total = self._total
        waited, self._taken = total - self._taken, total
        return waited

    def timed(self, elements: tf.data.Dataset) -> tf.data.Dataset:
        """Returns the same elements, timing each one; must be the last stage."""

        def answer(_: Tensor, element: object) -> object:
            tf.numpy_function(self._answer, (), ())
            return element

        # zip requests an element of each part in turn, only when one is requested of it; both maps have a side effect,
        # which keeps them in step with the reader. tf.timestamp would be shorter, but is refused under determinism.
        # Not counter(), whose numbers cost more than the rest of this stage.
        endless = tf.data.Dataset.from_tensors(0).repeat()
        asked = endless.map(lambda _: tf.numpy_function(self._ask, (), tf.bool))
        options = tf.data.Options()
        options.experimental_optimization.map_parallelization = (
            False  # it would request elements before the reader does
        )
        options.experimental_optimization.inject_prefetch = False  # and so would this
        return tf.data.Dataset.zip((asked, elements)).map(answer).with_options(options)

    def _ask(self) -> np.bool_:
        self._asked = self._clock()
        return np.True_

    def _answer(self) -> None:
        self._total += self._clock() - self._asked
