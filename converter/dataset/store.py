"""Store: where the files of a dataset lie: names in one place, on this machine or elsewhere.

Whoever only reads needs no more of the place than a ReadStore. A path stands for the local folder of that name.
"""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from converter.system.files import open_regular


class ReadStore(Protocol):
    """A place from which the files of a dataset are read. Picklable, and cheap to copy into every worker."""

    def where(self, name: str = "") -> str:
        """Returns the path or address of a file, or of the place itself, for messages."""

    def names(self) -> list[str]:
        """Returns the names of all that lies there, hidden files included, sorted.

        Raises:
          FileNotFoundError: the place does not exist.
          NotADirectoryError: it is a file.
        """

    def open(self, name: str) -> BinaryIO:
        """Opens a file for reading; it can be sought in.

        Raises:
          FileNotFoundError: there is none of that name.
          OSError: it cannot be read, or is no regular file.
        """


Place = ReadStore | Path


@dataclass(frozen=True)
class LocalFolder:
    """A folder of this machine, for reading: a ReadStore.

    Attributes:
      folder: path of it.
    """

    folder: Path

    def where(self, name: str = "") -> str:
        """Returns the path of a file, or of the folder itself."""
        return str(self.folder / name)

    def names(self) -> list[str]:
        """Returns the names of all that lies there, hidden files included, sorted."""
        try:
            return sorted(path.name for path in self.folder.iterdir())
        except OSError as error:
            if self.folder.exists():
                raise
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.folder)) from error

    def open(self, name: str) -> BinaryIO:
        """Opens a file for reading; OSError where it is missing, cannot be read, or is no regular file."""
        return open_regular(self.folder / name)


def store_at(place: Place) -> ReadStore:
    """Returns the store at a place: that of the folder where it is a path."""
    return LocalFolder(Path(place)) if isinstance(place, str | os.PathLike) else place


def size_of(file: BinaryIO) -> int:
    """Returns the size of an open file in bytes."""
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(position)
    return size


def sha256_of(file: BinaryIO) -> str:
    """Returns the SHA-256 of an open file from its beginning on, in hex."""
    return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # all of them have readinto
