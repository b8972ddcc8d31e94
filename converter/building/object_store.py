"""Object store: records at an address as a Store that a build writes to.

A file is made in a local temporary file, then put in one request with its checksum, under its temporary name. To
publish is to copy it to its final name on the server. As in a local folder, a journal comes first, and the manifest
last: who finds the journal finishes it. A put is atomic, so nothing is ever visible half.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from converter.building.commit import JOURNAL, is_own_name
from converter.building.lease import CLOCK, LEASE, Lease, is_held
from converter.building.store import hidden
from converter.dataset.objects import ObjectFolder, asked
from converter.dataset.store import sha256_of
from converter.errors import DataError, UsageError, shown
from converter.schema import MANIFEST
from converter.system.files import TEMPORARY, write_error

_leases: dict[str, Lease] = {}  # by address, of this process; a worker has none

GIVEN_AT_ONCE = 32  # files that are published at a time: each takes a round trip or two
SHA256 = "sha256"  # attribute of an object: of its content, in hex


class ObjectStore(ObjectFolder):
    """The objects below an address as a Store."""

    def exists(self, name: str) -> bool:
        """Returns whether this name exists; "" is the place itself, which exists if there is anything in it."""
        import obstore

        try:
            if not name:
                return bool(self.names())
            asked(self.where(name), lambda: obstore.head(self.client, name))
        except FileNotFoundError:
            return False
        return True

    def digest(self, name: str) -> str | None:
        """Returns the SHA-256, in hex, that was noted when the file was put; None where it is unknown."""
        import obstore

        try:
            found = asked(
                self.where(name), lambda: obstore.get(self.client, name, options={"head": True}).attributes.get(SHA256)
            )
        except FileNotFoundError:
            return None
        return str(found) if found else None

    def put(self, name: str, data: bytes) -> None:
        """Writes a small file, atomically and durably; MachineError where that fails."""
        self._put(name, data, {})

    def _put(self, name: str, data: bytes | BinaryIO, attributes: dict[str, str]) -> None:
        import obstore

        def ask() -> Any:
            body: Any = data if isinstance(data, bytes) else _at_start(data)
            given: Any = attributes
            return obstore.put(self.client, name, body, attributes=given, use_multipart=False)

        try:
            asked(self.where(name), ask)
        except FileNotFoundError as error:
            raise write_error(self.where(name), error) from None

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[BinaryIO]:
        """Opens a local temporary file that is put as `hidden(name)` when the block ends."""
        try:
            with tempfile.TemporaryFile() as file:
                yield file
                digest = sha256_of(_at_start(file))
                self._put(hidden(name), file, {SHA256: digest})
        except OSError as error:
            raise write_error(tempfile.gettempdir(), error) from error

    def give(self, names: Collection[str]) -> None:
        """Copies staged files to their final names, on the server, and deletes them under their temporary ones."""
        import obstore

        client, ordered = self.client, list(names)

        async def copy(name: str) -> None:
            await obstore.copy_async(client, hidden(name), name)

        async def delete(name: str) -> None:
            with contextlib.suppress(FileNotFoundError):
                await obstore.delete_async(client, hidden(name))

        for start in range(0, len(ordered), GIVEN_AT_ONCE):
            some = ordered[start : start + GIVEN_AT_ONCE]
            for step in (copy, delete):
                asked(self.url, lambda step=step, some=some: asyncio.run(_each(step, some)))  # type: ignore[misc]

    def delete(self, name: str) -> None:
        """Deletes a file, if it exists."""
        import obstore

        with contextlib.suppress(FileNotFoundError):
            asked(self.where(name), lambda: obstore.delete(self.client, name))

    def clean(self, keep: Collection[str] = ()) -> None:
        """Deletes all temporary files except `keep` and the lease."""
        for name in self._names():
            if name.startswith(TEMPORARY) and name not in keep and name not in (LEASE, CLOCK):
                self.delete(name)

    def _names(self) -> list[str]:
        try:
            return self.names()
        except FileNotFoundError:
            return []

    def blocked(self, name: str) -> DataError | None:
        """Returns None: no folder can be in place of an object."""
        return None

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Takes the lease of the address and renews it; UsageError where another build holds it."""
        lease = Lease(self)
        lease.take()
        _leases[self.url] = lease
        try:
            with lease.renewed():
                yield
        finally:
            del _leases[self.url]

    def sign(self) -> None:
        """Does nothing: the lease says who is building."""

    def publish(self, staged: Collection[str], texts: Mapping[str, bytes], delete: Collection[str]) -> None:
        """Publishes staged files as a new dataset, the manifest last; MachineError where the lease was lost before."""
        names = [*staged, *(name for name in texts if name != MANIFEST)]
        for name, text in texts.items():
            self.put(hidden(name), text)
        tags = self._tags()
        journal = {
            "give": names,
            "delete": sorted(delete),
            "tags": {name: tags.get(hidden(name)) for name in (*names, MANIFEST)},
        }
        self._check_lease()
        self.put(JOURNAL, json.dumps(journal).encode())
        self._check_lease()
        self.finish()

    def _check_lease(self) -> None:
        if self.url in _leases:
            _leases[self.url].check()

    def _tags(self) -> dict[str, str | None]:
        """Returns the ETag of every file, by name."""
        import obstore

        found = asked(self.url, lambda: obstore.list_with_delimiter(self.client)["objects"])
        return {each["path"].rpartition("/")[2]: each["e_tag"] for each in found}

    def is_publishing(self) -> bool:
        """Returns whether a `publish` was begun and is not finished."""
        return self.exists(JOURNAL)

    def finish(self) -> None:
        """Finishes a `publish` that was interrupted, if there is one; every step may be done twice.

        Raises:
          UsageError: the journal is not one of segconv, or a file that it names is missing or another one.
          MachineError: the server does not answer.
        """
        if not self.is_publishing():
            return
        with self.open(JOURNAL) as file:
            give, delete, wanted = parse_journal(file.read(), self.url)
        there = self._tags()
        if hidden(MANIFEST) in there:
            for name in (*give, MANIFEST):
                is_right = there.get(hidden(name)) == wanted.get(name) if hidden(name) in there else name in there
                if not is_right:
                    what = f"was being replaced by a new dataset, of which {shown(name)} is missing or was changed"
                    raise UsageError(
                        self.url, what, "Delete what is there, or choose another place with --out.", "E_OUT"
                    )
            for name in (MANIFEST, *delete):
                self.delete(name)
            self.give([name for name in give if hidden(name) in there])
            self.give([MANIFEST])
        self.delete(JOURNAL)

    def free_bytes(self) -> int | None:
        """Returns None: an object store has no limit that could be asked for."""
        return None


async def _each(step: Callable[[str], Awaitable[None]], names: Sequence[str]) -> None:
    """Does a step for all of these names at a time."""
    await asyncio.gather(*map(step, names))


def parse_journal(data: bytes, where: str) -> tuple[list[str], list[str], dict[str, Any]]:
    """Returns (final names of the files to publish, names to delete, ETag of each staged file).

    Raises:
      UsageError: it is no journal of segconv.
    """
    with contextlib.suppress(ValueError, KeyError, TypeError, RecursionError):
        raw = json.loads(data)
        give, delete, tags = list(raw["give"]), list(raw["delete"]), dict(raw["tags"])
        if all(map(is_own_name, (*give, *delete))):
            return give, delete, tags
    what = f"holds a {JOURNAL} that segconv did not write"
    raise UsageError(where, what, "Delete what is there, or choose another place with --out.", "E_OUT")


class SharedObjects(ObjectStore):
    """The objects below an address as a Store that several processes stage files in at the same time."""

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Raises UsageError where a build is running; needs no lock, since a put is atomic."""
        if is_held(self):
            fix = "Wait until it is done, or choose another place with --out."
            raise UsageError(self.url, "is being written by a build", fix, "E_LOCKED")
        yield


def _at_start(file: BinaryIO) -> BinaryIO:
    file.flush()
    file.seek(0, os.SEEK_SET)
    return file
