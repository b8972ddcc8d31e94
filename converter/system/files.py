"""Files: reading files that must be inside a folder, and atomic writes: a file is complete or not there.

Paths in split lists are not trusted: they may be absolute, lead out of the folder with `..`, or name a pipe on which a
reader would block for ever.
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

TEMPORARY = ".segconv-"  # prefix of every unfinished file of ours, by which a later run knows what to delete

# A file that changes twice within one tick of its file system's clock keeps its times. Two seconds is the tick of FAT,
# the coarsest there is; Git has the same rule for a "racy" index entry.
SETTLED_NS = 2 * 10**9

_FIX_PATH = "Use a path inside the source folder."


class NotRegularError(OSError):
    """A path is a folder, a pipe or a device instead of a file."""


class _OutsideError(Exception):
    """A path leads out of the folder."""


class Stamp(NamedTuple):
    """What the file system reports of a file without reading it; a different stamp means that it may have changed.

    Attributes:
      size: in bytes.
      mtime_ns: time of the last change of its content; anybody may set it.
      ctime_ns: time of the last change of content or metadata; only the kernel sets it.
      inode: inode number; another file under the same name has a different one.
    """

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int

    @classmethod
    def of(cls, info: os.stat_result) -> Stamp:
        """Returns the stamp of a stat result."""
        return cls(info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)

    def is_settled(self, now_ns: int) -> bool:
        """Returns whether any change after `now_ns` is sure to change the stamp."""
        return max(self.mtime_ns, self.ctime_ns) < now_ns - SETTLED_NS


def open_regular(path: Path, *, buffering: int = -1) -> BinaryIO:
    """Opens an untrusted file for reading: never a pipe on which a reader would block, nor a device.

    Args:
      path: of the file.
      buffering: as in `open`; 0 for none.

    Raises:
      NotRegularError: it is a folder, a pipe or a device.
      FileNotFoundError: it does not exist.
      OSError: it cannot be opened.
    """
    # O_NONBLOCK: opening a named pipe must not wait for a writer. The check is on the descriptor that is read.
    return os.fdopen(_descriptor(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb", buffering)


def read_regular(path: Path, most: int) -> bytes:
    """Returns the content of a small untrusted file.

    Args:
      path: of the file.
      most: maximum size in bytes.

    Raises:
      NotRegularError, FileNotFoundError, OSError: as `open_regular`; or the file is larger.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"more than {most} bytes", str(path))
    return data


def open_append(path: Path) -> BinaryIO:
    """Opens a file for appending, a new one if there is none: never a pipe on which a writer would block, nor a device.

    Raises:
      NotRegularError: it is a folder, a pipe or a device.
      OSError: it cannot be opened.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
    return os.fdopen(_descriptor(path, flags), "ab")


def _descriptor(path: Path, flags: int) -> int:
    """Returns the descriptor of a regular file; raises NotRegularError for anything else, OSError as os.open."""
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno not in (errno.ENXIO, errno.EISDIR):  # a socket, a pipe without a reader; a folder
            raise
        raise NotRegularError(errno.EINVAL, "not a regular file", str(path)) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)  # fdopen would fail on a folder and leave it open
        raise NotRegularError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def check_relative(name: str) -> None:
    """Refuses a path that cannot be inside a folder, whatever is on the disk.

    Raises:
      DataError: the path is empty, absolute, or contains `..` or NUL.
    """
    if not name or "\0" in name:
        raise DataError(name, "is not a valid path", _FIX_PATH, "E_PATH")
    if name.startswith("/") or ".." in name.split("/"):
        raise DataError(name, "leaves the source folder", _FIX_PATH, "E_PATH")


def resolve_inside(root: Path, name: str, *, follow_links: bool = False) -> Path:
    """Returns the path of `name` below `root`.

    Args:
      root: an existing folder.
      name: relative path from a list; not trusted.
      follow_links: follows symbolic links out of `root`.

    Raises:
      DataError: the path is empty, absolute, contains `..` or NUL, or a link leads out of `root`.
    """
    check_relative(name)
    path = root / name
    if not follow_links:
        try:
            _check_folder(root, os.path.dirname(name))  # noqa: PTH120 - a Path per file costs a tenth of reading it
            if os.path.islink(path):  # noqa: PTH114 - Path.is_symlink raises on a name that is too long
                _check_links(root, name)
        except _OutsideError:
            fix = "Pass --follow-links to allow it."
            raise DataError(name, "is a link out of the source folder", fix, "E_PATH") from None
        except (OSError, RuntimeError) as error:  # a loop of links
            raise DataError(name, f"cannot be followed ({error})", _FIX_PATH, "E_PATH") from None
    return path


def _check_links(root: Path, name: str) -> None:
    """Raises _OutsideError where a path, with all links resolved, is not inside `root`."""
    if not (root / name).resolve().is_relative_to(root.resolve()):
        raise _OutsideError


# A folder has thousands of files, and resolving its links for each of them costs more than reading a small mask. Only
# a folder that is inside is cached. One that becomes a link out while we run is not noticed, which is no threat: lists
# are not trusted, but whoever can change the folder itself could as well do so between this check and the read.
_check_folder = functools.lru_cache(maxsize=1024)(_check_links)


def read_inside(root: Path, name: str, *, follow_links: bool = False) -> bytes:
    """Returns the content of the file `name` below `root`.

    Raises:
      DataError: as `resolve_inside`; or the file is missing, not a regular file, empty, or exceeds MAX_FILE_BYTES.
      MachineError: the disk failed.
    """
    return read_stamped(root, name, follow_links=follow_links)[0]


def read_stamped(root: Path, name: str, *, follow_links: bool = False) -> tuple[bytes, Stamp | None]:
    """Returns the content of the file `name` below `root`, and its stamp from before it was read.

    The stamp is None where the file is so new that it could change again without a new stamp.

    Raises:
      DataError, MachineError: as `read_inside`.
    """
    now_ns = time.time_ns()
    with opened_inside(root, name, follow_links=follow_links) as (file, info):
        data = file.read(info.st_size)  # all of it at once, without a copy, except on rare file systems
        while len(data) < info.st_size and (more := file.read(info.st_size - len(data))):
            data += more
    stamp = Stamp.of(info)
    return data, stamp if stamp.is_settled(now_ns) else None


def read_end(root: Path, name: str, size: int, *, follow_links: bool = False) -> bytes:
    """Returns the last `size` bytes of the file `name` below `root`, or all of a smaller file.

    Raises:
      DataError, MachineError: as `read_inside`.
    """
    with opened_inside(root, name, follow_links=follow_links) as (file, info):
        file.seek(max(0, info.st_size - size))
        return file.read(size)


@contextlib.contextmanager
def opened_inside(
    root: Path, name: str, *, follow_links: bool = False, most: int | None = None
) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """Yields (file `name` below `root`, open and unbuffered, its stat result); an OSError counts as a disk failure.

    Args:
      root: an existing folder.
      name: relative path from a list; not trusted.
      follow_links: follows symbolic links out of `root`.
      most: maximum size in bytes, for a file that is not read as a whole; None is MAX_FILE_BYTES.

    Raises:
      DataError, MachineError: as `read_inside`.
    """
    path = resolve_inside(root, name, follow_links=follow_links)
    try:
        opened = open_regular(path, buffering=0)
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(name, "does not exist", "Put the file there, or fix the list.", "E_MISSING") from None
    except NotRegularError:
        raise DataError(name, "is not a regular file", "Replace it with an image file.", "E_UNREADABLE") from None
    except OSError as error:
        fix = "Make it readable, or remove it from the list."
        raise DataError(name, f"cannot be opened ({error.strerror})", fix, "E_UNREADABLE") from None
    with opened as file:
        info = os.fstat(file.fileno())
        most = MAX_FILE_BYTES if most is None else most
        if not 0 < info.st_size <= most:
            what = f"has {info.st_size} bytes, which is not within 1..{most}"
            raise DataError(name, what, "Replace it with an image file.", "E_FILE_SIZE")
        try:
            yield file, info
        except OSError as error:
            raise MachineError(path, f"cannot be read ({error.strerror})", "Check the disk and run again.") from None


def temporary_path(final: Path) -> Path:
    """Returns the temporary name under which `final` is written, in the same folder."""
    return final.with_name(TEMPORARY + final.name)


@contextlib.contextmanager
def whole_file(final: Path) -> Iterator[Path]:
    """Yields a temporary path to write to; the file is synced and renamed to `final` when the block succeeds.

    The path keeps the file extension, from which Pillow and Keras detect the format.

    Raises:
      MachineError: the file cannot be written.
    """
    temporary = temporary_path(final)
    try:
        temporary.unlink(missing_ok=True)  # if it is a link, its target would be written
        yield temporary
        with temporary.open("rb") as file:
            os.fsync(file.fileno())  # or a power failure could leave the new name without content
        temporary.replace(final)
    except OSError as error:
        raise write_error(final, error) from error
    finally:
        with contextlib.suppress(OSError):  # the next run removes it
            temporary.unlink(missing_ok=True)


def create(path: Path) -> BinaryIO:
    """Opens a new file for writing; an existing one is unlinked, so whoever has it open keeps it.

    A worker that outlives its parent by a moment thus does not write into the new file, and links are not followed.
    """
    path.unlink(missing_ok=True)
    return path.open("xb")


def write_durably(path: Path, data: bytes) -> None:
    """Writes a new file and syncs it to the disk; OSError where that fails."""
    with create(path) as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def write_whole(final: Path, data: bytes) -> None:
    """Writes a small file atomically.

    Raises:
      MachineError: the file cannot be written.
    """
    with whole_file(final) as path:
        path.write_bytes(data)


def sync_folder(folder: Path) -> None:
    """Syncs a folder to the disk: without it a rename may be lost in a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_temporary(folder: Path, keep: Collection[str] = ()) -> None:
    """Deletes the temporary files of an interrupted run from a folder, except those named in `keep`."""
    for path in folder.glob(TEMPORARY + "*"):
        if path.name not in keep and not path.is_dir():  # we create no temporary folders
            path.unlink(missing_ok=True)


def write_error(path: Path | str, error: OSError) -> MachineError:
    """Returns the error of a failed write."""
    fix = "Free up disk space or choose another folder, then run the same command again."
    return MachineError(path, f"cannot be written ({error.strerror or error})", fix, "E_WRITE")
