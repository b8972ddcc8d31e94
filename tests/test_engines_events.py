"""Events: what a worker reports of a task, in order and with its index, and that events can be pickled."""

from __future__ import annotations

import pickle

import pytest

from converter.engines.events import Begun, Finished, Lost, UnitDone, run_task


def doubled(task, tick):
    for _ in range(task):
        tick()
    return 2 * task


def test_a_task_is_begun_and_each_of_its_units_told_under_its_number():
    told = []
    assert run_task(doubled, 7, 2, told.append) == 4
    assert told == [Begun(7), UnitDone(7), UnitDone(7)]


def test_a_task_that_fails_has_been_begun_and_its_error_passes():
    def fail(task, tick):
        tick()
        raise KeyError(task)

    told = []
    with pytest.raises(KeyError):
        run_task(fail, 0, "x", told.append)
    assert told == [Begun(0), UnitDone(0)]


@pytest.mark.parametrize("event", [Begun(1), UnitDone(2), Finished(3, ["result"]), Lost("signal 9")])
def test_an_event_arrives_from_another_process_as_what_it_is(event):
    again = pickle.loads(pickle.dumps(event))  # noqa: S301 - our own bytes
    assert (type(again), again) == (type(event), event)
