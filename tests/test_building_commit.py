"""Commit: one build at a time, and a new dataset replaces an old one completely, whatever fails meanwhile."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import visible, write_dataset
from in_process import in_process

from converter.building.build import build
from converter.building.commit import HOLDER, JOURNAL, commit, finish_commit, is_begun, locked, sign
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.dataset.integrity import check_shard_file
from converter.dataset.parse import read_manifest
from converter.errors import DataError, MachineError, SegconvError, UsageError
from converter.schema import MANIFEST

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a new folder is created in it
OLD = {"d-train.tfrecord-00000-of-00002": b"old 0", "d-train.tfrecord-00001-of-00002": b"old 1", MANIFEST: b"old"}
NEW = {"d-train.tfrecord-00000-of-00001": b"new 0", "features.json": b"{}", MANIFEST: b"new"}
GONE = OLD.keys() - NEW.keys()


def ready(folder: Path) -> tuple[Path, list[str], dict[str, bytes], set[str]]:
    """Writes an old dataset, and the staged shard of a new one; returns the arguments of commit."""
    folder.mkdir()
    for name, data in OLD.items():
        (folder / name).write_bytes(data)
    shard, *texts = NEW
    (folder / f".segconv-{shard}").write_bytes(NEW[shard])
    return folder, [shard], {name: NEW[name] for name in texts}, GONE


def test_a_commit_exchanges_the_files_and_leaves_nothing_hidden_and_strange_files_alone(tmp_path):
    arguments = ready(tmp_path / "out")
    (tmp_path / "out/notes.txt").write_bytes(b"mine")
    commit(*arguments)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*NEW, "notes.txt"}
    assert visible(tmp_path / "out") == NEW | {"notes.txt": b"mine"}


# The calls that change the disk. All of them are counted, and the n-th fails.
class Faults:
    """Makes the n-th call that changes the disk, or opens a descriptor, fail.

    Attributes:
      failing: number of the call that fails, from 1; 0 lets all succeed.
      number: errno with which it fails.
      lasts: whether all calls after that one fail as well.
      calls: names of the calls so far.
    """

    def __init__(self, failing: int = 0, number: int = errno.EIO, *, lasts: bool = False) -> None:
        self.failing = failing
        self.number = number
        self.lasts = lasts
        self.calls: list[str] = []

    def count(self, name: str) -> None:
        """Counts a call, and fails if it is the n-th."""
        self.calls.append(name)
        if len(self.calls) == self.failing or (self.lasts and len(self.calls) > self.failing):
            raise OSError(self.number, os.strerror(self.number))

    def around(self, name: str, function: Callable) -> Callable:
        """Returns a function whose calls are counted."""

        def call(*args: object, **options: object) -> object:
            self.count(name)
            return function(*args, **options)

        return call

    def open(self, function: Callable) -> Callable:
        """Returns a Path.open whose opening for writing, and whose writes, are counted."""

        def call(path: Path, mode: str = "r", *args: object, **options: object) -> object:
            if mode[0] == "r":
                return function(path, mode, *args, **options)
            self.count(f"open {path.name}")
            return _Written(function(path, mode, *args, **options), self)

        return call


class _Written:
    """A file whose writes are counted."""

    def __init__(self, file: object, faults: Faults) -> None:
        self._file = file
        self._faults = faults

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> int:
        self._faults.count("write")
        return self._file.write(data)


@contextlib.contextmanager
def put(faults: Faults) -> Iterator[None]:
    """Injects faults into the calls of this process."""
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((os, "fsync"), (os, "open"), *((Path, n) for n in ("replace", "unlink", "mkdir", "rmdir"))):
            patch.setattr(owner, name, faults.around(name, getattr(owner, name)))
        patch.setattr(Path, "open", faults.open(Path.open))
        yield


def test_a_commit_that_fails_at_any_call_leaves_the_old_dataset_or_is_finished_later(tmp_path):
    total = Faults()
    arguments = ready(tmp_path / "counted")
    with put(total):
        commit(*arguments)
    assert {"fsync", "open", "replace", "unlink", "write"} <= set(total.calls)
    for failing in range(1, len(total.calls) + 1):
        out = tmp_path / f"out{failing}"
        arguments = ready(out)
        with put(Faults(failing)), pytest.raises(SegconvError, match=os.strerror(errno.EIO)):
            commit(*arguments)
        if is_begun(out):
            finish_commit(out)
            assert visible(out) == NEW
            assert not list(out.glob(".segconv-*"))
        else:
            assert visible(out) in (OLD, NEW)  # NEW: all was done but to bring the end of the journal onto the disk


def test_all_bytes_are_on_the_disk_before_the_journal_and_the_manifest_comes_last(tmp_path, monkeypatch):
    arguments = ready(tmp_path / "out")
    calls: list[str] = []
    fsync, replace, unlink = os.fsync, Path.replace, Path.unlink

    def told(name: str, function: Callable, *args: object, **options: object) -> object:
        calls.append(name)
        return function(*args, **options)

    def synced(descriptor: int) -> object:
        return told(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}", fsync, descriptor)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", lambda path, to: told(f"name {to.name}", replace, path, to))
    monkeypatch.setattr(
        Path, "unlink", lambda path, **o: told(f"delete {path.name}", unlink, path, **o) if path.exists() else None
    )
    commit(*arguments)
    shard = "d-train.tfrecord-00000-of-00001"
    assert calls == [
        *(
            "fsync .segconv-features.json",
            "fsync .segconv-manifest.json",
            "fsync .segconv-.segconv-commit",
            "fsync out",
        ),
        *(f"name {JOURNAL}", "fsync out"),
        *(f"delete {MANIFEST}", "fsync out"),
        *("delete d-train.tfrecord-00000-of-00002", "delete d-train.tfrecord-00001-of-00002"),
        *(f"name {shard}", "name features.json", "fsync out"),
        *(f"name {MANIFEST}", "fsync out"),
        *(f"delete {JOURNAL}", "fsync out"),
    ]


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory if possible: hundreds of builds are written and deleted there."""
    with tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None) as folder:
        yield Path(folder)


@pytest.mark.parametrize(
    ("number", "lasts"),
    [(errno.EIO, False), pytest.param(errno.ENOSPC, True, marks=pytest.mark.slow)],
    ids=["EIO once", "ENOSPC"],
)
@pytest.mark.parametrize("over", [False, True], ids=["new", "over an old dataset"])
def test_a_build_that_fails_at_any_call_is_whole_or_can_be_gone_on_with(memory, monkeypatch, number, lasts, over):
    dataset, out, start = write_dataset(memory / "d", train=2, val=1, size=(8, 8)), memory / "out", memory / "old"
    wanted = BuildConfig(SourceConfig(dataset), out, pair=PairConfig(size=(8, 8)), overwrite=True)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # it counts all the same, but takes no time
    if over:
        build(dataclasses.replace(wanted, out=start, pair=PairConfig(size=(9, 9)), shards=2), engine=in_process)
    else:
        start.mkdir()
    before, total = visible(start), Faults()
    shutil.copytree(start, out)
    with put(total):
        build(wanted, engine=in_process)
    after = visible(out)
    for failing in range(1, len(total.calls) + 1):
        shutil.rmtree(out)
        if over:
            shutil.copytree(start, out)
        with put(Faults(failing, number, lasts=lasts)):
            is_done = attempt(wanted)
        found = visible(out) if out.exists() else {}
        if is_done or not is_begun(out):
            assert found in ([after] if is_done else [before, after])
        if MANIFEST in found:
            for _, shard in read_manifest(out).shards():
                check_shard_file(out, shard)
        build(wanted, engine=in_process)
        assert visible(out) == after, total.calls[failing - 1]


def attempt(config: BuildConfig) -> bool:
    """Returns whether a build succeeded; it may only fail with a SegconvError."""
    try:
        build(config, engine=in_process)
    except SegconvError:
        return False
    return True


# The lock.
def test_a_second_build_is_refused_at_once_and_told_who_is_at_work(tmp_path):
    with locked(tmp_path / "out"):
        with pytest.raises(UsageError, match=r"is being written by another segconv\. Wait"), locked(tmp_path / "out"):
            raise AssertionError
        sign(tmp_path / "out")
        who = rf"by another segconv \(process {os.getpid()} on \S+, since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d\)"
        with pytest.raises(UsageError, match=who) as caught, locked(tmp_path / "out"):
            raise AssertionError
    assert caught.value.code == "E_LOCKED"


def test_what_a_dead_holder_left_does_not_lock(tmp_path):
    (tmp_path / HOLDER).write_bytes(b"process 1 on elsewhere, since 1970")
    with locked(tmp_path):
        sign(tmp_path)
        assert f"process {os.getpid()} " in (tmp_path / HOLDER).read_text()


def test_a_new_folder_that_stays_empty_is_removed_and_another_one_stays(tmp_path):
    (tmp_path / "mine").mkdir()
    with locked(tmp_path / "mine"):
        pass
    with locked(tmp_path / "mine" / "a" / "b"):
        pass
    assert [*tmp_path.iterdir()] == [tmp_path / "mine"]
    assert not (tmp_path / "mine" / "a").exists()
    with locked(tmp_path / "c" / "d"):
        (tmp_path / "c" / "notes.txt").touch()
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("text", [
    "", "{", "[]", '{"give": []}', '{"give": [], "delete": ["../x"]}', '{"give": [], "delete": ["notes.txt"]}',
    '{"give": ["/etc/passwd"], "delete": []}', '{"give": [1], "delete": []}',
])  # fmt: skip
def test_a_journal_that_is_none_of_ours_moves_and_deletes_nothing(tmp_path, text):
    (tmp_path / JOURNAL).write_text(text)
    for name in ("notes.txt", ".segconv-manifest.json"):
        (tmp_path / name).write_bytes(b"mine")
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(UsageError, match=r"holds a \.segconv-commit that segconv did not write\. Delete the folder"):
        finish_commit(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_commit_a_file_of_which_is_gone_is_not_finished(tmp_path):
    (tmp_path / JOURNAL).write_text(json.dumps({"give": ["features.json"], "delete": []}))
    (tmp_path / ".segconv-manifest.json").write_bytes(b"new")
    (tmp_path / MANIFEST).write_bytes(b"old")
    with pytest.raises(UsageError, match=r"replaced by a new dataset, of which features\.json is missing"):
        finish_commit(tmp_path)
    assert visible(tmp_path) == {MANIFEST: b"old"}


def test_a_folder_in_the_place_of_a_file_is_named_before_anything_is_exchanged(tmp_path):
    arguments = ready(tmp_path / "out")
    for name in ("features.json", "d-train.tfrecord-00000-of-00002"):  # one to be renamed, one to be deleted
        (tmp_path / "out" / name).unlink(missing_ok=True)
        (tmp_path / "out" / name).mkdir()
        with pytest.raises(DataError, match=rf"out/{name}: is a folder, where a file of the dataset belongs\. Move it"):
            commit(*arguments)
        assert not is_begun(tmp_path / "out")
        assert (tmp_path / "out" / MANIFEST).exists()
        (tmp_path / "out" / name).rmdir()


def test_a_journal_that_cannot_be_read_now_is_not_given_up(tmp_path):
    os.mkfifo(tmp_path / JOURNAL)
    with pytest.raises(MachineError, match=r"cannot be read \(not a regular file\)\. Run the same command again"):
        finish_commit(tmp_path)
    assert is_begun(tmp_path)


def no_locks(descriptor: int, operation: int) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def test_a_folder_that_cannot_be_locked_is_named_and_what_was_made_for_it_is_removed(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("fcntl.flock", no_locks)
    out = tmp_path / "share" / "records"
    with pytest.raises(MachineError) as caught:
        build(BuildConfig(SourceConfig(dataset), out, workers=1))
    what = "cannot be locked: its file system has no locks (No locks available)"
    assert (
        str(caught.value) == f"{out}: {what}. Work in a folder on a local disk, and copy it there when it is complete."
    )
    assert not out.parent.exists()


def test_the_records_of_a_folder_that_cannot_be_locked_stay_as_they_are(dataset, tmp_path, monkeypatch):
    wanted = BuildConfig(SourceConfig(dataset), tmp_path / "out", pair=PairConfig((24, 24)), workers=1)
    build(wanted, engine=in_process)
    before = visible(tmp_path / "out")
    monkeypatch.setattr("fcntl.flock", no_locks)
    for again in (wanted, dataclasses.replace(wanted, seed=1, overwrite=True)):
        with pytest.raises(MachineError, match="cannot be locked"):
            build(again, engine=in_process)
    assert visible(tmp_path / "out") == before


def test_a_commit_that_was_begun_is_finished_before_other_options_are_compared(dataset, tmp_path, monkeypatch):
    def wanted(seed: int, out: str = "out", *, overwrite: bool = False) -> BuildConfig:
        pair = PairConfig((24, 24))
        return BuildConfig(SourceConfig(dataset), tmp_path / out, pair=pair, workers=1, seed=seed, overwrite=overwrite)

    build(wanted(0), engine=in_process)
    with monkeypatch.context() as patch:  # as if it were killed there
        patch.setattr("converter.building.commit.finish_commit", lambda out: None)
        build(wanted(1, overwrite=True), engine=in_process)
    assert is_begun(tmp_path / "out")
    with pytest.raises(UsageError, match=r"built with other options \(seed 1 -> 2\)"):
        build(wanted(2), engine=in_process)
    build(wanted(1, "fresh"), engine=in_process)
    assert visible(tmp_path / "out") == visible(tmp_path / "fresh")
