"""Ray cluster: a cluster that does not answer is said at once, and events wait until they are taken."""

from __future__ import annotations

import socket
import sys
import types

import pytest

from converter.engines.events import Begun, UnitDone
from converter.engines.nodes import needs_of
from converter.engines.ray_cluster import Board, started
from converter.errors import UsageError


def test_a_cluster_that_does_not_answer_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", types.SimpleNamespace(is_initialized=lambda: False))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for address in (f"127.0.0.1:{port}", "127.0.0.1:99999999", "127.0.0.1:port"):
        with pytest.raises(UsageError, match=rf"finds no cluster at {address} \(.*\)\. Start one: ray start --head"):
            started(address, needs_of())


def test_events_wait_until_they_are_taken_once():
    board = Board()
    board.add(Begun(1))
    board.add(UnitDone(1))
    assert board.take() == [Begun(1), UnitDone(1)]
    assert board.take() == []
