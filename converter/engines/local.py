"""Local: an engine that runs tasks in a pool of processes on this machine.

A worker tells through a pipe which unit of which task it has done, so that one that dies is traced to the unit that
was in its hands: the pair that killed it, most often.
"""

from __future__ import annotations

import ctypes
import functools
import multiprocessing
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from converter.engines.events import Begun, Event, Finished, Lost, Tick, UnitDone, run_task
from converter.limits import MAX_FILE_BYTES, MAX_PIXELS
from converter.system.signals import signals_blocked

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


def local(
    function: Callable[[Any, Tick], Any], tasks: Sequence[Any], workers: int, *, fork: bool = False
) -> Generator[Event, None, None]:
    """Runs tasks in a pool of processes: an Engine.

    Even one worker is a process of its own: a decoder that crashes takes a worker along, never the build.

    A spawned worker begins anew: nothing that this process holds, a lock, a file, half a written buffer, can be in its
    way. That costs a start of Python and all imports, some 0.2 s of CPU. A forked worker has them already, and is as
    safe while this process has one thread (no other can hold a lock in the moment of the fork) and the function needs
    no file of this process. The threads of the pool itself begin after the fork.

    Args:
      function: importable; gets a task and a function to call after each unit of work.
      tasks: picklable, at least one.
      workers: number of processes, at most.
      fork: forks the workers if this process has one thread, instead of spawning them.
    """
    context = multiprocessing.get_context("fork" if fork and _num_threads() == 1 else "spawn")
    if context.get_start_method() == "spawn":  # forked workers need none
        with signals_blocked():
            resource_tracker.ensure_running()  # first, since it lets signals through again once it is started
    # Workers report through a pipe: it needs no file, which a full disk would refuse, and outlives whoever wrote.
    reader, writer = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context, _start_worker, (writer, os.getpid()))
    children: set[BaseProcess] = set()
    is_broken = False
    try:
        with signals_blocked():
            futures = {pool.submit(_run, function, number, task): number for number, task in enumerate(tasks)}
        children.update(multiprocessing.active_children())
        yield from _watched(futures, reader)
    except BrokenProcessPool:
        is_broken = True
        yield from _heard(reader)
    finally:
        # After a success the workers are idle; after a failure nothing that they still do is wanted.
        for child in multiprocessing.active_children():
            child.kill()
        pool.shutdown(cancel_futures=True)
        reader.close()
        writer.close()
    if is_broken:
        yield Lost(_how_ended(children))


local_forked = functools.partial(local, fork=True)  # an Engine as well, for tasks that are short


def _watched(futures: Mapping[Future[Any], int], reader: Connection) -> Iterator[Event]:
    """Yields events until there are no more; raises what the first failed task raised."""
    pending = set(futures)
    failed: BrokenProcessPool | None = None
    while pending:
        finished, pending = wait(pending, POLL_S, FIRST_EXCEPTION)
        yield from _heard(reader)
        for future in finished:
            try:
                yield Finished(futures[future], future.result())
            except BrokenProcessPool as error:  # all that are pending get it; some have come to their end before
                failed = error
    if failed is not None:
        raise failed


def _heard(reader: Connection) -> Iterator[Event]:
    """Yields what the workers have said."""
    while reader.poll():
        number, done = _EVENT.unpack(reader.recv_bytes())
        yield UnitDone(number) if done else Begun(number)


def _how_ended(children: set[BaseProcess]) -> str:
    """Returns how the worker of a pool of one ended, "signal 9" or "exit code 1"; of others only that they did."""
    codes = {child.exitcode for child in children}
    if len(children) != 1 or None in codes:
        return "one of several"
    (code,) = codes
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


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


def _run(function: Callable[[Any, Tick], Any], number: int, task: Any) -> Any:
    return run_task(function, number, task, _send)


def _send(event: Event) -> None:
    if _events is not None:
        # Shorter than PIPE_BUF: no two workers' words mix.
        _events.send_bytes(_EVENT.pack(event[0], isinstance(event, UnitDone)))
