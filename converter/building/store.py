"""Store: the place that a build writes to: what is asked of it, and the local folder that is one.

A build writes its files under hidden names, then publishes them: from one moment on the new dataset is the result.
What a store is on this machine or elsewhere, and how it makes that moment, is its own affair.
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
    """A place that a dataset is built in. Picklable: workers write their shards themselves."""

    def exists(self, name: str) -> bool:
        """Tells whether something of this name is there; "" is the place itself."""

    def put(self, name: str, data: bytes) -> None:
        """Writes a small file: whole under its name, and durable, or not at all; MachineError where that fails."""

    def stage(self, name: str) -> contextlib.AbstractContextManager[BinaryIO]:
        """Opens a file for writing that is to be published as `name`; until then it is `hidden(name)`.

        Durable when the block ends. What a block that fails leaves there is deleted by `clean`.

        Raises:
          MachineError: it cannot be written.
        """

    def give(self, names: Collection[str]) -> None:
        """Gives staged files of a dataset that is there already their names; MachineError where that fails."""

    def delete(self, name: str) -> None:
        """Deletes a file; nothing where there is none."""

    def clean(self, keep: Collection[str] = ()) -> None:
        """Deletes all hidden files but those of the names `keep`; OSError where that fails."""

    def blocked(self, name: str) -> DataError | None:
        """Returns why nothing can be put under a name, such as that a folder lies there; else None."""

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Makes the place if need be, and keeps every other build out of it.

        Raises:
          UsageError: another build is at work there.
          MachineError: it cannot be made.
        """

    def sign(self) -> None:
        """Says in the locked place who is at work; for people only."""

    def publish(self, staged: Collection[str], texts: Mapping[str, bytes], delete: Collection[str]) -> None:
        """Makes a new dataset of staged files, the manifest last.

        Args:
          staged: names of them.
          texts: content of small files by name; that of the manifest must be among them.
          delete: names of files of the old dataset that the new one has not.

        Raises:
          DataError: something lies where a file belongs; nothing was changed.
          MachineError: writing failed. Either the old dataset still is the result, or `finish` does the rest.
        """

    def is_publishing(self) -> bool:
        """Tells whether a `publish` was begun and is not done."""

    def finish(self) -> None:
        """Does the rest of a `publish` that was ended half-way; nothing where there is none."""

    def free_bytes(self) -> int | None:
        """Returns the free space, in bytes; None where it is not limited or not known."""


def hidden(name: str) -> str:
    """Returns the name under which a file waits until it is published."""
    return TEMPORARY + name


class LocalStore(LocalFolder):
    """A folder of this machine: a Store.

    Whole files come in by a rename, a dataset by a journal (`commit`), and the lock is the system's.
    """

    def exists(self, name: str) -> bool:
        """Tells whether something of this name is there."""
        return (self.folder / name).exists() if name else self.folder.is_dir()

    def put(self, name: str, data: bytes) -> None:
        """Writes a small file, whole and durable, or not at all; MachineError where that fails."""
        write_whole(self.folder / name, data)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[BinaryIO]:
        """Opens a file for writing that is to be published as `name`; durable when the block ends."""
        try:
            with create(self.folder / hidden(name)) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise write_error(self.folder / name, error) from error

    def give(self, names: Collection[str]) -> None:
        """Gives staged files their names; MachineError where that fails."""
        try:
            for name in names:
                (self.folder / hidden(name)).replace(self.folder / name)
            sync_folder(self.folder)
        except OSError as error:
            raise write_error(self.folder, error) from error

    def delete(self, name: str) -> None:
        """Deletes a file; nothing where there is none."""
        (self.folder / name).unlink(missing_ok=True)

    def clean(self, keep: Collection[str] = ()) -> None:
        """Deletes all hidden files but those of the names `keep`; OSError where that fails."""
        remove_temporary(self.folder, keep)

    def blocked(self, name: str) -> DataError | None:
        """Returns the error that a folder lies under a name; else None."""
        return blocked(self.folder / name)

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Makes the folder if need be, and keeps every other build out of it."""
        return locked(self.folder)

    def sign(self) -> None:
        """Says in the locked folder who is at work; MachineError where that cannot be written."""
        try:
            sign(self.folder)
        except OSError as error:
            raise write_error(self.folder, error) from error

    def publish(self, staged: Collection[str], texts: Mapping[str, bytes], delete: Collection[str]) -> None:
        """Makes a new dataset of staged files, the manifest last."""
        commit(self.folder, staged, texts, delete)

    def is_publishing(self) -> bool:
        """Tells whether a commit was begun and is not done."""
        return is_begun(self.folder)

    def finish(self) -> None:
        """Does the rest of a commit that was ended half-way; nothing where there is none."""
        finish_commit(self.folder)

    def free_bytes(self) -> int | None:
        """Returns the free space of the disk; MachineError where it cannot be asked."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError as error:
            raise write_error(self.folder, error) from error
