"""The wait for input: the time of the input, and nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF, write_records

pytestmark = NEEDS_TF

SIZE = (24, 40)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "records"
    return folder, write_records(folder, SIZE, records={"train": [7, 5, 4], "val": [3]})


@dataclasses.dataclass
class FakeTime:
    """A clock that advances only by `work`."""

    now: float = 1000.0

    def read(self) -> float:
        """The clock."""
        return self.now

    def work(self, seconds: float) -> np.int64:
        """Advances the clock."""
        self.now += seconds
        return np.int64(1)


def test_the_input_wait_is_what_the_input_took_and_not_what_the_reader_took():
    from trainer.backend import tf
    from trainer.input.waiting import InputWait

    clock = FakeTime()
    wait = InputWait(clock.read)
    source = tf.data.Dataset.range(4).map(lambda _: tf.numpy_function(lambda: clock.work(3.0), (), tf.int64))
    for _ in wait.timed(source):
        clock.work(100.0)
    assert wait.take() == 4 * 3.0
    assert wait.take() == 0.0
    for _ in wait.timed(source.take(1)):
        pass
    assert wait.take() == 3.0


def test_nothing_asks_the_input_in_the_readers_stead():
    from trainer.backend import tf
    from trainer.input.waiting import InputWait

    clock = FakeTime()
    wait = InputWait(clock.read)
    elements = iter(wait.timed(tf.data.Dataset.range(50)))
    for _ in range(50):  # what is asked ahead of time, by whatever thread, would see the clock move while it waits
        clock.work(1.0)
        next(elements)
        clock.work(1.0)
    assert wait.take() == 0.0


def test_timing_leaves_elements_and_their_number_alone(records):
    from trainer.backend import tf
    from trainer.input.waiting import InputWait

    pairs = tf.data.Dataset.from_tensor_slices(({"image": [1, 2], "mask": [3, 4]},))
    timed = InputWait().timed(pairs)
    assert timed.element_spec == pairs.element_spec
    assert len(timed) == 2
    assert list(timed.as_numpy_iterator()) == list(pairs.as_numpy_iterator())
