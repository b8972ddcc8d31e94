"""Azure: a build to a second kind of object store, Azurite's, is whole and resumable, also where the server is killed.

Azurite keeps its objects on the disk, so the same server can be started again; killed, it forgets those of the last
seconds, which is a harder case than a server that is restarted. Needs Node.js and `npm install azurite`;
SEGCONV_AZURITE is the path of its program azurite-blob.
"""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hashlib
import hmac
import importlib.util
import os
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path

import pytest

from converter.building import lease as leases
from converter.building.build import build
from converter.dataset import objects
from converter.errors import MachineError
from converter.schema import MANIFEST
from converter.system.urls import UrlPath
from converter.verifying.report import VerifyConfig
from converter.verifying.verify import verify
from tests.builds import config
from tests.conftest import visible, write_dataset
from tests.fault_proxy import fault_proxy
from tests.in_process import in_process

AZURITE = os.environ.get("SEGCONV_AZURITE", "")
HAS_ALL = bool(AZURITE and importlib.util.find_spec("obstore"))
pytestmark = pytest.mark.skipif(not HAS_ALL, reason="needs obstore and SEGCONV_AZURITE, the path of azurite-blob")
ACCOUNT = "devstoreaccount1"  # the account and the key that every emulator has, from Microsoft's documentation
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
CONTAINER = "container"


class Azurite:
    """The server, on a free port and with a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        """Returns once the server listens."""
        place = ["--blobHost", "127.0.0.1", "--blobPort", str(self.port), "--location", str(self.folder)]
        command = [AZURITE, *place, "--skipApiVersionCheck", "--disableTelemetry"]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if b"successfully listens" in line:
                return
        raise AssertionError("Azurite did not start")

    def end(self, number: int = signal.SIGKILL) -> None:
        """Ends it with everything that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait()
        self.process.stdout.close()


def create_container(port: int) -> None:
    """Creates the container; the request is signed as in "Authorize with Shared Key" of Microsoft's documentation."""
    date, version = email.utils.formatdate(usegmt=True), "2021-12-02"
    resource = f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
    signed = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n{resource}"
    digest = hmac.new(base64.b64decode(KEY), signed.encode(), hashlib.sha256).digest()
    headers = {
        "x-ms-date": date,
        "x-ms-version": version,
        "Content-Length": "0",
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}",
    }
    url = f"http://127.0.0.1:{port}/{ACCOUNT}/{CONTAINER}?restype=container"
    request = urllib.request.Request(url, None, headers, method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        assert answer.status == 201


@pytest.fixture
def azurite(tmp_path):
    server = Azurite(tmp_path / "azurite")
    try:
        is_saved = False
        while not is_saved:
            create_container(server.port)
            server.end(signal.SIGTERM)  # which writes the name of the container to the disk, if it is heeded already
            is_saved = server.process.returncode == 0
            server.start()
        yield server
    finally:
        server.end()


@pytest.fixture
def proxy(azurite, monkeypatch):
    """A proxy before the server, through which everything under test goes."""
    with fault_proxy(azurite.port) as found:
        for name, value in {"ACCOUNT_NAME": ACCOUNT, "ACCOUNT_KEY": KEY, "USE_EMULATOR": "true"}.items():
            monkeypatch.setenv(f"AZURE_STORAGE_{name}", value)
        monkeypatch.setenv("AZURITE_BLOB_STORAGE_URL", f"http://127.0.0.1:{found.port}")
        monkeypatch.setattr(objects, "MAX_REQUEST_RETRIES", 0)
        objects.client_of.cache_clear()
        yield found
    objects.client_of.cache_clear()


def there(folder: str) -> dict[str, bytes]:
    """Returns the visible files below the address of some records."""
    import obstore

    store = objects.client_of(f"az://{CONTAINER}/{folder}", os.getpid())
    found = {each["path"]: bytes(obstore.get(store, each["path"]).bytes()) for each in obstore.list(store).collect()}
    return {name: data for name, data in found.items() if not name.startswith(".segconv-")}


def test_build_verify_repair_and_the_next_build_are_those_of_a_folder(proxy, tmp_path):
    import obstore

    dataset = write_dataset(tmp_path / "dataset", train=3, val=1)
    build(config(dataset, tmp_path / "local", shards=1), engine=in_process)
    wanted = config(dataset, UrlPath(f"az://{CONTAINER}/records"), shards=1)
    build(wanted, engine=in_process)
    local = visible(tmp_path / "local")
    assert there("records") == local
    assert build(wanted, engine=in_process).is_up_to_date
    name = next(name for name in local if "-val." in name and name.endswith("-of-00001"))
    obstore.put(objects.client_of(str(wanted.out), os.getpid()), name, b"?")
    assert verify(VerifyConfig(wanted.out, workers=1), engine=in_process).damaged == [name]
    repaired = verify(VerifyConfig(wanted.out, wanted.source, None, repair=True, workers=1), engine=in_process)
    assert repaired.problems == []
    assert there("records") == local
    (dataset / "png/m0.png").write_bytes((dataset / "png/m1.png").read_bytes())
    assert build(wanted, engine=in_process).reused == 1
    build(config(dataset, tmp_path / "changed", shards=1), engine=in_process)
    assert there("records") == visible(tmp_path / "changed")


def test_a_build_whose_server_is_killed_at_a_request_goes_on_when_it_is_started_again(
    proxy, azurite, tmp_path, monkeypatch
):
    dataset = write_dataset(tmp_path / "dataset", train=3, val=1)
    build(config(dataset, tmp_path / "local", shards=1), engine=in_process)
    local = visible(tmp_path / "local")
    proxy.reset()
    build(config(dataset, UrlPath(f"az://{CONTAINER}/whole"), shards=1), engine=in_process)
    number = proxy.count
    for failing in range(2, number - 3, max(1, number // 8)):
        wanted = config(dataset, UrlPath(f"az://{CONTAINER}/killed{failing}"), shards=1)
        proxy.reset(failing, "reset", lasts=True)
        proxy.on_fault = lambda: azurite.process.poll() is None and azurite.end()
        with pytest.raises(MachineError) as caught:
            build(wanted, engine=in_process)
        assert caught.value.code == "E_NETWORK"
        assert azurite.process.returncode == -signal.SIGKILL
        azurite.start()
        proxy.reset()
        assert MANIFEST not in there(f"killed{failing}")
        monkeypatch.setattr(leases, "LEASE_S", -1.0)  # that of the build which lost its server could not be given back
        build(wanted, engine=in_process)
        monkeypatch.setattr(leases, "LEASE_S", 60.0)
        assert there(f"killed{failing}") == local, failing
