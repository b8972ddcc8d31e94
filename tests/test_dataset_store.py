"""Store: the files of a dataset are read by name in a folder or elsewhere, and nothing that would block is opened."""

from __future__ import annotations

import hashlib
import os
import pickle

import pytest

from converter.dataset.parse import manifest_text, read_manifest
from converter.dataset.store import LocalFolder, sha256_of, size_of, store_at
from converter.dataset.tfrecord import ShardError, read_shard
from converter.errors import DataError, UsageError
from converter.schema import MANIFEST
from converter.system.files import NotRegularError
from tests.manifests import MANIFEST as WRITTEN
from tests.manifests import SHARD
from tests.memory_store import MemoryStore


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b").write_bytes(b"0123456789")
    (tmp_path / ".a").write_bytes(b"")
    return LocalFolder(tmp_path)


def test_a_folder_lists_all_its_names_and_says_where_they_are(folder, tmp_path):
    assert folder.names() == [".a", "b"]
    assert folder.where("b") == str(tmp_path / "b")
    assert folder.where() == str(tmp_path)
    with folder.open("b") as file:
        assert file.read() == b"0123456789"


def test_a_missing_file_and_one_that_is_no_regular_file_are_told_apart_and_no_pipe_is_waited_for(folder, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileNotFoundError):
        folder.open("none")
    for name in ("pipe", "folder"):
        with pytest.raises(NotRegularError):
            folder.open(name)


def test_the_text_of_a_path_stands_for_its_folder_which_reaches_a_worker(folder, tmp_path):
    assert store_at(str(tmp_path)) == folder
    assert pickle.loads(pickle.dumps(folder)) == folder  # noqa: S301 - our own bytes


def test_the_size_of_an_open_file_moves_nothing_and_its_hash_is_that_of_what_is_left(folder):
    with folder.open("b") as file:
        assert file.read(3) == b"012"
        assert (size_of(file), file.read(1)) == (10, b"3")
    with folder.open("b") as file:
        assert sha256_of(file) == hashlib.sha256(b"0123456789").hexdigest()


def test_what_is_wrong_in_another_store_is_told_with_its_address():
    store = MemoryStore()
    with pytest.raises(UsageError, match=r"^memory://: holds no manifest\.json"):
        manifest_text(store)
    store.put(MANIFEST, b"{}")
    with pytest.raises(DataError, match=r"^memory://manifest\.json: "):
        read_manifest(store)
    store.put(MANIFEST, WRITTEN.to_json().encode())
    assert read_manifest(store) == WRITTEN
    with pytest.raises(ShardError, match=f"^memory://{SHARD.name}: is missing"):
        list(read_shard(store, SHARD.name))
    store.put(SHARD.name, b"cut")
    with pytest.raises(ShardError, match=f"^memory://{SHARD.name}: record 0: is truncated at byte 3"):
        list(read_shard(store, SHARD.name))
