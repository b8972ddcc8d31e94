"""Lease: of two builds at an address one holds it, and one that was asleep or is dead loses it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from converter.building import lease as leases
from converter.building.lease import LEASE, Lease, is_held
from converter.dataset import objects
from converter.dataset.objects import ObjectFolder
from converter.errors import MachineError, UsageError
from tests.fault_proxy import fault_proxy
from tests.object_server import needs_server, put
from tests.object_server import objects as objects_in

pytestmark = needs_server


@pytest.fixture
def place(bucket):
    return ObjectFolder(f"s3://{bucket}/records")


def test_one_at_a_time_and_the_other_is_told_who_it_is(place):
    first = Lease(place)
    first.take()
    assert is_held(place)
    with first.renewed(), pytest.raises(UsageError, match=rf"another segconv \(process {os.getpid()} on ") as caught:
        Lease(place).take()
    assert caught.value.code == "E_LOCKED"
    assert not is_held(place)
    Lease(place).take()


def test_what_is_given_back_leaves_nothing(place, port, bucket):
    lease = Lease(place)
    lease.take()
    with lease.renewed():
        lease.check()
    assert objects_in(port, bucket) == {}


def test_a_lease_that_was_not_renewed_is_taken_over_and_its_holder_notices(place, monkeypatch):
    asleep, awake = Lease(place), Lease(place)
    asleep.take()
    monkeypatch.setattr(leases, "LEASE_S", -1.0)  # it has run out by the clock of the server
    awake.take()
    with pytest.raises(MachineError, match="was taken over by another build"):
        asleep.check()
    with asleep.renewed():  # gives back nothing that is not its own
        pass
    awake.check()


def test_of_two_that_take_over_at_once_one_wins(place, monkeypatch):
    Lease(place).take()
    monkeypatch.setattr(leases, "LEASE_S", -1.0)
    one, other = Lease(place), Lease(place)
    original = Lease._server_time

    def meanwhile(self):
        monkeypatch.setattr(Lease, "_server_time", original)
        one.take()
        return original(self)

    monkeypatch.setattr(Lease, "_server_time", meanwhile)
    with pytest.raises(UsageError, match="is being written"):
        other.take()
    one.check()


def test_the_lease_of_a_dead_process_of_this_machine_is_taken_over_at_once(place):
    taking = f"""
import os, signal
from converter.building.lease import Lease
from converter.dataset.objects import ObjectFolder
Lease(ObjectFolder({place.url!r})).take()
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", taking], timeout=60).returncode == -9
    Lease(place).take()


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b'{"process": "x", "machine": 3}', b"x" * 10_000])
def test_a_lease_that_cannot_be_read_counts_until_it_has_run_out(data, place, port, bucket, monkeypatch):
    put(port, bucket, f"records/{LEASE}", data)
    with pytest.raises(UsageError, match="is being written by another segconv"):
        Lease(place).take()
    monkeypatch.setattr(leases, "LEASE_S", -1.0)
    Lease(place).take()


@pytest.mark.parametrize("mode", ["lost", "error", "reset"])
def test_an_answer_that_is_lost_does_not_lose_the_lease(mode, place, port, monkeypatch):
    with fault_proxy(port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        objects.client_of.cache_clear()
        lease = Lease(place)
        proxy.reset(1, mode)
        lease.take()
        proxy.reset(1, mode)
        lease.check()
        lease.check()


def test_a_server_that_lets_everybody_hold_the_lease_is_refused(place, port, bucket, monkeypatch):
    with fault_proxy(port) as proxy:
        proxy.hides_conditions = True
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        objects.client_of.cache_clear()
        with pytest.raises(UsageError, match=r"ignores conditional writes .* Build into a folder with --out") as caught:
            Lease(place).take()
    assert caught.value.code == "E_BUCKET"
    assert objects_in(port, bucket) == {}


def test_it_is_renewed_while_the_block_runs(place, monkeypatch):
    monkeypatch.setattr(leases, "RENEW_S", 0.01)
    lease = Lease(place)
    lease.take()
    first = lease._e_tag
    with lease.renewed():
        while lease._e_tag == first:
            lease._ended.wait(0.01)
