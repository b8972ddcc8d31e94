"""Fixtures of the tests that need an S3 server on loopback: one server for a module, a bucket for each test."""

from __future__ import annotations

import itertools

import pytest

from converter.dataset import objects
from tests.object_server import HAS_SERVER, REASON, environment, request, server

_numbers = itertools.count()


@pytest.fixture(scope="module")
def port():
    """The port of a server of this module."""
    if not HAS_SERVER:
        pytest.skip(REASON)
    with server() as found:
        yield found


@pytest.fixture
def bucket(port, monkeypatch, tmp_path):
    """The name of a new bucket; the environment leads to its server, with short pauses between tries."""
    name = f"bucket{next(_numbers)}"
    request(port, name, "PUT")
    for variable, value in environment(port).items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("SEGCONV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(objects, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(objects, "LONGEST_PAUSE_S", 0.01)
    objects.client_of.cache_clear()
    yield name
    objects.client_of.cache_clear()
