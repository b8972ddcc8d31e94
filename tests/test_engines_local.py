"""Local: tasks run in other processes, whose errors and crashes are reported, and none of which is left running."""

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

from converter.engines.events import Begun, Finished, Lost, UnitDone
from converter.engines.local import WORKER_BYTES, local, local_forked
from converter.engines.supervise import supervise
from converter.errors import DataError

held_by = "none"  # a worker with another value has it from the memory of its parent


def square(task, tick):
    tick()
    return task * task, os.getpid()


def fail_on_two(task, tick):
    if task == 2:
        raise DataError("pair 2", "is bad", "Mend it.", "E_TEST")
    return task


def die_at(task, tick):
    """A task of (number, units that kill, units to leave out, folder of marker files, one per start)."""
    number, fatal, without, marks = task
    (marks / f"{number}-{len(list(marks.glob(f'{number}-*')))}").touch()
    for unit in range(4):
        if unit in fatal and unit not in without:
            os._exit(7) if unit == 3 else os.kill(os.getpid(), signal.SIGKILL)
        tick()
    return number, os.getpid()


def leave_out(task, unit, how):
    number, fatal, without, marks = task
    (marks / f"without-{number}-{unit}-{how}").touch()
    return number, fatal, (*without, unit), marks


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


HEAD = """
from converter.engines.local import local, local_forked
from converter.engines.supervise import supervise
from tests import test_engines_local as here
"""


def start(code: str) -> subprocess.Popen[str]:
    """Starts a process in which only `code` starts threads; warnings are errors there."""
    command = [sys.executable, "-W", "error", "-c", f"{HEAD}\n{code}"]
    root = Path(__file__).parent.parent
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_results_come_in_the_order_of_the_tasks_from_other_processes():
    seen: list[int] = []
    results = supervise(local, square, list(range(6)), 2, seen.append)
    assert [result for result, _ in results] == [0, 1, 4, 9, 16, 25]
    assert os.getpid() not in {pid for _, pid in results}
    assert seen[-1] == 6
    assert multiprocessing.active_children() == []


def test_an_error_of_a_task_arrives_as_it_was_raised_and_ends_the_workers():
    with pytest.raises(DataError) as caught:
        supervise(local, fail_on_two, [0, 1, 2, 3], 2, lambda done: None)
    assert (caught.value.where, caught.value.code) == ("pair 2", "E_TEST")
    assert multiprocessing.active_children() == []


def test_a_unit_that_kills_its_worker_twice_is_left_out_and_the_others_are_done(tmp_path):
    tasks = [(0, (), (), tmp_path), (1, (1, 3), (), tmp_path), (2, (0,), (), tmp_path), (3, (), (), tmp_path)]
    seen: list[int] = []
    results = supervise(local, die_at, tasks, 2, seen.append, leave_out)
    assert [number for number, _ in results] == [0, 1, 2, 3]
    assert seen[-1] == 16
    left_out = sorted(path.name for path in tmp_path.glob("without-*"))
    assert left_out == ["without-1-1-signal 9", "without-1-3-exit code 7", "without-2-0-signal 9"]
    assert len(list(tmp_path.glob("2-*"))) >= 3
    assert multiprocessing.active_children() == []


def test_a_worker_may_take_what_any_picture_needs_and_not_without_bound():
    (some, limit), (too_much, _) = supervise(local, take_memory, [2**30, 2**40], 1, lambda done: None)
    assert (some, too_much) == (2**30, None)
    assert WORKER_BYTES <= limit < 2**40


FORKED = "supervise(local_forked, here.{}, [0, 1, 2, 3], 2, lambda done: None)"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many threads there are")
def test_a_forked_worker_has_the_memory_of_its_parent_and_a_spawned_one_has_not():
    out, error = start(f"here.held_by = 'parent'\nprint({FORKED.format('owner')})").communicate()
    assert (out, error) == ("['parent', 'parent', 'parent', 'parent']\n", "")
    out, error = start("here.held_by = 'parent'\nprint(supervise(local, here.owner, [0, 1], 2, print))").communicate()
    assert (out.splitlines()[-1], error) == ("['none', 'none']", "")


def test_a_process_with_a_second_thread_is_never_forked(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "held_by", "parent")
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    try:
        assert supervise(local_forked, owner, [0, 1], 2, lambda done: None) == ["none", "none"]
    finally:
        end.set()
        thread.join()


def test_a_forked_worker_that_is_killed_is_a_fault_of_the_machine_and_nothing_hangs():
    out, error = start(f"try: {FORKED.format('die_on_two')}\nexcept Exception as error: print(error)").communicate()
    assert "was killed or crashed" in out
    assert error == ""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker outlives its parent until its task is done")
@pytest.mark.parametrize("engine", ["local", "local_forked"])
def test_workers_end_with_a_parent_that_is_killed(engine):
    with start(f"supervise({engine}, here.end_never, [0], 1, lambda done: None)") as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "begun\n"
        parent.kill()
        assert parent.stdout.read() == ""  # returns once the worker, which also holds the other end, is gone


def test_what_happens_to_a_task_is_told_in_order_and_nothing_after_a_loss(tmp_path):
    told = list(local(die_at, [(0, (), (), tmp_path)], 1))
    assert told == [Begun(0), *[UnitDone(0)] * 4, Finished(0, told[-1].result)]
    assert told[-1].result[0] == 0
    assert list(local(die_at, [(0, (3,), (), tmp_path)], 1)) == [Begun(0), *[UnitDone(0)] * 3, Lost("exit code 7")]
    assert list(local(die_at, [(1, (0,), (), tmp_path)], 1)) == [Begun(0), Lost("signal 9")]
    assert multiprocessing.active_children() == []


def test_an_engine_that_is_closed_leaves_no_process(tmp_path):
    events = local(die_at, [(number, (), (), tmp_path) for number in range(9)], 2)
    assert next(events).task in range(2)
    events.close()
    assert multiprocessing.active_children() == []


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
