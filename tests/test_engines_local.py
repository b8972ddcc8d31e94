"""Engines: results in order, faults of workers passed on, no process left behind."""

from __future__ import annotations

import mmap
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from converter.engines.local import WORKER_BYTES, run_local
from converter.errors import DataError, MachineError

held_by = "none"  # a worker that has another value got it from the memory of its parent


def square(task, tick):
    tick()
    return task * task, os.getpid()


def fail_on_two(task, tick):
    if task == 2:
        raise DataError("pair 2", "is bad", "Mend it.", "E_TEST")
    return task


def die_at(task, tick):
    """A task of (number, units that kill, units to leave out, how often it was begun, as a folder of marks)."""
    number, deadly, without, marks = task
    (marks / f"{number}-{len(list(marks.glob(f'{number}-*')))}").touch()
    for unit in range(4):
        if unit in deadly and unit not in without:
            os._exit(7) if unit == 3 else os.kill(os.getpid(), signal.SIGKILL)
        tick()
    return number, os.getpid()


def leave_out(task, unit, how):
    number, deadly, without, marks = task
    (marks / f"without-{number}-{unit}-{how}").touch()
    return number, deadly, (*without, unit), marks


def die_elsewhere_each_time(marks, tick):
    begun = len(list(marks.iterdir()))
    (marks / str(begun)).touch()
    for _ in range(begun):
        tick()
    os.kill(os.getpid(), signal.SIGKILL)


def take_memory(size, tick):
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        return None, resource.getrlimit(resource.RLIMIT_AS)[0]
    return size, resource.getrlimit(resource.RLIMIT_AS)[0]


def die_on_two(task, tick):
    tick()
    if task == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return task


def owner(task, tick):
    return held_by


def end_never(task, tick):
    sys.stdout.write("begun\n")
    sys.stdout.flush()
    signal.pause()


def start(code: str) -> subprocess.Popen[str]:
    """Starts a process in which nothing but `code` has begun a thread; there a warning is an error."""
    head = "from tests import test_engines_local as here; from converter.engines.local import run_local"
    command = [sys.executable, "-W", "error", "-c", f"{head}\n{code}"]
    root = Path(__file__).parent.parent
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


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


def test_a_unit_that_kills_its_worker_twice_is_left_out_and_the_others_are_done(tmp_path):
    tasks = [(0, (), (), tmp_path), (1, (1, 3), (), tmp_path), (2, (0,), (), tmp_path), (3, (), (), tmp_path)]
    seen: list[int] = []
    results = run_local(die_at, tasks, 2, seen.append, leave_out)
    assert [number for number, _ in results] == [0, 1, 2, 3]
    assert seen[-1] == 16
    left_out = sorted(path.name for path in tmp_path.glob("without-*"))
    assert left_out == ["without-1-1-signal 9", "without-1-3-exit code 7", "without-2-0-signal 9"]
    assert len(list(tmp_path.glob("2-*"))) >= 3
    assert multiprocessing.active_children() == []


def test_a_worker_that_is_lost_once_costs_nothing(tmp_path):
    (tmp_path / "marks").mkdir()
    tasks = [tmp_path / "marks"]
    results = run_local(die_once, tasks, 1, lambda done: None)
    assert results == ["done"]


def die_once(marks, tick):
    begun = len(list(marks.iterdir()))
    (marks / str(begun)).touch()
    tick()
    if begun == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def test_without_a_way_to_leave_a_unit_out_a_worker_lost_twice_is_a_fault_of_the_machine(tmp_path):
    with pytest.raises(MachineError, match=r"was killed, or crashed \(signal 9\)") as caught:
        run_local(die_at, [(0, (), (), tmp_path), (1, (2,), (), tmp_path)], 2, lambda done: None)
    assert (caught.value.exit_code, caught.value.code) == (4, "E_WORKER")
    assert multiprocessing.active_children() == []


def test_workers_that_are_lost_here_and_there_are_a_fault_of_the_machine_and_of_no_unit(tmp_path):
    def must_not(task: object, unit: int, how: str) -> object:
        raise AssertionError(unit)

    with pytest.raises(MachineError, match="too little memory is the usual reason"):
        run_local(die_elsewhere_each_time, [tmp_path], 1, lambda done: None, must_not)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_worker_may_take_what_any_picture_needs_and_not_without_bound():
    (some, limit), (too_much, _) = run_local(take_memory, [2**30, 2**40], 1, lambda done: None)
    assert (some, too_much) == (2**30, None)
    assert WORKER_BYTES <= limit < 2**40


FORKED = "run_local(here.{}, [0, 1, 2, 3], 2, lambda done: None, fork=True)"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many threads there are")
def test_a_forked_worker_has_the_memory_of_its_parent_and_a_spawned_one_has_not():
    out, error = start(f"here.held_by = 'parent'\nprint({FORKED.format('owner')})").communicate()
    assert (out, error) == ("['parent', 'parent', 'parent', 'parent']\n", "")
    out, error = start("here.held_by = 'parent'\nprint(run_local(here.owner, [0, 1], 2, print))").communicate()
    assert (out.splitlines()[-1], error) == ("['none', 'none']", "")


def test_a_process_with_a_second_thread_is_never_forked(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "held_by", "parent")
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert run_local(owner, [0, 1], 2, lambda done: None, fork=True) == ["none", "none"]
    finally:
        end.set()
        thread.join()


def test_a_forked_worker_that_is_killed_is_a_fault_of_the_machine_and_nothing_hangs():
    out, error = start(f"try: {FORKED.format('die_on_two')}\nexcept Exception as error: print(error)").communicate()
    assert "was killed, or crashed" in out
    assert error == ""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker outlives its parent until its task is done")
@pytest.mark.parametrize("fork", [True, False])
def test_workers_end_with_a_parent_that_is_killed(fork):
    with start(f"run_local(here.end_never, [0], 1, lambda done: None, fork={fork})") as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "begun\n"
        parent.kill()
        assert parent.stdout.read() == ""  # comes back once the worker, which holds the other end as well, is gone


def test_what_a_worker_has_freed_is_there_for_the_next_picture_without_a_page_fault():
    code = """
import ctypes, resource, sys
from converter.engines.local import keep_freed_memory
if getattr(ctypes.CDLL(None), "mallopt", None) is None: sys.exit(77)
if sys.argv[1] == "keep": keep_freed_memory()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def picture(): return [bytearray(b"x") * (1 << size) for size in (18, 20, 22, 21)]
picture()
before = faults()
for _ in range(20): picture()
print(faults() - before)
"""
    counts = []
    for how in ("keep", "leave"):
        done = subprocess.run([sys.executable, "-c", code, how], capture_output=True, text=True)
        if done.returncode == 77:
            pytest.skip("glibc alone can be told")
        counts.append(int(done.stdout))
    assert counts[0] < 100 < 1000 < counts[1]
