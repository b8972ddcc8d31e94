"""Facts about files: nothing outside the folder is read, nothing blocks, and writes are atomic."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import socket
import time
from pathlib import Path

import pytest

from converter.errors import DataError, MachineError
from converter.system import files
from converter.system.files import (
    NotRegularError,
    Stamp,
    create,
    open_append,
    open_regular,
    read_end,
    read_inside,
    read_regular,
    read_stamped,
    remove_temporary,
    resolve_inside,
    sync_folder,
    whole_file,
    write_durably,
    write_whole,
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "root" / "jpg").mkdir(parents=True)
    (tmp_path / "root" / "jpg" / "a b.jpg").write_bytes(b"photo")
    return tmp_path / "root"


def code_of(root: Path, name: str, **options: bool) -> str:
    with pytest.raises(DataError) as caught:
        read_inside(root, name, **options)
    return caught.value.code


def test_a_file_below_the_folder_is_read(root):
    assert read_inside(root, "jpg/a b.jpg") == b"photo"
    assert read_inside(root, "./jpg//a b.jpg") == b"photo"


@pytest.mark.parametrize(
    "name", ["", "..", "../secret", "jpg/../../secret", "jpg/../jpg/a b.jpg", "/etc/passwd", "jpg/a b.jpg\0", "\0"]
)
@pytest.mark.parametrize("follow_links", [False, True])
def test_a_path_that_is_none_or_leaves_the_folder_is_refused(root, name, follow_links):
    assert code_of(root, name, follow_links=follow_links) == "E_PATH"


def test_a_sibling_whose_name_begins_alike_is_outside(root):
    sibling = root.with_name("root2")
    sibling.mkdir()
    (sibling / "x").write_bytes(b"x")
    (root / "link").symlink_to(sibling)
    assert code_of(root, "link/x") == "E_PATH"


def test_a_link_out_of_the_folder_is_refused_unless_links_are_followed(root):
    (root / "jpg" / "link.jpg").symlink_to(root.parent / "secret")
    with pytest.raises(DataError, match="--follow-links"):
        read_inside(root, "jpg/link.jpg")
    assert read_inside(root, "jpg/link.jpg", follow_links=True) == b"secret"


def test_a_folder_that_is_a_link_out_is_refused_unless_links_are_followed(root):
    (root / "png").symlink_to(root.parent)
    assert code_of(root, "png/secret") == "E_PATH"
    assert read_inside(root, "png/secret", follow_links=True) == b"secret"


def test_a_folder_that_was_a_link_out_is_looked_at_again_once_it_is_mended(root):
    (root / "png").symlink_to(root.parent)
    assert code_of(root, "png/secret") == "E_PATH"
    (root / "png").unlink()
    (root / "png").mkdir()
    (root / "png" / "secret").write_bytes(b"mask")
    assert read_inside(root, "png/secret") == b"mask"


def test_a_file_that_is_a_link_out_is_refused_though_its_folder_was_found_inside(root):
    assert read_inside(root, "jpg/a b.jpg") == b"photo"
    (root / "jpg" / "link.jpg").symlink_to(root.parent / "secret")
    assert code_of(root, "jpg/link.jpg") == "E_PATH"


def test_a_link_within_the_folder_is_read(root):
    (root / "link.jpg").symlink_to("jpg/a b.jpg")
    assert read_inside(root, "link.jpg") == b"photo"


def test_the_source_folder_itself_may_be_a_link(root, tmp_path):
    (tmp_path / "alias").symlink_to(root)
    assert read_inside(tmp_path / "alias", "jpg/a b.jpg") == b"photo"


@pytest.mark.parametrize("follow_links", [False, True])
def test_a_loop_of_links_is_refused(root, follow_links):
    (root / "loop").symlink_to("loop")
    assert code_of(root, "loop", follow_links=follow_links) in {"E_PATH", "E_UNREADABLE"}


@pytest.mark.parametrize("kind", ["folder", "pipe", "device"])
def test_what_is_no_regular_file_is_not_opened_nor_waited_for_nor_left_open(tmp_path, kind):
    path = tmp_path / "x"
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "device": lambda: path.symlink_to("/dev/zero")}[kind]()
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(NotRegularError) as caught:
        open_regular(path)
    assert (caught.value.filename, caught.value.strerror) == (str(path), "not a regular file")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_regular_file_is_opened_as_buffered_as_is_wanted(root):
    path = root / "jpg" / "a b.jpg"
    with open_regular(path) as file, open_regular(path, buffering=0) as raw:
        assert (file.read(), raw.read()) == (b"photo", b"photo")
        assert (type(file), type(raw)) == (io.BufferedReader, io.FileIO)
    with pytest.raises(FileNotFoundError):
        open_regular(root / "none")


def test_a_pipe_without_a_writer_is_refused_at_once(root):
    os.mkfifo(root / "pipe.jpg")
    assert code_of(root, "pipe.jpg") == "E_UNREADABLE"


def test_a_device_is_refused(root):
    (root / "zero.jpg").symlink_to("/dev/zero")
    assert code_of(root, "zero.jpg", follow_links=True) == "E_UNREADABLE"


def test_a_folder_is_no_file_and_is_not_left_open(root):
    before = len(list(Path("/proc/self/fd").iterdir()))
    assert code_of(root, "jpg") == "E_UNREADABLE"
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("name", ["jpg/missing.jpg", "jpg/a b.jpg/x", "nowhere/x"])
def test_a_missing_file_is_called_missing(root, name):
    assert code_of(root, name) == "E_MISSING"


def test_a_name_longer_than_the_system_allows_is_refused(root):
    assert code_of(root, "a" * 300) == "E_UNREADABLE"


def test_an_empty_file_is_refused(root):
    (root / "empty.jpg").write_bytes(b"")
    assert code_of(root, "empty.jpg") == "E_FILE_SIZE"


def test_the_limit_on_a_files_size_holds_to_the_byte(root, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 5)
    (root / "six").write_bytes(b"123456")
    assert read_inside(root, "jpg/a b.jpg") == b"photo"
    assert code_of(root, "six") == "E_FILE_SIZE"


def test_a_file_system_that_gives_a_file_in_pieces_gives_all_of_it(root, monkeypatch):
    (root / "a").write_bytes(b"0123456789")

    class InPieces(io.FileIO):
        def read(self, size: int = -1) -> bytes:
            return super().read(min(size, 3))

    monkeypatch.setattr(os, "fdopen", lambda descriptor, *_: InPieces(descriptor))
    assert read_inside(root, "a") == b"0123456789"


def test_the_end_of_a_file_is_read_or_all_of_a_smaller_one_and_nothing_outside_the_folder(root):
    (root / "a").write_bytes(b"0123456789")
    assert read_end(root, "a", 3) == b"789"
    assert read_end(root, "a", 99) == b"0123456789"
    with pytest.raises(DataError):
        read_end(root, "../a", 3)


def test_a_huge_file_is_refused_before_it_is_read(root):
    with (root / "sparse").open("wb") as file:
        file.truncate(1 << 40)
    assert code_of(root, "sparse") == "E_FILE_SIZE"


def test_resolving_keeps_the_path_as_the_user_named_it(root):
    assert resolve_inside(root, "jpg/a b.jpg") == root / "jpg" / "a b.jpg"


def test_a_written_file_is_whole_and_alone(tmp_path):
    write_whole(tmp_path / "a.json", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"new"}


def test_an_exception_leaves_nothing_and_passes_through(tmp_path):
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a.json") as path:
        path.write_bytes(b"half")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_an_exception_leaves_the_earlier_file_as_it_was(tmp_path):
    (tmp_path / "a.json").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a.json") as path:
        path.write_bytes(b"half")
        raise ZeroDivisionError
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"old"}


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_failed_fsync_is_a_failed_write(tmp_path, monkeypatch):
    (tmp_path / "a.json").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(MachineError, match="No space left on device") as caught:
        write_whole(tmp_path / "a.json", b"new")
    assert (caught.value.exit_code, caught.value.code) == (4, "E_WRITE")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a.json": b"old"}


def test_a_failed_rename_is_a_failed_write(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "replace", no_space)
    with pytest.raises(MachineError, match="No space left on device"):
        write_whole(tmp_path / "a.json", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_a_failed_write(tmp_path):
    with pytest.raises(MachineError, match="cannot be written"):
        write_whole(tmp_path / "missing" / "a.json", b"new")


def test_a_file_is_replaced_and_never_changed_in_place(tmp_path):
    final = tmp_path / "a.json"
    final.write_bytes(b"old")
    with final.open("rb") as reader, whole_file(final) as path:
        path.write_bytes(b"new")
        assert final.read_bytes() == b"old"  # until the block ends
        assert [path.name[0] for path in tmp_path.iterdir() if path != final] == ["."]
    assert final.read_bytes() == b"new"
    with final.open("rb") as reader:
        write_whole(final, b"newer")
        assert reader.read() == b"new"  # whoever had it open still sees all of the file


def test_a_file_reaches_the_disk_before_its_name_does(tmp_path, monkeypatch):
    calls = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (calls.append("fsync"), fsync(handle))[1])
    monkeypatch.setattr(Path, "replace", lambda path, target: (calls.append("rename"), replace(path, target))[1])
    write_whole(tmp_path / "a.json", b"new")
    assert calls == ["fsync", "rename"]


def test_a_folder_can_be_synced_and_a_missing_one_cannot(tmp_path):
    sync_folder(tmp_path)
    with pytest.raises(FileNotFoundError):
        sync_folder(tmp_path / "missing")


def test_only_our_unfinished_files_are_removed(tmp_path):
    for name in (".segconv-a.json", ".segconv-b", ".hidden", "segconv-c"):
        (tmp_path / name).write_bytes(b"")
    remove_temporary(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".hidden", "segconv-c"]


def test_what_is_to_be_kept_of_our_unfinished_files_is_kept(tmp_path):
    for name in (".segconv-a", ".segconv-b"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / ".segconv-folder").mkdir()
    remove_temporary(tmp_path, {".segconv-b"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [".segconv-b", ".segconv-folder"]


@pytest.mark.parametrize("write", [lambda path: create(path).close(), lambda path: write_durably(path, b"new")])
def test_a_new_file_leaves_the_old_one_to_who_has_it_open_and_follows_no_link(tmp_path, write):
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "a").symlink_to(tmp_path / "secret")
    write(tmp_path / "a")
    assert (tmp_path / "secret").read_bytes() == b"secret"
    with (tmp_path / "a").open("ab") as late:  # a worker whose parent has died
        write(tmp_path / "a")
        late.write(b"from another time")
    assert b"another" not in (tmp_path / "a").read_bytes()


def test_a_stamp_is_that_of_the_file_that_was_read_and_changes_with_it(root):
    path = root / "jpg" / "a b.jpg"
    os.utime(path, ns=(1, 1))
    data, stamp = read_stamped(root, "jpg/a b.jpg")
    assert (data, stamp) == (b"photo", None)  # setting its time has just changed its metadata
    info = path.stat()
    stamp = Stamp.of(info)
    assert stamp == (5, 1, info.st_ctime_ns, info.st_ino)
    path.write_bytes(b"other")
    os.utime(path, ns=(1, 1))
    assert Stamp.of(path.stat()) != stamp  # size and mtime, which anybody may set, are the same


def test_a_file_counts_as_settled_two_seconds_after_its_last_change():
    now = time.time_ns()
    assert Stamp(1, now - 2_000_000_001, now - 3_000_000_000, 1).is_settled(now)
    assert not Stamp(1, now - 3_000_000_000, now - 1_999_999_999, 1).is_settled(now)
    assert not Stamp(1, now - 1_999_999_999, now - 3_000_000_000, 1).is_settled(now)
    assert not Stamp(1, now + 10**12, now - 3_000_000_000, 1).is_settled(now)  # the clock was set back


def test_a_small_file_is_read_up_to_its_limit(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b"1234")
    assert read_regular(path, 4) == b"1234"
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_regular(path, 3)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "absent", 3)


def test_a_file_is_appended_to_and_made_where_there_is_none(tmp_path):
    path = tmp_path / "log.txt"
    for part in (b"one", b"two"):
        with open_append(path) as file:
            file.write(part)
    assert path.read_bytes() == b"onetwo"
    assert path.stat().st_mode & 0o111 == 0
    (tmp_path / "link").symlink_to("log.txt")
    with open_append(tmp_path / "link") as file:
        file.write(b"3")
    assert path.read_bytes() == b"onetwo3"


@pytest.mark.parametrize("kind", ["pipe", "pipe with a reader", "device", "folder", "socket"])
def test_what_is_no_file_is_neither_appended_to_nor_waited_for(tmp_path, kind):
    path = tmp_path / "log.txt"
    with contextlib.ExitStack() as stack:
        if kind == "folder":
            path.mkdir()
        elif kind == "device":
            path.symlink_to("/dev/null")
        elif kind == "socket":
            stack.enter_context(socket.socket(socket.AF_UNIX)).bind(str(path))
        else:
            os.mkfifo(path)
            if kind == "pipe with a reader":
                stack.callback(os.close, os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        with pytest.raises(NotRegularError, match="not a regular file"):
            open_append(path)
