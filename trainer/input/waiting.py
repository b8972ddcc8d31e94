"""Waiting: how long whoever reads a dataset waits for its next element."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from trainer.backend import Tensor, tf


class InputWait:
    """Seconds that the reader of a dataset spent waiting for its next element.

    A reader that finds each element ready waits for nothing: the time that the decoding took beside it does not count.

    Args:
      clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._asked = 0.0
        self._total = 0.0  # written by the reading thread alone, as `_taken` is by whoever takes: no lock is needed
        self._taken = 0.0

    def take(self) -> float:
        """Returns the seconds waited since the last call."""
        total = self._total
        waited, self._taken = total - self._taken, total
        return waited

    def timed(self, elements: tf.data.Dataset) -> tf.data.Dataset:
        """Returns the same elements, and from now on times each; must be the last stage."""

        def answer(_: Tensor, element: object) -> object:
            tf.numpy_function(self._answer, (), ())
            return element

        # zip asks its parts in turn, whenever it is asked itself, and both maps have an effect, which keeps them in
        # step with the reader. tf.timestamp would be the shorter way, but is refused under determinism.
        # Not counter(), whose numbers cost more than this whole stage besides.
        endless = tf.data.Dataset.from_tensors(0).repeat()
        asked = endless.map(lambda _: tf.numpy_function(self._ask, (), tf.bool))
        options = tf.data.Options()
        options.experimental_optimization.map_parallelization = False  # it would ask in the reader's stead
        options.experimental_optimization.inject_prefetch = False  # and so would this
        return tf.data.Dataset.zip((asked, elements)).map(answer).with_options(options)

    def _ask(self) -> np.bool_:
        self._asked = self._clock()
        return np.True_

    def _answer(self) -> None:
        self._total += self._clock() - self._asked
