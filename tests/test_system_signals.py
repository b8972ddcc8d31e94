"""Signals: blocked inside a block, delivered after it, and the previous mask is restored."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from converter.system.signals import ENDING_SIGNALS, signals_blocked


@pytest.mark.parametrize("number", ENDING_SIGNALS)
def test_a_signal_is_delivered_behind_the_block_and_not_in_it(number):
    heard: list[int] = []
    before = signal.signal(number, lambda which, frame: heard.append(which))
    try:
        with signals_blocked():
            signal.pthread_kill(threading.get_ident(), number)  # sent to the process, a NumPy thread might get it
            assert heard == []
            assert number in signal.sigpending()
        assert heard == [number]
    finally:
        signal.signal(number, before)


def test_other_signals_are_not_held():
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda which, frame: heard.append(which))
    try:
        with signals_blocked():
            os.kill(os.getpid(), signal.SIGUSR1)
            assert heard == [signal.SIGUSR1]
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_the_mask_of_before_comes_back_also_after_an_error_and_from_a_block_in_a_block():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with pytest.raises(KeyError), signals_blocked():
        with signals_blocked():
            pass
        assert set(ENDING_SIGNALS) <= signal.pthread_sigmask(signal.SIG_BLOCK, ())
        raise KeyError
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


ENDED = """
import os, signal, sys
from converter.system.signals import ended_within

signal.signal(signal.SIGINT, lambda *_: None)  # as if the handler could not run
with ended_within(0.2, lambda: print("ended", flush=True)):
    os.kill(os.getpid(), signal.SIGINT)
    if sys.argv[1] == "stuck":
        signal.pause()
print("left")
"""


@pytest.mark.parametrize(("what", "told", "code"), [("stuck", "ended\n", 130), ("quick", "left\n", 0)])
def test_a_process_ends_in_time_only_where_the_block_does_not(what, told, code):
    done = subprocess.run([sys.executable, "-c", ENDED, what], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == (told, code), done.stderr
