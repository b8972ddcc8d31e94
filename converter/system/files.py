"""Files: reading a file that must lie inside a folder, and writing a file so that it is whole under its name.

Paths in split lists are not trusted: they may be absolute, climb out of the folder, or name a pipe on which a reader
would wait for ever.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import stat
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from converter.errors import DataError, MachineError
from converter.limits import MAX_FILE_BYTES

TEMPORARY = ".segconv-"  # every unfinished file of ours begins so, which is how a later run knows that it may delete it

# A file that changes again within the same tick of its file system's clock keeps its times. Two seconds is FAT's tick,
# the coarsest there is; the same rule as Git's for a "racy" index entry.
SETTLED_NS = 2 * 10**9

_FIX_PATH = "Write a path below the source folder."


class NotRegularError(OSError):
    """What has the name of a file is a folder, a pipe or a device."""


class _OutsideError(Exception):
    """A path leads out of the folder."""


class Stamp(NamedTuple):
    """What the file system says of a file without reading it; another stamp means that it may have changed.

    Attributes:
      size: in bytes.
      mtime_ns: time of the last change of its content, as anybody may set it.
      ctime_ns: time of the last change of anything about it, as the system alone sets it.
      inode: its number; another file put under the same name has another one.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, info: os.stat_result) -> Stamp:
        """Returns the stamp in the answer of a stat."""
        return cls(info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)

    def is_settled(self, now_ns: int) -> bool:
        """Tells whether a change from `now_ns` on is sure to show in the stamp."""
        return max(self.mtime_ns, self.ctime_ns) < now_ns - SETTLED_NS


def open_regular(path: Path, *, buffering: int = -1) -> BinaryIO:
    """Opens a file that is not trusted, for reading: never a pipe on which a reader would wait, nor a device.

    Args:
      path: of the file.
      buffering: as of `open`; 0 for none.

    Raises:
      NotRegularError: it is a folder, a pipe or a device.
      FileNotFoundError: there is none.
      OSError: it cannot be opened.
    """
    # O_NONBLOCK: opening a named pipe must not wait for a writer. What is checked is the handle that is read.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)  # fdopen would fail on a folder, and leave it open
        raise NotRegularError(errno.EINVAL, "no regular file", str(path))
    return os.fdopen(descriptor, "rb", buffering)


def check_relative(name: str) -> None:
    """Refuses a path that could not lie below a folder, whatever is on the disk.

    Raises:
      DataError: the path is empty, absolute, or holds `..` or NUL.
    """
    if not name or "\0" in name:
        raise DataError(name, "is no path", _FIX_PATH, "E_PATH")
    if name.startswith("/") or ".." in name.split("/"):
        raise DataError(name, "leaves the source folder", _FIX_PATH, "E_PATH")


def resolve_inside(root: Path, name: str, *, follow_links: bool = False) -> Path:
    """Returns the path of `name` below `root`.

    Args:
      root: an existing folder.
      name: relative path from a list; not trusted.
      follow_links: allows a symbolic link to lead out of `root`.

    Raises:
      DataError: the path is empty, absolute, holds `..` or NUL, or a link leads out of `root`.
    """
    check_relative(name)
    path = root / name
    if not follow_links:
        try:
            _check_folder(root, os.path.dirname(name))  # noqa: PTH120 - a Path a file is a tenth of what a file costs
            if os.path.islink(path):  # noqa: PTH114 - Path.is_symlink raises where a name is too long; open will tell
                _check_links(root, name)
        except _OutsideError:
            fix = "Pass --follow-links to allow it."
            raise DataError(name, "is a link out of the source folder", fix, "E_PATH") from None
        except (OSError, RuntimeError) as error:  # a loop of links
            raise DataError(name, f"cannot be followed ({error})", _FIX_PATH, "E_PATH") from None
    return path


def _check_links(root: Path, name: str) -> None:
    """Raises _OutsideError where a path, all its links followed, does not lie below `root`."""
    if not (root / name).resolve().is_relative_to(root.resolve()):
        raise _OutsideError


# Thousands of files lie in one folder, and to follow its links anew for each costs more than to read a small mask. Only
# a folder that lies inside is remembered. One that becomes a link out while we run goes unseen, which is no threat:
# lists are not trusted, but who can change the folder itself could as well do so between this look and the reading.
_check_folder = functools.lru_cache(maxsize=1024)(_check_links)


def read_inside(root: Path, name: str, *, follow_links: bool = False) -> bytes:
    """Returns the content of the file `name` below `root`.

    Raises:
      DataError: as `resolve_inside`; or the file is missing, is no regular file, is empty, or exceeds MAX_FILE_BYTES.
      MachineError: the disk failed.
    """
    return read_stamped(root, name, follow_links=follow_links)[0]


def read_stamped(root: Path, name: str, *, follow_links: bool = False) -> tuple[bytes, Stamp | None]:
    """Returns the content of the file `name` below `root`, and its stamp from before it was read.

    The stamp is None where the file is so young that it could change without another one.

    Raises:
      DataError, MachineError: as `read_inside`.
    """
    now_ns = time.time_ns()
    with _opened_inside(root, name, follow_links=follow_links) as (file, info):
        data = file.read(info.st_size)  # all of it at once, straight into these bytes, but on rare file systems
        while len(data) < info.st_size and (more := file.read(info.st_size - len(data))):
            data += more
    stamp = Stamp.of(info)
    return data, stamp if stamp.is_settled(now_ns) else None


def read_end(root: Path, name: str, size: int, *, follow_links: bool = False) -> bytes:
    """Returns the last `size` bytes of the file `name` below `root`, or all of a smaller one.

    Raises:
      DataError, MachineError: as `read_inside`.
    """
    with _opened_inside(root, name, follow_links=follow_links) as (file, info):
        file.seek(max(0, info.st_size - size))
        return file.read(size)


@contextlib.contextmanager
def _opened_inside(root: Path, name: str, *, follow_links: bool) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """Opens a file, and tells what the system says of it; errors of the block are those of its disk.

    Raises:
      DataError, MachineError: as `read_inside`.
    """
    path = resolve_inside(root, name, follow_links=follow_links)
    try:
        opened = open_regular(path, buffering=0)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(name, "does not exist", "Put the file there, or mend the list.", "E_MISSING") from None
    except NotRegularError:
        raise DataError(name, "is no regular file", "Put an image file there.", "E_UNREADABLE") from None
    except OSError as error:
        fix = "Make it readable, or take it off the list."
        raise DataError(name, f"cannot be opened ({error.strerror})", fix, "E_UNREADABLE") from None
    with opened as file:
        info = os.fstat(file.fileno())
        if not 0 < info.st_size <= MAX_FILE_BYTES:
            what = f"has {info.st_size} bytes, which is not within 1..{MAX_FILE_BYTES}"
            raise DataError(name, what, "Put an image file there.", "E_FILE_SIZE")
        try:
            yield file, info
        except OSError as error:
            raise MachineError(path, f"cannot be read ({error.strerror})", "Mend the disk and run again.") from None


def temporary_path(final: Path) -> Path:
    """Returns the name under which `final` is written until it is whole: hidden, in the same folder."""
    return final.with_name(TEMPORARY + final.name)


@contextlib.contextmanager
def whole_file(final: Path) -> Iterator[Path]:
    """Yields a hidden path to write a file at; it gets its name, whole and on the disk, when the block has ended well.

    The path keeps the ending of the name, from which Pillow and Keras tell the format.

    Raises:
      MachineError: the file cannot be written.
    """
    temporary = temporary_path(final)
    try:
        temporary.unlink(missing_ok=True)  # should it be a link, what it leads to would be written
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # or a power cut could leave the new name with no content
        temporary.replace(final)
    except OSError as error:
        raise write_error(final, error) from error
    finally:
        with contextlib.suppress(OSError):  # the next run will do it
            temporary.unlink(missing_ok=True)


def create(path: Path) -> BinaryIO:
    """Opens a new file for writing; one that is there under the name is left to whoever has it open.

    A worker that outlives its parent by a moment thus writes into nothing, and a link is not followed.
    """
    path.unlink(missing_ok=True)
    return path.open("xb")


def write_durably(path: Path, data: bytes) -> None:
    """Writes a new file and waits until its bytes are on the disk; OSError where that fails."""
    with create(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_whole(final: Path, data: bytes) -> None:
    """Puts a small file under its name, whole or not at all.

    Raises:
      MachineError: the file cannot be written.
    """
    with whole_file(final) as path:
        path.write_bytes(data)


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder onto the disk: without it a rename may be lost with the power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_temporary(folder: Path, keep: Collection[str] = ()) -> None:
    """Deletes what an interrupted run of ours left in a folder, but for the files of the names `keep`."""
    for path in folder.glob(TEMPORARY + "*"):
        if path.name not in keep and not path.is_dir():  # we make no folders
            path.unlink(missing_ok=True)


def write_error(path: Path, error: OSError) -> MachineError:
    """Returns the one-line form of a failed write."""
    fix = "Make room or choose another folder, then run the same command again."
    return MachineError(path, f"cannot be written ({error.strerror or error})", fix, "E_WRITE")
