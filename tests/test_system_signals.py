"""Signals: blocked inside a block, delivered after it, and the previous mask is restored."""

from __future__ import annotations

import os
import signal
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
