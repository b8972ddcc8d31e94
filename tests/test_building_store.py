"""Store: a local folder, a dictionary and an S3 server fulfil one contract, and a dataset is the same in all."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from converter.building.build import build
from converter.building.object_store import ObjectStore
from converter.building.store import LocalStore, hidden
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.reader import RecordSource
from converter.dataset.store import LocalFolder, store_at
from converter.errors import UsageError
from converter.schema import MANIFEST
from converter.verifying.report import VerifyConfig
from converter.verifying.verify import verify
from tests import other_engine
from tests.conftest import visible, write_dataset
from tests.memory_store import MemoryStore
from tests.object_server import needs_server

SHARD = "d-train.tfrecord-00000-of-00001"


@pytest.fixture(params=["local", "memory", pytest.param("objects", marks=needs_server)])
def store(request, tmp_path):
    if request.param == "objects":
        return ObjectStore(f"s3://{request.getfixturevalue('bucket')}/records")
    (tmp_path / "out").mkdir()
    return LocalStore(tmp_path / "out") if request.param == "local" else MemoryStore()


def read(store, name):
    with store.open(name) as file:
        return file.read()


def test_what_is_put_is_there_whole_and_is_replaced(store):
    assert not store.exists("features.json")
    store.put("features.json", b"one, and longer")
    store.put("features.json", b"two")
    assert (read(store, "features.json"), store.names()) == (b"two", ["features.json"])
    assert store.exists("features.json")
    assert store.exists("")  # the place itself


def test_a_file_is_opened_at_its_beginning_and_can_be_sought_in(store):
    store.put("features.json", b"0123456789")
    with store.open("features.json") as file:
        assert file.seek(-3, 2) == 7
        assert file.read() == b"789"


def test_a_missing_file_is_told_as_such(store):
    with pytest.raises(FileNotFoundError):
        store.open("features.json")
    store.delete("features.json")


def test_a_staged_file_is_hidden_until_it_is_given_its_name(store):
    with store.stage(SHARD) as file:
        file.write(b"shard")
    assert store.names() == [hidden(SHARD)]
    assert read(store, hidden(SHARD)) == b"shard"
    store.give([SHARD])
    assert (store.names(), read(store, SHARD)) == ([SHARD], b"shard")


def test_cleaning_deletes_what_is_hidden_and_nothing_else(store):
    store.put("notes.txt", b"mine")
    for name in (SHARD, f"{SHARD}.idx"):
        with store.stage(name) as file:
            file.write(b"x")
    store.clean({hidden(SHARD)})
    assert store.names() == sorted([hidden(SHARD), "notes.txt"])
    store.clean()
    assert store.names() == ["notes.txt"]


def test_publishing_exchanges_a_dataset_and_the_manifest_is_there_at_its_end(store):
    for name in ("d-train.tfrecord-00000-of-00002", "d-train.tfrecord-00001-of-00002", MANIFEST):
        store.put(name, b"old")
    with store.stage(SHARD) as file:
        file.write(b"new shard")
    texts = {"features.json": b"{}", MANIFEST: b"new"}
    old = ["d-train.tfrecord-00000-of-00002", "d-train.tfrecord-00001-of-00002"]
    store.publish([SHARD], texts, old)
    assert {name: read(store, name) for name in store.names()} == {SHARD: b"new shard", **texts}
    assert not store.is_publishing()
    store.finish()
    assert len(store.names()) == 3


def test_one_builder_at_a_time(store):
    with store.lock(), pytest.raises(UsageError) as caught, store.lock():
        pass
    assert caught.value.code == "E_LOCKED"
    with store.lock():
        store.sign()


def test_messages_name_the_file_below_the_place(store):
    assert store.where(SHARD).startswith(store.where())
    assert store.where(SHARD).endswith(f"/{SHARD}")


def test_a_store_of_this_machine_reaches_a_worker(tmp_path):
    store = LocalStore(tmp_path)
    assert pickle.loads(pickle.dumps(store)) == store  # noqa: S301 - our own bytes


def test_a_path_stands_for_the_local_folder_and_a_store_for_itself(tmp_path):
    assert store_at(tmp_path) == LocalFolder(tmp_path)
    memory = MemoryStore()
    assert store_at(memory) is memory


def test_a_place_that_is_missing_is_told_from_a_file_in_its_place(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError):
        LocalFolder(tmp_path / "file").names()
    (tmp_path / "loop").symlink_to("loop")
    for missing in ("nowhere", "file/below", "loop"):
        with pytest.raises(FileNotFoundError):
            LocalFolder(tmp_path / missing).names()


@pytest.fixture
def built(tmp_path):
    """A build into a folder, the same build into memory, and how it was configured."""
    dataset = write_dataset(tmp_path / "dataset")
    config = BuildConfig(SourceConfig(dataset), tmp_path / "out", "d", PairConfig(size=(24, 24)), shards=2, workers=2)
    build(config)
    memory = MemoryStore()
    build(config, engine=other_engine.threads, store=memory)
    return config, memory


def test_a_dataset_has_the_same_bytes_in_a_folder_and_in_memory(built):
    config, memory = built
    assert {n: data for n, data in memory.files.items() if not n.startswith(".")} == visible(config.out)
    again = build(config, engine=other_engine.threads, store=memory)
    assert again.is_up_to_date


def test_a_build_into_memory_makes_only_what_has_changed(built):
    config, memory = built
    before = dict(memory.files)
    image = config.source.src / "jpg/p0.jpg"
    image.write_bytes((config.source.src / "jpg/p1.jpg").read_bytes()[:-2] + b"\xff\xd9")
    mask = config.source.src / "png/m0.png"
    mask.write_bytes((config.source.src / "png/m1.png").read_bytes())
    report = build(config, engine=other_engine.threads, store=memory)
    assert report.reused == 3
    changed = {name for name, data in memory.files.items() if before.get(name) != data and ".tfrecord" in name}
    assert len({name for name in changed if not name.startswith(".")}) == 2  # one shard and its index
    build(dataclasses.replace(config, out=config.out.with_name("fresh")))
    assert {n: d for n, d in memory.files.items() if not n.startswith(".")} == visible(config.out.with_name("fresh"))


def test_verify_and_repair_work_on_a_store_in_memory(built):
    config, memory = built
    wanted = VerifyConfig(config.out, config.source, None, workers=2)
    whole = verify(wanted, engine=other_engine.threads, store=memory)
    assert (whole.problems, whole.shards, whole.derived) == ([], 4, 8)
    name = "d-train.tfrecord-00001-of-00002"
    right = memory.files[name]
    memory.files[name] = right[:60] + bytes([right[60] ^ 1]) + right[61:]
    damaged = verify(wanted, engine=other_engine.threads, store=memory)
    assert damaged.damaged == [name]
    assert damaged.problems[0].error.where == f"memory://{name}: record 0"
    repaired = verify(dataclasses.replace(wanted, repair=True), engine=other_engine.threads, store=memory)
    assert (repaired.problems, repaired.repaired) == ([], [name, f"{name}.idx"])
    assert memory.files[name] == right


def test_records_are_read_from_memory_as_from_a_folder(built):
    config, memory = built
    for here, there in zip(RecordSource(memory, "train"), RecordSource(config.out, "train"), strict=True):
        assert here == there
        assert np.array_equal(here.mask, there.mask)


def test_a_build_that_meets_another_dataset_in_a_store_is_refused(built):
    config, memory = built
    with pytest.raises(UsageError, match=r"^memory://: holds a finished dataset built with other options"):
        build(dataclasses.replace(config, seed=1), engine=other_engine.threads, store=memory)
