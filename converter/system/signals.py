"""Signals: holding back those that ask a process to end, while something must not be cut in two."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def signals_blocked() -> Iterator[None]:
    """Holds back the signals that ask a process to end until the block has ended.

    Processes that are started in the block inherit that, and keep it: Ctrl-C and a closed terminal reach all
    processes at once, but only this one is to act on them, and it ends the others. They are held for the thread that
    asks: the command line has no other; in a program that has, one of them may take a signal.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
