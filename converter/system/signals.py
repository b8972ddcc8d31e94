"""Signals: blocking those that end a process, or ending it in time whatever it is doing."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Blocks the signals that end a process until the block has ended.

    Processes started in the block inherit the signal mask and keep it: Ctrl-C and a closed terminal reach all
    processes at once, but only this one should handle them, and it ends the others. Only the calling thread is
    affected: the command line has no other; in a program with several threads, another one may get a signal.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def ended_within(seconds: float, before_end: Callable[[], None]) -> Iterator[None]:
    """Ends the process that many seconds after a signal to end, where the block has not ended by then.

    Python runs the handlers of signals between two of its own instructions: a native call that takes a minute, such as
    a training step, would hold Ctrl-C back for as long. What is being written keeps its temporary name.

    Args:
      seconds: time for the block to end by itself, with an exception.
      before_end: called in a thread right before the process ends.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are handled by the main thread
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)  # as set_wakeup_fd demands
    has_ended = threading.Event()

    def watch() -> None:
        while number := os.read(reader, 1):
            if number[0] in ENDING_SIGNALS and not has_ended.wait(seconds):
                before_end()
                os._exit(128 + number[0])

    watcher = threading.Thread(target=watch, name="signals", daemon=True)
    former = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    watcher.start()
    try:
        yield
    finally:
        has_ended.set()
        signal.set_wakeup_fd(former)
        os.close(writer)
        watcher.join()
        os.close(reader)
