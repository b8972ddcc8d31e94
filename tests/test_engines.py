"""Engines: results in order, faults of workers passed on, no process left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest

from converter.engines import run_local
from converter.errors import DataError, MachineError


def square(task, tick):
    tick()
    return task * task, os.getpid()


def fail_on_two(task, tick):
    if task == 2:
        raise DataError("pair 2", "is bad", "Mend it.", "E_TEST")
    return task


def die_on_two(task, tick):
    if task == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def test_results_come_in_the_order_of_the_tasks_from_other_processes():
    seen: list[int] = []
    results = run_local(square, list(range(6)), 2, seen.append)
    assert [result for result, _ in results] == [0, 1, 4, 9, 16, 25]
    assert os.getpid() not in {pid for _, pid in results}
    assert seen[-1] == 6
    assert multiprocessing.active_children() == []


def test_an_error_of_a_task_arrives_as_it_was_raised_and_ends_the_workers():
    with pytest.raises(DataError) as caught:
        run_local(fail_on_two, [0, 1, 2, 3], 2, lambda done: None)
    assert (caught.value.where, caught.value.code) == ("pair 2", "E_TEST")
    assert multiprocessing.active_children() == []


def test_a_killed_worker_is_a_fault_of_the_machine_and_nothing_hangs():
    with pytest.raises(MachineError, match="was killed, or crashed"):
        run_local(die_on_two, [0, 1, 2, 3], 2, lambda done: None)
    assert multiprocessing.active_children() == []
