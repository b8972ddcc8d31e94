"""A real S3 server on loopback, moto's, as a process of its own; and what a test asks of it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

REASON = "needs obstore and moto[server]: pip install 'segconv[cloud]' 'moto[server]'"
HAS_SERVER = all(importlib.util.find_spec(name) for name in ("obstore", "moto", "flask"))
needs_server = pytest.mark.skipif(not HAS_SERVER, reason=REASON)
SECRETS = {"AWS_ACCESS_KEY_ID": "AKIAOURKEY", "AWS_SECRET_ACCESS_KEY": "our-secret-key"}


def environment(port: int) -> dict[str, str]:
    return {**SECRETS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_REGION": "us-east-1"}


def request(port: int, path: str, method: str = "GET", data: bytes | None = None) -> bytes:
    kind = {"Content-Type": "application/octet-stream"}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", data, kind, method=method)
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310
        return answer.read()


@contextlib.contextmanager
def server() -> Iterator[int]:
    """Starts a server and yields its port, once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **SECRETS}
    )
    assert process.stderr is not None
    try:
        for line in process.stderr:  # it says when it listens
            if b"Running on" in line:
                break
        else:
            raise AssertionError("the server did not start")
        drain = threading.Thread(target=lambda stream: [None for _ in stream], args=(process.stderr,))
        drain.start()  # or the server would wait for a reader of its log
        yield port
    finally:
        process.kill()
        process.wait()
        if "drain" in locals():
            drain.join()
        process.stderr.close()


def client(port: int, bucket: str, prefix: str = ""):
    """Returns an obstore client of a bucket, past everything under test."""
    from obstore.store import S3Store

    config = {"endpoint": f"http://127.0.0.1:{port}", "region": "us-east-1"}
    keys = {"access_key_id": SECRETS["AWS_ACCESS_KEY_ID"], "secret_access_key": SECRETS["AWS_SECRET_ACCESS_KEY"]}
    return S3Store(bucket, prefix=prefix or None, **config, **keys, client_options={"allow_http": True})


def put(port: int, bucket: str, name: str, data: bytes) -> None:
    import obstore

    obstore.put(client(port, bucket), name, data)


def objects(port: int, bucket: str, prefix: str = "") -> dict[str, bytes]:
    """Returns name -> content of the objects below a prefix, hidden ones included."""
    import obstore

    store = client(port, bucket, prefix)
    return {each["path"]: bytes(obstore.get(store, each["path"]).bytes()) for each in obstore.list(store).collect()}
