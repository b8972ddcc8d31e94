"""Engines: how shard tasks are run. One so far: a pool of processes on this machine.

An engine only maps tasks to results. What a fault means, what is kept and what is committed is the build's affair.
"""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from multiprocessing.synchronize import Semaphore
from pathlib import Path
from typing import TypeVar

from converter.errors import MachineError

Task = TypeVar("Task")
Result = TypeVar("Result")
Tick = Callable[[], None]

POLL_S = 0.1  # how often the number of finished units is looked at: fast enough for a smooth bar
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_done: Semaphore | None = None  # in a worker: raised by one for each finished unit


def run_local(
    function: Callable[[Task, Tick], Result],
    tasks: list[Task],
    workers: int,
    on_progress: Callable[[int], None],
    *,
    fork: bool = False,
) -> list[Result]:
    """Runs tasks in a pool of processes and returns their results in the order of the tasks.

    Even one worker is a process of its own: a decoder that crashes takes a worker along, never the build.

    A spawned worker begins anew: nothing that this process holds, a lock, a file, half a written buffer, can be in its
    way. That costs a start of Python and all imports, some 0.2 s of CPU. A forked worker has them already, and is as
    safe while this process has one thread (no other can hold a lock in the moment of the fork) and the function needs
    no file of this process. The threads of the pool itself begin after the fork.

    Args:
      function: importable; gets a task and a function to call after each unit of work.
      tasks: picklable.
      workers: number of processes, at most.
      on_progress: called here with the number of finished units.
      fork: forks the workers if this process has one thread, instead of spawning them.

    Raises:
      MachineError: a worker was lost.
      Whatever `function` raises; the other workers are ended first.
    """
    context = multiprocessing.get_context("fork" if fork and _num_threads() == 1 else "spawn")
    with held_signals():
        resource_tracker.ensure_running()  # first of all, since it lets signals through again once it is started
    # A semaphore counts the finished units: it needs neither a file, which a full disk would refuse, nor a message.
    done = context.Semaphore(0)
    num_done = 0
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context, _start_worker, (done, os.getpid()))
    try:
        with held_signals():
            futures = [pool.submit(_run, function, task) for task in tasks]
        pending = set(futures)
        while pending:
            finished, pending = wait(pending, POLL_S, FIRST_EXCEPTION)
            while done.acquire(block=False):
                num_done += 1
            on_progress(num_done)
            for future in finished:
                future.result()
        return [future.result() for future in futures]
    except BrokenProcessPool:
        what = "was killed, or crashed; too little memory is the usual reason"
        raise MachineError("a worker", what, "Run again, with fewer workers (-j 1) if it recurs.") from None
    finally:
        # After a success the workers are idle; after a failure nothing that they still do is wanted.
        for child in multiprocessing.active_children():
            child.kill()
        pool.shutdown(cancel_futures=True)


def _num_threads() -> int:
    """Returns the number of threads of this process, those of libraries included; 0 where the system does not tell."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return 0


@contextlib.contextmanager
def held_signals() -> Iterator[None]:
    """Holds back the signals that ask a process to end until the block has ended.

    Processes that are started in the block inherit that, and keep it: Ctrl-C and a closed terminal reach all
    processes at once, but only this one is to act on them, and it ends the others.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(done: Semaphore, parent: int) -> None:
    """Prepares a worker: it counts into `done`, and ends with its parent."""
    global _done
    _done = done
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before it could be tied to us
            os._exit(1)


def _run(function: Callable[[Task, Tick], Result], task: Task) -> Result:
    return function(task, _tick)


def _tick() -> None:
    if _done is not None:
        _done.release()
