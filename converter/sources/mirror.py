"""Mirror: the files of a dataset at an address -> a local folder with the same files, from which everything is read.

A file is fetched when it is new or its ETag or size has changed, and deleted when it is gone: the second build of a
dataset fetches nothing, and a change its own file alone. The folder is in the cache; what is fetched is noted line by
line, so that a run that was killed goes on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import queue
import secrets
import shutil
import threading
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from converter.config import SourceConfig
from converter.dataset.cache import FOLDER, SIZE, cache_bytes, cache_folder
from converter.dataset.objects import ObjectFolder, asked
from converter.errors import DataError, MachineError, UsageError, shown
from converter.limits import MAX_FILE_BYTES, MAX_FILES
from converter.system.console import Progress, log
from converter.system.files import TEMPORARY, check_relative, open_append, write_error, write_whole
from converter.system.locks import LockedError, locked_folder
from converter.system.urls import UrlPath

NOTES = "fetched.jsonl"  # [path, ETag, size] of each file, the last line of a path counts
REQUESTS = 8  # at a time
Version = tuple[str, int]  # ETag and size in bytes


def local_source(source: SourceConfig) -> SourceConfig:
    """Returns the source as a local folder: itself, or a copy of the files at its address as they are now.

    Raises:
      UsageError: there is nothing at the address, or it is no bucket.
      DataError: an object has a name that no file can have.
      MachineError: the cache cannot be written or is too small; the server does not answer.
    """
    if not isinstance(source.src, UrlPath):
        return source
    place = ObjectFolder(str(source.src))
    base = cache_folder() / "sources" / hashlib.sha256(place.url.encode()).hexdigest()[:32]
    folder = base / (source.src.name or "dataset")  # which gives the records their name
    try:
        base.mkdir(parents=True, exist_ok=True)
        with locked_folder(base, f"Set {FOLDER} to a folder on a local disk."):
            _bring_up_to_date(place, base, folder)
    except LockedError:
        what = "is being brought up to date by another segconv"
        raise MachineError(folder, what, "Run the same command again when that is done.", "E_LOCKED") from None
    except OSError as error:
        raise write_error(folder, error) from error
    return dataclasses.replace(source, src=folder, address=place.url)


def require_folder(source: SourceConfig, command: str) -> None:
    """Raises UsageError where a command that writes into the source is given an address."""
    if isinstance(source.src, UrlPath):
        fix = "Copy the files to a folder, pass that to --src, and copy what is written back."
        raise UsageError(source.src, f"is an address, and {command} writes into a folder", fix, "E_SRC")


def _bring_up_to_date(place: ObjectFolder, base: Path, folder: Path) -> None:
    """Fetches what is new or has changed, and deletes what is gone."""
    wanted = _listed(place)
    if (total := sum(size for _, size in wanted.values())) > cache_bytes():
        what = f"takes {total / 1e9:,.2f} GB, and the cache {cache_bytes() / 1e9:,.2f} GB"
        raise MachineError(place.url, what, f"Set {SIZE} to more, and {FOLDER} to a disk with that space.", "E_SPACE")
    for left in base.glob(f"{TEMPORARY}*"):
        left.unlink()
    noted = read_notes(base / NOTES)
    there = _kept(folder, wanted)
    known = {path: version for path, version in noted.items() if there.get(path) == version[1]}
    missing = [path for path, version in wanted.items() if known.get(path) != version]
    kept = {path: version for path, version in known.items() if path in wanted and path not in set(missing)}
    if kept != noted:
        lines = (json.dumps([path, *version]) + "\n" for path, version in kept.items())
        write_whole(base / NOTES, "".join(lines).encode())
    if not missing:
        return
    log.info("%s: fetching %d of %d files into %s", place.url, len(missing), len(wanted), folder)
    with open_append(base / NOTES) as notes, Progress(len(missing), "file") as progress:
        for number, path in enumerate(_fetched(place, base, folder, missing), start=1):
            notes.write(json.dumps([path, *wanted[path]]).encode() + b"\n")
            notes.flush()
            progress.show(number)


def _listed(place: ObjectFolder) -> dict[str, Version]:
    """Returns the version of every file below an address, by its path; those that are too large are named.

    Raises:
      UsageError: there is none, or too many, or a web server lists none.
      DataError: the name of an object leads out of the folder.
    """
    import obstore

    if place.url.startswith("http"):
        raise UsageError(
            place.url, "is on a web server, which lists no files", "Use s3://, gs:// or az://.", "E_BUCKET"
        )

    def ask() -> dict[str, Version]:
        found: dict[str, Version] = {}
        for page in obstore.list(place.client):
            found |= {each["path"]: (str(each["e_tag"] or each["last_modified"]), each["size"]) for each in page}
            if len(found) > MAX_FILES:
                what = f"holds more than {MAX_FILES:,} files"
                raise UsageError(place.url, what, "Pass the root folder of the dataset with --src.", "E_SRC")
        return found

    found = asked(place.url, ask)
    for path in found:
        try:
            check_relative(path)
        except DataError as error:
            raise DataError(place.where(path), error.what, "Rename the object.", error.code) from None
    large = [path for path, (_, size) in found.items() if size > MAX_FILE_BYTES]
    if large:
        what = "%d files of more than %d bytes are not fetched, such as %s"
        log.warning(f"Warning W_UNREAD_FILES: {what}", len(large), MAX_FILE_BYTES, shown(large[0]))
    if not found:
        fix = "Correct the address, which is that of the folder of the dataset."
        raise UsageError(place.url, "holds no file", fix, "E_SRC")
    return {path: version for path, version in sorted(found.items()) if version[1] <= MAX_FILE_BYTES}


def read_notes(notes: Path) -> dict[str, Version]:
    """Returns the versions of the files that were fetched before; lines that are none of ours count for nothing."""
    found: dict[str, Version] = {}
    with contextlib.suppress(FileNotFoundError), notes.open("rb") as file:
        for line in file:
            with contextlib.suppress(ValueError, TypeError, RecursionError):
                path, e_tag, size = json.loads(line)
                if (type(path), type(e_tag), type(size)) == (str, str, int):
                    found[path] = e_tag, size
    return found


def _kept(folder: Path, wanted: Collection[str]) -> dict[str, int]:
    """Returns the sizes of the files in a folder, by path, after deleting those that are not wanted."""
    found = {}
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = Path(parent, name)
            relative = path.relative_to(folder).as_posix()
            if relative in wanted:
                found[relative] = path.lstat().st_size
            else:
                path.unlink()
        with contextlib.suppress(OSError):  # an empty one could be taken for a folder of the dataset
            Path(parent).rmdir()
    return found


def _fetched(place: ObjectFolder, base: Path, folder: Path, paths: list[str]) -> Iterator[str]:
    """Fetches files, several at a time, and yields the path of each that is there; a failure ends the others."""
    run = _Run(functools.partial(_fetch, place, base, folder), paths)
    failed: Exception | None = None
    running = REQUESTS
    for _ in range(running):  # daemons: what a signal ends does not wait for a server
        threading.Thread(target=run.work, daemon=True).start()
    try:
        while running:
            if (result := run.told.get()) is None:
                running -= 1
            elif result[1] is None:
                yield result[0]
            else:
                failed = failed or result[1]
    finally:
        run.is_over.set()
    if failed:
        raise failed


class _Run:
    """What the threads share that fetch files.

    Attributes:
      told: (path, why it failed) of each file that was tried; None from each thread that has ended.
      is_over: no file is begun any more.
    """

    def __init__(self, fetch: Callable[[str], None], paths: list[str]) -> None:
        self.told: queue.SimpleQueue[tuple[str, Exception | None] | None] = queue.SimpleQueue()
        self.is_over = threading.Event()
        self._fetch = fetch
        self._todo: queue.SimpleQueue[str] = queue.SimpleQueue()
        for path in paths:
            self._todo.put(path)

    def work(self) -> None:
        """Fetches files until none is left or one has failed."""
        with contextlib.suppress(queue.Empty):
            while not self.is_over.is_set():
                path = self._todo.get_nowait()
                try:
                    self._fetch(path)
                    self.told.put((path, None))
                except Exception as error:  # noqa: BLE001 - it is raised by who reads `told`
                    self.is_over.set()
                    self.told.put((path, error))
        self.told.put(None)


def _fetch(place: ObjectFolder, base: Path, folder: Path, path: str) -> None:
    """Fetches one file; it appears when it is whole."""
    temporary = base / f"{TEMPORARY}{secrets.token_hex(8)}"
    try:
        with place.open(path) as file, temporary.open("xb") as copy:
            shutil.copyfileobj(file, copy, 2**20)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(folder / path)
    except FileNotFoundError:
        fix = "Run the same command again."
        raise MachineError(place.where(path), "was deleted while the dataset was read", fix, "E_NETWORK") from None
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        what = "is a file, and the folder of other files"
        raise DataError(place.where(path), what, "Rename the object.", "E_PATH") from None
    finally:
        temporary.unlink(missing_ok=True)
