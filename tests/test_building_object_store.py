"""Object store: a build to a real S3 server is whole, resumable and byte-identical, whatever fails."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import threading
import time

import pytest

from converter.building import lease as leases
from converter.building.array import Share, build_share
from converter.building.build import build
from converter.building.commit import JOURNAL
from converter.building.object_store import ObjectStore
from converter.building.store import hidden
from converter.dataset import objects
from converter.errors import MachineError, UsageError
from converter.schema import MANIFEST
from converter.system.urls import UrlPath
from converter.verifying.report import VerifyConfig
from converter.verifying.verify import verify
from tests.builds import config
from tests.command_line import COMMAND, SMALL, assert_one_line
from tests.conftest import visible, write_dataset
from tests.fault_proxy import MODES, fault_proxy
from tests.in_process import in_process
from tests.object_server import SECRETS, needs_server, put
from tests.object_server import objects as objects_in

pytestmark = needs_server
SHARD = "d-train.tfrecord-00000-of-00001"
EACH_MODE = [pytest.param(mode, marks=() if mode == "error" else pytest.mark.slow) for mode in MODES]


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "dataset", train=3, val=1)


@pytest.fixture
def wanted(dataset, bucket):
    return config(dataset, UrlPath(f"s3://{bucket}/records"), shards=1)


@pytest.fixture
def local(dataset, tmp_path):
    """The bytes of a build on one machine."""
    build(config(dataset, tmp_path / "local", shards=1), engine=in_process)
    return visible(tmp_path / "local")


@pytest.fixture
def there(port, bucket):
    """Returns the visible files below the address of the records."""

    def names() -> dict[str, bytes]:
        found = objects_in(port, bucket, "records")
        return {name: data for name, data in found.items() if not name.startswith(".segconv-")}

    return names


@pytest.fixture
def proxy(port, monkeypatch, bucket):
    """A proxy before the server, through which everything under test goes."""
    with fault_proxy(port) as found:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{found.port}")
        monkeypatch.setattr(objects, "MAX_REQUEST_RETRIES", 2)
        objects.client_of.cache_clear()
        yield found


def test_a_build_has_the_bytes_of_a_local_one_and_the_next_changes_nothing(
    wanted, local, there, port, bucket, monkeypatch
):
    monkeypatch.setattr("converter.system.files.SETTLED_NS", -(10**18))  # else the next notes the stamps of new files
    build(wanted, engine=in_process)
    assert there() == local
    everything = objects_in(port, bucket)
    assert all(".receipt" in name for name in everything if ".segconv-" in name)
    assert build(wanted, engine=in_process).is_up_to_date
    assert objects_in(port, bucket) == everything
    assert build(dataclasses.replace(wanted, rehash=True), engine=in_process).is_up_to_date


def test_a_change_of_a_source_makes_its_shard_again(wanted, there, dataset, tmp_path):
    build(wanted, engine=in_process)
    (dataset / "png/m0.png").write_bytes((dataset / "png/m1.png").read_bytes())
    assert build(wanted, engine=in_process).reused == 1
    build(config(dataset, tmp_path / "fresh", shards=1), engine=in_process)
    assert there() == visible(tmp_path / "fresh")


def test_a_shard_that_was_replaced_by_another_hand_is_made_again(wanted, local, there, port, bucket):
    build(wanted, engine=in_process)
    name = next(name for name in local if name.endswith("-of-00001") and "val" in name)
    put(port, bucket, f"records/{name}", local[name][:-1] + b"?")
    report = verify(VerifyConfig(wanted.out, workers=1), engine=in_process)
    assert report.damaged == [name]
    assert build(wanted, engine=in_process).reused == 1
    assert there() == local
    put(port, bucket, f"records/{name}", b"?")
    repaired = verify(VerifyConfig(wanted.out, wanted.source, None, repair=True, workers=1), engine=in_process)
    assert (repaired.problems, repaired.repaired) == ([], [name, f"{name}.idx"])
    assert there() == local


@pytest.mark.parametrize("mode", EACH_MODE)
def test_whichever_request_fails_for_good_the_next_build_is_whole(mode, wanted, local, there, proxy, monkeypatch):
    monkeypatch.setattr(leases, "RENEW_S", 60.0)
    monkeypatch.setattr(objects, "MAX_REQUEST_RETRIES", 0)
    monkeypatch.setattr(objects, "MAX_BODY_TRIES", 1)
    proxy.reset()
    build(wanted, engine=in_process)
    number = proxy.count
    step = len(MODES)  # every mode has its share of the requests, so that all together fail at each
    for failing in range(1 + MODES.index(mode), number + 1, step):
        store = ObjectStore(str(wanted.out))
        proxy.reset()
        for name in store.names():
            store.delete(name)
        proxy.reset(failing, mode, lasts=True)
        try:
            build(wanted, engine=in_process)
        except MachineError as error:
            assert error.code == "E_NETWORK"
        else:
            assert failing > number - 3  # it is whole, and its lease could not be given back
        proxy.reset()
        found = there()
        if MANIFEST in found:
            assert found == local
        proxy.reset()
        monkeypatch.setattr(leases, "LEASE_S", -1.0)  # that of the failed build could not be given back
        build(wanted, engine=in_process)
        assert there() == local, failing
        monkeypatch.setattr(leases, "LEASE_S", 60.0)


@pytest.mark.parametrize("mode", EACH_MODE)
def test_whichever_request_fails_once_the_build_is_whole(mode, wanted, local, there, proxy, monkeypatch):
    monkeypatch.setattr(leases, "RENEW_S", 60.0)
    build(wanted, engine=in_process)
    number = proxy.count
    for failing in range(1 + MODES.index(mode), number + 1, len(MODES)):
        store = ObjectStore(str(wanted.out))
        proxy.reset()
        for name in store.names():
            store.delete(name)
        proxy.reset(failing, mode)
        build(wanted, engine=in_process)
        assert there() == local, failing


@pytest.mark.slow
def test_a_build_that_is_killed_at_any_request_goes_on_to_the_same_bytes(wanted, local, there, proxy, tmp_path):
    command = [*COMMAND, "build", "--src", "dataset", "--out", str(wanted.out), "--shards", "1", *SMALL]
    for failing in (4, 16, 22, 36):
        store = ObjectStore(str(wanted.out))
        for name in store.names() if store.exists("") else ():
            store.delete(name)
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        proxy.reset(failing, "reset", lasts=True)
        proxy.on_fault = process.kill
        assert process.wait(60) == -9
        proxy.reset()
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert there() == local


@pytest.mark.parametrize(("number", "failing"), [(signal.SIGINT, 2), (signal.SIGTERM, 8)])
def test_a_signal_ends_a_build_whose_server_does_not_answer(number, failing, wanted, proxy, tmp_path):
    command = [*COMMAND, "build", "--src", "dataset", "--out", str(wanted.out), "--shards", "1", *SMALL]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    is_hanging = threading.Event()
    proxy.reset(failing, "hang", lasts=True)
    proxy.on_fault = is_hanging.set
    assert is_hanging.wait(60)
    process.send_signal(number)
    started = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert time.monotonic() - started < 15
    assert "Traceback" not in said


def test_a_second_build_is_told_in_one_line_and_no_secret_is_said(segconv, wanted, dataset):
    with ObjectStore(str(wanted.out)).lock():
        done = segconv("-v", "build", "--src", "dataset", "--out", wanted.out, *SMALL)
    assert done.returncode == 2
    assert f"Error: {wanted.out}: is being written by another segconv (process {os.getpid()} on" in done.stderr
    assert not any(secret in done.stderr + done.stdout for secret in SECRETS.values())


def test_a_bucket_that_is_missing_is_one_line(segconv, wanted, dataset):
    done = segconv("build", "--src", "dataset", "--out", "s3://no-such-bucket/records", *SMALL)
    assert_one_line(done, 2, "s3://no-such-bucket/records: is in a bucket that does not exist. Correct the address.")
    done = segconv("verify", "s3://no-such-bucket/records")
    assert_one_line(done, 2, "is in a bucket that does not exist")


def test_a_builder_that_was_asleep_publishes_nothing(wanted, local, there, dataset, monkeypatch):
    build(wanted, engine=in_process)
    (dataset / "png/m0.png").write_bytes((dataset / "png/m1.png").read_bytes())
    monkeypatch.setattr(leases, "LEASE_S", -1.0)

    def asleep(function, tasks, workers):
        yield from in_process(function, tasks, workers)
        leases.Lease(ObjectStore(str(wanted.out))).take()  # another build meanwhile

    with pytest.raises(MachineError, match="was taken over by another build"):
        build(wanted, engine=asleep)
    assert there() == local


def test_a_secret_of_the_environment_is_in_no_file(wanted, port, bucket):
    build(wanted, engine=in_process)
    everything = b"".join(objects_in(port, bucket).values())
    assert not any(secret.encode() in everything for secret in SECRETS.values())
    assert b"s3://" not in everything


@pytest.mark.parametrize(
    "raw", [b"x", b"[]", b'{"give": ["../x"], "delete": [], "tags": {}}', b'{"give": [], "delete": []}']
)
def test_a_journal_that_is_none_of_ours_moves_and_deletes_nothing(raw, port, bucket):
    store = ObjectStore(f"s3://{bucket}/records")
    for name in (hidden(MANIFEST), "x"):
        store.put(name, b"y")
    store.put(JOURNAL, raw)
    before = objects_in(port, bucket)
    with pytest.raises(UsageError, match="that segconv did not write"):
        store.finish()
    assert objects_in(port, bucket) == before


def test_a_staged_file_that_changed_after_the_journal_is_not_published(port, bucket, monkeypatch):
    store = ObjectStore(f"s3://{bucket}/records")
    with store.stage(SHARD) as file:
        file.write(b"right")
    with monkeypatch.context() as dead:
        dead.setattr(ObjectStore, "finish", lambda self: None)
        store.publish([SHARD], {MANIFEST: b"{}"}, ())
    put(port, bucket, f"records/{hidden(SHARD)}", b"wrong")
    with pytest.raises(UsageError, match=f"of which {SHARD} is missing or was changed"):
        store.finish()
    store.put(hidden(SHARD), b"right")
    store.finish()
    assert objects_in(port, bucket, "records") == {SHARD: b"right", MANIFEST: b"{}"}


def test_tasks_of_an_array_stage_at_an_address(wanted, local, there):
    for number in (1, 0):
        build_share(wanted, Share(number, 2), engine=in_process)
    assert there() == {}
    with ObjectStore(str(wanted.out)).lock(), pytest.raises(UsageError, match="is being written by a build"):
        build_share(wanted, Share(0, 2), engine=in_process)
    build(wanted, engine=in_process, only_publish=True)
    assert there() == local
