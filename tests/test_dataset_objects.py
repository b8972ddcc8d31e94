"""Objects: files of a real S3 server are read whole, or what is wrong is said in one line without secrets."""

from __future__ import annotations

import pickle
import sys

import pytest

from converter.dataset import objects
from converter.dataset.objects import ObjectFolder
from converter.errors import DataError, MachineError, UsageError
from tests.fault_proxy import MODES, fault_proxy
from tests.object_server import SECRETS, needs_server, put, request


@pytest.fixture
def folder(port, bucket):
    for name, data in {"a.txt": b"one", ".segconv-x": b"", "below/b.txt": b"two"}.items():
        put(port, bucket, f"place/{name}", data)
    return ObjectFolder(f"s3://{bucket}/place")


def read(folder: ObjectFolder, name: str) -> bytes:
    with folder.open(name) as file:
        return file.read()


@needs_server
def test_the_names_are_those_of_the_folder_alone_hidden_ones_included(folder):
    assert folder.names() == [".segconv-x", "a.txt"]
    assert (read(folder, "a.txt"), folder.size("a.txt"), read(folder, ".segconv-x")) == (b"one", 3, b"")
    with pytest.raises(FileNotFoundError):
        folder.open("none.txt")
    with pytest.raises(FileNotFoundError):
        ObjectFolder(f"{folder.url}/nowhere").names()


@needs_server
def test_a_large_file_is_read_in_ranges_of_one_version(folder, port, monkeypatch):
    data = bytes(range(256)) * 40
    bucket_name = folder.url.split("/")[2]
    put(port, bucket_name, "place/big", data)
    monkeypatch.setattr(objects, "CHUNK_BYTES", 1000)
    assert read(folder, "big") == data

    asked = []
    original = ObjectFolder._get

    def replaced(self, name, options):
        if len(asked) == 4:
            put(port, bucket_name, "place/big", data[::-1])
        asked.append(options)
        return original(self, name, options)

    monkeypatch.setattr(ObjectFolder, "_get", replaced)
    with pytest.raises(MachineError, match="was replaced or deleted while it was read"):
        folder.open("big")
    assert len(asked) == 5


@needs_server
def test_a_folder_reaches_a_worker(folder):
    assert pickle.loads(pickle.dumps(folder)) == folder  # noqa: S301 - our own bytes


@needs_server
@pytest.mark.parametrize("mode", MODES)
def test_a_request_that_fails_once_is_asked_again(mode, folder, port, monkeypatch):
    with fault_proxy(port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        objects.client_of.cache_clear()
        for failing in range(1, 3):
            proxy.reset(failing, mode)
            assert (folder.names(), read(folder, "a.txt")) == ([".segconv-x", "a.txt"], b"one")
            assert proxy.count == 3


@needs_server
@pytest.mark.parametrize(
    ("mode", "what"),
    [
        ("error", "the server answers with error 500, also when asked again"),
        ("slow down", "the server answers with error 503, also when asked again"),
        ("reset", "the connection broke off"),
        ("hang", "the server does not answer within"),
    ],
)
def test_a_server_that_goes_on_failing_is_one_line_within_a_bound(mode, what, folder, port, monkeypatch):
    monkeypatch.setattr(objects, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(objects, "MAX_REQUEST_RETRIES", 2)
    with fault_proxy(port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        objects.client_of.cache_clear()
        proxy.reset(1, mode, lasts=True)
        with pytest.raises(MachineError) as caught:
            folder.open("a.txt")
        assert proxy.count == (9 if mode == "reset" else 3)
    assert (caught.value.where, caught.value.code) == (f"{folder.url}/a.txt", "E_NETWORK")
    assert what in caught.value.what
    error = caught.value  # what the server said is in no traceback
    assert (error.__cause__, error.__suppress_context__) == (None, True)


@needs_server
@pytest.mark.parametrize(
    ("mode", "what"),
    [
        ("forbidden", "is forbidden"),
        ("moved", "is in a bucket of another region"),
        ("wrong region", "is in a bucket of another region"),
    ],
)
def test_what_cannot_pass_is_said_at_once_in_one_line_and_not_asked_again(mode, what, folder, port, monkeypatch):
    with fault_proxy(port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        objects.client_of.cache_clear()
        for ask in (lambda: folder.open("a.txt"), folder.names):
            proxy.reset(1, mode, lasts=True)
            with pytest.raises(UsageError) as caught:
                ask()
            assert proxy.count == 1
            assert (caught.value.code, caught.value.exit_code) == ("E_BUCKET", 2)
            assert what in caught.value.what
            assert "AKIA" not in str(caught.value)


@needs_server
def test_a_name_that_no_file_can_have_is_named(port, bucket):
    request(port, f"{bucket}/place/..%2Fx", "PUT", b"x")
    with pytest.raises(DataError, match="holds an object whose name no file can have"):
        ObjectFolder(f"s3://{bucket}/place").names()


@needs_server
def test_a_server_that_is_not_there_is_one_line(folder, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    objects.client_of.cache_clear()
    with pytest.raises(MachineError, match="the server cannot be reached"):
        folder.names()


@needs_server
def test_a_bucket_that_does_not_exist_is_said_by_every_request(bucket):
    folder = ObjectFolder("s3://no-such-bucket/place")
    for ask in (folder.names, lambda: folder.open("a")):
        with pytest.raises(UsageError) as caught:
            ask()
        assert "is in a bucket that does not exist" in caught.value.what


@pytest.mark.parametrize(
    ("said", "what", "kind"),
    [
        ("status: 403 <Code>AccessDenied</Code> AKIAOURKEY", "is forbidden", UsageError),
        ("<Code>PermanentRedirect</Code> our-secret-key", "is in a bucket of another region", UsageError),
        ("<Code>AuthorizationHeaderMalformed</Code>", "is in a bucket of another region", UsageError),
        ("<Code>NoSuchBucket</Code>", "is in a bucket that does not exist", UsageError),
        ("error sending http://169.254.169.254/latest", "needs credentials, and the environment has none", UsageError),
        ("kind: Timeout", "does not answer within", MachineError),
        ("status: 503", "answers with error 503", MachineError),
    ],
)
def test_what_a_server_says_is_understood_and_never_repeated(said, what, kind):
    error = objects._failure("s3://bucket/x", said)
    assert type(error) is kind
    assert what in error.what
    assert not any(secret in str(error) for secret in SECRETS.values())


def test_without_obstore_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    objects.client_of.cache_clear()
    with pytest.raises(UsageError) as caught:
        _ = ObjectFolder("s3://bucket/x").client
    assert (caught.value.code, caught.value.fix) == ("E_NO_OBSTORE", "Install it: pip install 'segconv[cloud]'")
    objects.client_of.cache_clear()


def test_a_web_server_lists_nothing():
    with pytest.raises(UsageError, match="lists no files"):
        ObjectFolder("http://127.0.0.1:1/x").names()
