"""Cache: a local copy of records is whole or not there, and the oldest makes room for the next."""

from __future__ import annotations

import functools
import importlib.util
import os
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from converter.building.build import build
from converter.building.object_store import ObjectStore
from converter.dataset import cache, objects
from converter.dataset.cache import cache_bytes, cache_folder, local_copy
from converter.dataset.parse import read_manifest
from converter.dataset.pieces import Part
from converter.dataset.reader import RecordSource
from converter.errors import DataError, MachineError, UsageError
from converter.system.locks import locked_folder
from converter.system.urls import UrlPath
from tests.builds import config
from tests.conftest import visible
from tests.fault_proxy import fault_proxy
from tests.in_process import in_process
from tests.object_server import needs_server, put
from tests.object_server import objects as objects_in


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    """A process that has fetched nothing yet, and gives its locks back."""
    monkeypatch.setattr(cache, "_copies", {})
    with cache.contextlib.ExitStack() as stack:
        monkeypatch.setattr(cache, "_in_use", stack)
        yield


@pytest.fixture
def place(bucket, dataset, tmp_path):
    address = UrlPath(f"s3://{bucket}/records")
    build(config(dataset, tmp_path / "local", shards=2))
    build(config(dataset, address, shards=2), engine=in_process)
    return address


def new_process(monkeypatch) -> None:
    monkeypatch.setattr(cache, "_copies", {})


@needs_server
def test_the_copy_of_a_split_has_the_bytes_of_a_local_build_and_is_a_dataset(place, tmp_path):
    folder = local_copy(place, ("train", "val"))
    local = visible(tmp_path / "local")
    texts = {
        "README.md",
        "dataset_info.json",
        "features.json",
        "segmentation_mask.labels.txt",
    }  # which no step of training reads
    assert visible(folder) == {name: data for name, data in local.items() if name not in texts}
    assert read_manifest(folder) == read_manifest(tmp_path / "local")
    assert len(RecordSource(folder, "val")) == 2
    assert local_copy(tmp_path / "local", ("val",)) == tmp_path / "local"


@needs_server
def test_only_the_splits_that_are_read_are_fetched_and_nothing_twice(place, port, monkeypatch):
    with fault_proxy(port) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{proxy.port}")
        objects.client_of.cache_clear()
        folder = local_copy(place, ("val",))
        assert not [name for name in visible(folder) if "-train." in name]
        assert proxy.count == 3  # the manifest and two shards
        assert local_copy(place, ("val",)) == folder
        assert proxy.count == 3
        new_process(monkeypatch)
        local_copy(place, ("val",))
        assert proxy.count == 4  # the manifest, to see whether the records are still the same


@needs_server
def test_of_a_part_only_its_shards_are_fetched(place, monkeypatch):
    folder = local_copy(place, ("train", "val"), Part(0, 2))
    first = ("train", "val")
    assert [name for name in sorted(visible(folder)) if ".tfrecord-" in name and not name.endswith(".idx")] == [
        read_manifest(folder).splits[split].shards[0].name for split in first
    ]
    assert local_copy(place, ("train", "val")) == folder
    assert len([name for name in visible(folder) if name.endswith(".idx")]) == 4


@needs_server
def test_a_shard_that_was_damaged_in_the_cache_is_fetched_again(place, tmp_path, monkeypatch):
    folder = local_copy(place, ("val",))
    name = "dataset-val.tfrecord-00000-of-00002"
    (folder / name).write_bytes(b"x" * (folder / name).stat().st_size)
    new_process(monkeypatch)
    local_copy(place, ("val",))
    assert (folder / name).read_bytes() == (tmp_path / "local" / name).read_bytes()


@needs_server
def test_a_shard_that_is_damaged_at_its_address_never_reaches_the_cache(place, port, bucket):
    name = "dataset-val.tfrecord-00001-of-00002"
    right = objects_in(port, bucket, "records")[name]
    for data, code in ((right[:-1], "E_SHARD_HASH"), (right[:-1] + b"?", "E_SHARD_HASH")):
        put(port, bucket, f"records/{name}", data)
        with pytest.raises(DataError, match="segconv verify s3://") as caught:
            local_copy(place, ("val",))
        assert caught.value.code == code
    ObjectStore(str(place)).delete(name)
    with pytest.raises(DataError) as caught:
        local_copy(place, ("val",))
    assert caught.value.code == "E_SHARD_MISSING"
    (folder,) = (cache_folder() / "records").iterdir()
    whole = "dataset-val.tfrecord-00000-of-00002"
    assert sorted(path.name for path in folder.iterdir()) == [whole, f"{whole}.idx"]


@needs_server
def test_the_oldest_copies_make_room_unless_they_are_in_use_and_nothing_else_is_deleted(place, monkeypatch):
    needed = sum(shard.bytes for _, shard in read_manifest(place).shards())
    monkeypatch.setenv("SEGCONV_CACHE_GB", str(1.9 * needed / 1e9))
    root = cache_folder() / "records"
    for age, name in enumerate(("foreign", f"a-{'1' * 32}", f"b-{'2' * 32}", f"c-{'3' * 32}")):
        (root / name).mkdir(parents=True)
        (root / name / "shard").write_bytes(bytes(needed))
        os.utime(root / name, (1000 + age, 1000 + age))
    with locked_folder(root / f"a-{'1' * 32}", "", is_shared=True):
        folder = local_copy(place, ("val",))
    assert {path.name for path in root.iterdir()} == {"foreign", f"a-{'1' * 32}", folder.name}


@needs_server
def test_a_dataset_that_is_larger_than_the_cache_is_refused(place, monkeypatch):
    monkeypatch.setenv("SEGCONV_CACHE_GB", "0.000001")
    with pytest.raises(MachineError, match="Set SEGCONV_CACHE_GB to more") as caught:
        local_copy(place, ("val",))
    assert caught.value.code == "E_SPACE"


@pytest.mark.skipif(importlib.util.find_spec("obstore") is None, reason="needs obstore: pip install 'segconv[cloud]'")
def test_records_on_a_plain_web_server_are_read(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("SEGCONV_CACHE_DIR", str(tmp_path / "cache"))
    build(config(dataset, tmp_path / "local", shards=2))
    handler = functools.partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            folder = local_copy(UrlPath(f"http://127.0.0.1:{served.server_port}/local"), ("train", "val"))
            with pytest.raises(UsageError, match=r"holds no manifest\.json"):
                local_copy(UrlPath(f"http://127.0.0.1:{served.server_port}/none"), ("val",))
        finally:
            served.shutdown()
            thread.join()
    assert list(RecordSource(folder, "train")) == list(RecordSource(tmp_path / "local", "train"))


class QuietHandler(SimpleHTTPRequestHandler):
    """A web server that logs nothing."""

    def log_message(self, *arguments):
        pass


def test_where_the_cache_is_and_how_large_follows_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("SEGCONV_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "segconv"
    monkeypatch.setenv("SEGCONV_CACHE_DIR", "/data/cache")
    assert cache_folder() == Path("/data/cache")
    monkeypatch.delenv("SEGCONV_CACHE_GB", raising=False)
    assert cache_bytes() == 100 * 10**9
    for text in ("many", "inf", "nan"):
        monkeypatch.setenv("SEGCONV_CACHE_GB", text)
        with pytest.raises(UsageError, match="is not a number of gigabytes"):
            cache_bytes()
