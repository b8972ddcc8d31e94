"""Store: the interface of the place that a build writes to, and the local folder that implements it.

A build writes its files under temporary names, then publishes them atomically. Where a store is, and how it publishes
atomically, is its own affair.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO, Protocol

from converter.building.commit import blocked, commit, finish_commit, is_begun, locked, sign
from converter.dataset.store import LocalFolder, ReadStore
from converter.errors import DataError
from converter.system.files import TEMPORARY, create, remove_temporary, sync_folder, write_error, write_whole


class Store(ReadStore, Protocol):
    """A place to build a dataset in. Picklable, since workers write their shards themselves."""

    def exists(self, name: str) -> bool:
        """Returns whether this name exists; "" is the place itself."""

    def digest(self, name: str) -> str | None:
        """Returns the SHA-256, in hex, that the place has noted of a file; None where only reading it tells."""

    def put(self, name: str, data: bytes) -> None:
        """Writes a small file, atomically and durably; MachineError where that fails."""

    def stage(self, name: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """Opens a file for writing that will be published as `name`; until then it is `hidden(name)`.

        Durable when the block ends. `clean` deletes what a failed block leaves behind.

        Raises:
          MachineError: it cannot be written.
        """

    def give(self, names: Collection[str]) -> None:
        """Renames staged files of an existing dataset to their final names; MachineError where that fails."""

    def delete(self, name: str) -> None:
        """Deletes a file, if it exists."""

    def clean(self, keep: Collection[str] = ()) -> None:
        """Deletes all temporary files except `keep`; OSError where that fails."""

    def blocked(self, name: str) -> DataError | None:
        """Returns why nothing can be written under a name, such as a folder of that name; else None."""

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Creates the place if needed, and locks out every other build.

        Raises:
          UsageError: another build is running there.
          MachineError: it cannot be created.
        """

    def sign(self) -> None:
        """Writes to the locked place who is building there; for people only."""

    def publish(self, staged: Collection[str], texts: Mapping[str, bytes], delete: Collection[str]) -> None:
        """Publishes staged files as a new dataset, the manifest last.

        Args:
          staged: their names.
          texts: content of small files by name; that of the manifest must be among them.
          delete: names of files of the old dataset that the new one does not have.

        Raises:
          DataError: something is in place of a file; nothing was changed.
          MachineError: writing failed. Either the old dataset is still the result, or `finish` does the rest.
        """

    def is_publishing(self) -> bool:
        """Returns whether a `publish` was begun and is not finished."""

    def finish(self) -> None:
        """Finishes a `publish` that was interrupted, if there is one."""

    def free_bytes(self) -> int | None:
        """Returns the free space in bytes; None where it is unlimited or unknown."""


def hidden(name: str) -> str:
    """Returns the temporary name of a file until it is published."""
    return TEMPORARY + name


class LocalStore(LocalFolder):
    """A local folder as a Store.

    A rename publishes a file, a journal a dataset (`commit`), and the lock is one of the operating system.
    """

    def exists(self, name: str) -> bool:
        """Returns whether this name exists."""
        return (self.folder / name).exists() if name else self.folder.is_dir()

    def digest(self, name: str) -> str | None:
        """Returns None: a folder notes no hashes."""
        return None

    def put(self, name: str, data: bytes) -> None:
        """Writes a small file, atomically and durably; MachineError where that fails."""
        write_whole(self.folder / name, data)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[BinaryIO]:
        """Opens a file for writing that will be published as `name`; durable when the block ends."""
        try:
            with create(self.folder / hidden(name)) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise write_error(self.folder / name, error) from error

    def give(self, names: Collection[str]) -> None:
        """Renames staged files to their final names; MachineError where that fails."""
        try:
            for name in names:
                (self.folder / hidden(name)).replace(self.folder / name)
            sync_folder(self.folder)
        except OSError as error:
            raise write_error(self.folder, error) from error

    def delete(self, name: str) -> None:
        """Deletes a file, if it exists."""
        (self.folder / name).unlink(missing_ok=True)

    def clean(self, keep: Collection[str] = ()) -> None:
        """Deletes all temporary files except `keep`; OSError where that fails."""
        remove_temporary(self.folder, keep)

    def blocked(self, name: str) -> DataError | None:
        """Returns the error that a name is that of a folder; else None."""
        return blocked(self.folder / name)

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Creates the folder if needed, and locks out every other build."""
        return locked(self.folder)

    def sign(self) -> None:
        """Writes to the locked folder who is building there; MachineError where that fails."""
        try:
            sign(self.folder)
        except OSError as error:
            raise write_error(self.folder, error) from error

    def publish(self, staged: Collection[str], texts: Mapping[str, bytes], delete: Collection[str]) -> None:
        """Publishes staged files as a new dataset, the manifest last."""
        commit(self.folder, staged, texts, delete)

    def is_publishing(self) -> bool:
        """Returns whether a commit was begun and is not finished."""
        return is_begun(self.folder)

    def finish(self) -> None:
        """Finishes a commit that was interrupted, if there is one."""
        finish_commit(self.folder)

    def free_bytes(self) -> int | None:
        """Returns the free space of the disk; MachineError where it cannot be read."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError as error:
            raise write_error(self.folder, error) from error
