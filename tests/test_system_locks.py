"""Locks: one process in a folder, and a file system without locks is told from one that is locked."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from converter.errors import MachineError
from converter.system.locks import LockedError, locked_folder


def failing(number: int):
    """Returns a flock that fails as a file system without locks does."""

    def flock(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    return flock


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted


def test_a_second_lock_is_refused_at_once_and_a_third_after_the_first_has_ended_is_not(tmp_path):
    with locked_folder(tmp_path, ""), pytest.raises(LockedError), locked_folder(tmp_path, ""):
        raise AssertionError
    with locked_folder(tmp_path, ""):
        pass


def test_the_lock_of_a_killed_process_is_gone(tmp_path):
    code = "import sys; from pathlib import Path; from converter.system.locks import locked_folder\n"
    code += "with locked_folder(Path(sys.argv[1]), ''): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(LockedError), locked_folder(tmp_path, ""):
            raise AssertionError
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    with locked_folder(tmp_path, ""):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EBADF])
def test_a_file_system_without_locks_is_named_with_its_folder_and_what_to_do(tmp_path, monkeypatch, number):
    monkeypatch.setattr(fcntl, "flock", failing(number))
    before = open_files()
    with pytest.raises(MachineError) as caught, locked_folder(tmp_path, "Use a local disk."):
        raise AssertionError
    reason = f"its file system has no locks ({os.strerror(number)})"
    assert str(caught.value) == f"{tmp_path}: cannot be locked: {reason}. Use a local disk."
    assert caught.value.code == "E_NO_LOCK"
    assert open_files() == before


def test_another_error_of_the_disk_is_not_called_a_lack_of_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", failing(errno.EIO))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)), locked_folder(tmp_path, ""):
        raise AssertionError


def test_what_fails_in_the_block_is_not_taken_for_the_lock(tmp_path):
    with pytest.raises(OSError, match="mine") as caught, locked_folder(tmp_path, ""):
        raise OSError(errno.ENOLCK, "mine")
    assert type(caught.value) is OSError
