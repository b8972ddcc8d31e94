"""Signals: blocking those that end a process, while an operation must not be interrupted."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

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
