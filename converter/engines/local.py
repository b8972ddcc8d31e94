"""Local: tasks in a pool of processes on this machine."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Generic, TypeVar

from converter.errors import MachineError
from converter.limits import MAX_DEATHS, MAX_FILE_BYTES, MAX_PIXELS
from converter.system.signals import held_signals

Task = TypeVar("Task")
Result = TypeVar("Result")
Tick = Callable[[], None]
POLL_S = 0.1  # how often the number of finished units is looked at: fast enough for a smooth bar

# Address space of a worker. A picture of MAX_PIXELS takes some 20 bytes a pixel at its worst, libraries about 1 GB and
# a few threads for each processor; thrice that stops nothing but a decoder that has been led astray.
WORKER_BYTES = 4 * 2**30 + 64 * MAX_PIXELS + 2 * MAX_FILE_BYTES
THREAD_BYTES = 64 * 2**20  # for each processor: stack and arena of a thread of NumPy's
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_KEPT_BYTES, _HEAP_BYTES = 256 * 2**20, 32 * 2**20  # the second is the most that glibc takes
_EVENT = struct.Struct("<iB")  # number of the task; 0: begun, 1: one more unit of it is done
_events: Connection | None = None  # in a worker: where it says what it has done


def run_local(
    function: Callable[[Task, Tick], Result],
    tasks: list[Task],
    workers: int,
    on_progress: Callable[[int], None],
    without: Callable[[Task, int, str], Task] | None = None,
    *,
    fork: bool = False,
) -> list[Result]:
    """Runs tasks in a pool of processes and returns their results in the order of the tasks.

    Even one worker is a process of its own: a decoder that crashes takes a worker along, never the build. When one is
    lost, the tasks that were in work are tried again, each alone in a process of its own; the others go on after that.
    A task whose workers die twice at the same unit goes on without it.

    A spawned worker begins anew: nothing that this process holds, a lock, a file, half a written buffer, can be in its
    way. That costs a start of Python and all imports, some 0.2 s of CPU. A forked worker has them already, and is as
    safe while this process has one thread (no other can hold a lock in the moment of the fork) and the function needs
    no file of this process. The threads of the pool itself begin after the fork.

    Args:
      function: importable; gets a task and a function to call after each unit of work.
      tasks: picklable.
      workers: number of processes, at most.
      on_progress: called here with the number of finished units.
      without: returns a task without one of its units: (task, number of the unit from 0, how its worker ended).
      fork: forks the workers if this process has one thread, instead of spawning them.

    Raises:
      MachineError: workers were lost at different units of a task, or `without` is None.
      Whatever `function` raises; the other workers are ended first.
    """
    run = _Run(function, list(tasks), on_progress, fork)
    deaths: dict[int, list[int]] = {}  # task -> units at which it lost a worker
    suspects: list[int] = []
    idle_losses = 0
    while len(run.results) < len(tasks):
        alone = suspects.pop(0) if suspects else None
        numbers = [alone] if alone is not None else [n for n in range(len(tasks)) if n not in run.results]
        loss = run.in_pool(numbers, workers)
        if loss is None:
            continue
        if not loss.units:  # it died before it began, or after its last result
            idle_losses += 1
            if idle_losses == MAX_DEATHS:
                raise _lost_worker(loss.how)
        for number, unit in loss.units.items():
            before = deaths.setdefault(number, [])
            if alone is not None and unit in before:
                if without is None:
                    raise _lost_worker(loss.how)
                run.tasks[number] = without(run.tasks[number], unit, loss.how)
                before.clear()
            elif len(before) + 1 == MAX_DEATHS:
                raise _lost_worker(loss.how)
            else:
                before.append(unit)
            suspects.append(number)
    return [run.results[number] for number in range(len(tasks))]


@dataclass(frozen=True)
class _Loss:
    """A worker was lost: the units at which the tasks in work were, by number of the task, and how it ended."""

    units: dict[int, int]
    how: str


class _Run(Generic[Task, Result]):
    """What is known of the tasks of a run.

    Attributes:
      tasks: by number; one that lost its worker may have been replaced.
      fork: whether workers are forked where that is safe.
      results: of those that are done, by number.
      units: finished units of each task that was begun.
    """

    def __init__(
        self,
        function: Callable[[Task, Tick], Result],
        tasks: list[Task],
        on_progress: Callable[[int], None],
        fork: bool,
    ) -> None:
        self.function = function
        self.fork = fork
        self.tasks = tasks
        self.on_progress = on_progress
        self.results: dict[int, Result] = {}
        self.units: dict[int, int] = {}

    def in_pool(self, numbers: list[int], workers: int) -> _Loss | None:
        """Runs the tasks of these numbers; returns at the first loss of a worker, with all others ended."""
        context = multiprocessing.get_context("fork" if self.fork and _num_threads() == 1 else "spawn")
        if context.get_start_method() == "spawn":  # forked workers need none
            with held_signals():
                resource_tracker.ensure_running()  # first, since it lets signals through again once it is started
        # Workers report through a pipe: it needs no file, which a full disk would refuse, and outlives whoever wrote.
        reader, writer = context.Pipe(duplex=False)
        pool = ProcessPoolExecutor(min(workers, len(numbers)), context, _start_worker, (writer, os.getpid()))
        children: set[BaseProcess] = set()
        for number in numbers:
            self.units.pop(number, None)
        is_broken = False
        try:
            with held_signals():
                futures = {pool.submit(_run, self.function, n, self.tasks[n]): n for n in numbers}
            children.update(multiprocessing.active_children())
            self._watch(futures, reader)
        except BrokenProcessPool:
            is_broken = True
            self._listen(reader)
        finally:
            # After a success the workers are idle; after a failure nothing that they still do is wanted.
            for child in multiprocessing.active_children():
                child.kill()
            pool.shutdown(cancel_futures=True)
            reader.close()
            writer.close()
        if not is_broken:
            return None
        in_work = {n: self.units[n] for n in numbers if n in self.units and n not in self.results}
        return _Loss(in_work, _how_ended(children))

    def _watch(self, futures: Mapping[Future[Result], int], reader: Connection) -> None:
        """Takes results in until there are no more; raises what the first failed task raised."""
        pending = set(futures)
        failed: BrokenProcessPool | None = None
        while pending:
            finished, pending = wait(pending, POLL_S, FIRST_EXCEPTION)
            self._listen(reader)
            for future in finished:
                try:
                    self.results[futures[future]] = future.result()
                except BrokenProcessPool as error:  # all that are pending get it; some have come to their end before
                    failed = error
        if failed is not None:
            raise failed

    def _listen(self, reader: Connection) -> None:
        """Reads what the workers have said, and shows it."""
        while reader.poll():
            number, done = _EVENT.unpack(reader.recv_bytes())
            self.units[number] = self.units[number] + 1 if done else 0
        self.on_progress(sum(self.units.values()))


def _how_ended(children: set[BaseProcess]) -> str:
    """Returns how the worker of a pool of one ended, "signal 9" or "exit code 1"; of others only that they did."""
    codes = {child.exitcode for child in children}
    if len(children) != 1 or None in codes:
        return "one of several"
    (code,) = codes
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _lost_worker(how: str) -> MachineError:
    what = f"was killed, or crashed ({how}); too little memory is the usual reason"
    return MachineError("a worker", what, "Run again, with fewer workers (-j 1) if it recurs.", "E_WORKER")


def _num_threads() -> int:
    """Returns the number of threads of this process, those of libraries included; 0 where the system does not tell."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return 0


def _start_worker(events: Connection, parent: int) -> None:
    """Prepares a worker: it says in `events` what it has done, has a limit on its memory, and ends with its parent."""
    global _events
    _events = events
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before it could be tied to us
            os._exit(1)
    keep_freed_memory()
    most = WORKER_BYTES + THREAD_BYTES * (os.cpu_count() or 1)
    limits = [limit for limit in resource.getrlimit(resource.RLIMIT_AS) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([most, *limits]), resource.getrlimit(resource.RLIMIT_AS)[1]))


def keep_freed_memory() -> None:
    """Has the C library keep what is freed for the next picture, instead of giving it back; does nothing but on glibc.

    The buffers of a picture have a megabyte or some. By default they come from the kernel and go back to it, page by
    page, for every pair: a fifth of the time of a small one. The peak rises by some megabytes at most.

    Source: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _HEAP_BYTES)


def _run(function: Callable[[Task, Tick], Result], number: int, task: Task) -> Result:
    _tell(number, 0)
    return function(task, lambda: _tell(number, 1))


def _tell(number: int, done: int) -> None:
    if _events is not None:
        _events.send_bytes(_EVENT.pack(number, done))  # shorter than PIPE_BUF: no two workers' words mix
