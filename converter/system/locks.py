"""Locks: one process at a time in a folder.

The lock is one of the operating system: it ends with its process, so it cannot be stale.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from converter.errors import MachineError

# What file systems without locks answer: NFS without its lock daemon (or asked for a lock of a folder), FUSE without
# flock, a kernel without it.
WITHOUT_LOCKS = (errno.ENOLCK, errno.EBADF, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class LockedError(Exception):
    """Another process holds the lock."""


@contextlib.contextmanager
def locked_folder(folder: Path, fix: str, *, is_shared: bool = False) -> Iterator[None]:
    """Locks a folder against other processes while the block runs; does not wait.

    Args:
      folder: must exist.
      fix: what to do where its file system has no locks.
      is_shared: other processes may hold a shared lock as well, but none that is not.

    Raises:
      LockedError: another process holds the lock.
      MachineError: the file system has no locks.
      OSError: the folder cannot be opened or locked.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError from None
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
            what = f"cannot be locked: its file system has no locks ({error.strerror})"
            raise MachineError(folder, what, fix, "E_NO_LOCK") from None
        yield
    finally:
        os.close(descriptor)
