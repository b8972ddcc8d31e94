"""Store: the location of a dataset's files, on this machine or elsewhere.

Readers need only a ReadStore. A path means the local folder at that path, or the objects at an address (UrlPath).
"""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from converter.dataset.objects import ObjectFolder
from converter.system.files import open_regular
from converter.system.urls import UrlPath


class ReadStore(Protocol):
    """A location from which the files of a dataset are read. Picklable, and cheap to copy to every worker."""

    def where(self, name: str = "") -> str:
        """Returns the path or address of a file, or of the location itself, for messages."""

    def names(self) -> list[str]:
        """Returns the sorted names of all files, hidden ones included.

        Raises:
          FileNotFoundError: the location does not exist.
          NotADirectoryError: it is a file.
        """

    def open(self, name: str) -> BinaryIO:
        """Opens a file for reading; it is seekable.

        Raises:
          FileNotFoundError: it does not exist.
          OSError: it cannot be read, or is not a regular file.
        """


Place = ReadStore | Path


@dataclass(frozen=True)
class LocalFolder:
    """A local folder as a ReadStore.

    Attributes:
      folder: its path.
    """

    folder: Path

    def where(self, name: str = "") -> str:
        """Returns the path of a file, or of the folder itself."""
        return str(self.folder / name)

    def names(self) -> list[str]:
        """Returns the sorted names of all files, hidden ones included."""
        try:
            return sorted(path.name for path in self.folder.iterdir())
        except OSError as error:
            if self.folder.exists():
                raise
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.folder)) from error

    def open(self, name: str) -> BinaryIO:
        """Opens a file for reading; OSError where it is missing, cannot be read, or is not a regular file."""
        return open_regular(self.folder / name)


def store_at(place: Place) -> ReadStore:
    """Returns the store itself, or that of a path: a LocalFolder, of an address an ObjectFolder."""
    if not isinstance(place, str | os.PathLike):
        return place
    path = UrlPath(place)
    return ObjectFolder(str(path)) if isinstance(path, UrlPath) else LocalFolder(path)


def size_of(file: BinaryIO) -> int:
    """Returns the size of an open file in bytes."""
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(position)
    return size


def sha256_of(file: BinaryIO) -> str:
    """Returns the SHA-256 of an open file in hex, read from its beginning."""
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # all of them have readinto
