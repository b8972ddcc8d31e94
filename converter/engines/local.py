"""Local: an engine that runs tasks in a pool of processes on this machine.

A worker reports through a pipe which unit of which task it has done, so that a crash is traced to the unit that it was
working on: most often the pair that killed it.
"""

from __future__ import annotations

import contextlib
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

POLL_S = 0.1  # interval for reading events: short enough for a smooth progress bar

# Address space of a worker. An image of MAX_PIXELS takes up to 20 bytes per pixel, the libraries about 1 GB and a few
# threads per CPU; three times that stops only a decoder that runs away on a hostile file.
WORKER_BYTES = 4 * 2**30 + 64 * MAX_PIXELS + 2 * MAX_FILE_BYTES
THREAD_BYTES = 64 * 2**20  # per CPU: stack and malloc arena of a NumPy thread
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
_KEPT_BYTES, _HEAP_BYTES = 256 * 2**20, 32 * 2**20  # the second is glibc's maximum
_EVENT = struct.Struct("<iB")  # index of the task; 0: begun, 1: one more unit done

_events: Connection | None = None  # in a worker: the pipe for its events


def local(
    function: Callable[[Any, Tick], Any], tasks: Sequence[Any], workers: int, *, fork: bool = False
) -> Generator[Event, None, None]:
    """Runs tasks in a pool of processes: an Engine.

    Even a single worker is a separate process: a decoder that crashes kills its worker, never the build.

    A spawned worker starts from scratch and inherits no lock, open file or half-written buffer. That costs a start of
    Python and all imports, about 0.2 s of CPU. A forked worker has the imports already, and is as safe while this
    process has one thread (no other can hold a lock at the fork) and the function needs no file of this process. The
    pool's own threads start after the fork.

    Args:
      function: importable; gets a task and a function to call after each unit of work.
      tasks: picklable, at least one.
      workers: maximum number of processes.
      fork: forks the workers instead of spawning them if this process has one thread.
    """
    context = multiprocessing.get_context("fork" if fork and _num_threads() == 1 else "spawn")
    if context.get_start_method() == "spawn":  # forked workers need no resource tracker
        with signals_blocked():
            resource_tracker.ensure_running()  # first, since it unblocks signals once it has started
    # Workers report through a pipe: it needs no file, so a full disk does not matter, and it outlives the writer.
    reader, writer = context.Pipe(duplex=False)
    pool = ProcessPoolExecutor(min(workers, len(tasks)), context, _start_worker, (writer, os.getpid()))
    children: set[BaseProcess] = set()
    is_broken = False
    try:
        with signals_blocked():
            futures = {pool.submit(_run, function, number, task): number for number, task in enumerate(tasks)}
        children.update(multiprocessing.active_children())
        yield from _events_of(futures, reader)
    except BrokenProcessPool:
        is_broken = True
        yield from _received(reader)
    finally:
        # After a success the workers are idle; after a failure their results are not needed.
        for child in multiprocessing.active_children():
            child.kill()
        pool.shutdown(cancel_futures=True)
        reader.close()
        writer.close()
    if is_broken:
        yield Lost(_how_ended(children))


local_forked = functools.partial(local, fork=True)  # also an Engine, for short tasks


def _events_of(futures: Mapping[Future[Any], int], reader: Connection) -> Iterator[Event]:
    """Yields the events of all tasks; raises what the first failed task raised."""
    pending = set(futures)
    failed: BrokenProcessPool | None = None
    while pending:
        finished, pending = wait(pending, POLL_S, FIRST_EXCEPTION)
        yield from _received(reader)
        for future in finished:
            try:
                yield Finished(futures[future], future.result())
            except BrokenProcessPool as error:  # every pending future gets it, though some may have finished
                failed = error
    if failed is not None:
        raise failed


def _received(reader: Connection) -> Iterator[Event]:
    """Yields the events that the workers have sent so far."""
    while reader.poll():
        number, done = _EVENT.unpack(reader.recv_bytes())
        yield UnitDone(number) if done else Begun(number)


def _how_ended(children: set[BaseProcess]) -> str:
    """Returns how the worker of a pool of one ended: "signal 9" or "exit code 1"; "one of several" for larger pools."""
    codes = {child.exitcode for child in children}
    if len(children) != 1 or None in codes:
        return "one of several"
    (code,) = codes
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"


def _num_threads() -> int:
    """Returns the number of threads of this process, including those of libraries; 0 where it is unknown."""
    try:
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:
        return 0


def _start_worker(events: Connection, parent: int) -> None:
    """Prepares a worker: it reports to `events`, has a memory limit, and ends with its parent."""
    global _events
    _events = events
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died before prctl took effect
            os._exit(1)
    keep_freed_memory()
    with contextlib.suppress(OSError, ValueError):  # some containers forbid it: without a limit it works as well
        _limit_memory()


def _limit_memory() -> None:
    """Limits the address space of this process; OSError or ValueError where that is not allowed."""
    most = WORKER_BYTES + THREAD_BYTES * (os.cpu_count() or 1)
    limits = [limit for limit in resource.getrlimit(resource.RLIMIT_AS) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([most, *limits]), resource.getrlimit(resource.RLIMIT_AS)[1]))


def keep_freed_memory() -> None:
    """Makes malloc keep freed memory for the next image instead of returning it; does nothing except on glibc.

    The buffers of an image take a few megabytes. By default they come from the kernel and go back to it, page by page,
    for every pair: a fifth of the time of a small one. The peak rises by a few megabytes at most.

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
        # Shorter than PIPE_BUF, so writes of two workers do not mix.
        _events.send_bytes(_EVENT.pack(event[0], isinstance(event, UnitDone)))
