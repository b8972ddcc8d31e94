"""Commit: who may write to the output folder, and how a new dataset replaces an old one there.

Files are written completely, under temporary names. Once the journal is on the disk, the new dataset is the result:
whoever finds the journal finishes the renames. Until then the old dataset is untouched. The manifest comes last, so a
folder with a manifest is complete.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from converter.errors import DataError, MachineError, UsageError, shown
from converter.schema import MANIFEST
from converter.system.files import (
    TEMPORARY,
    create,
    open_regular,
    sync_folder,
    temporary_path,
    write_durably,
    write_error,
)
from converter.system.locks import LockedError, locked_folder
from converter.system.signals import signals_blocked

JOURNAL = TEMPORARY + "commit"
HOLDER = TEMPORARY + "lock"  # says who holds the lock; the lock itself is on the folder
FIX_NO_LOCK = "Work in a folder on a local disk, and copy it there when it is complete."
FIX_FOREIGN = "Move it out of the folder."

# All names that a build can use: a forged journal must not delete files of others.
_OURS = re.compile(
    r"\w+-\w+\.tfrecord-\d{5}-of-\d{5}(\.idx)?|errors\.jsonl|dataset_info\.json|features\.json|\w+\.labels\.txt"
    r"|README\.md|croissant\.json",
    re.ASCII,
)


def is_own_name(name: str) -> bool:
    """Returns whether a build can have written a file of this name, other than the manifest."""
    return _OURS.fullmatch(name) is not None


@contextlib.contextmanager
def locked(out: Path, *, is_shared: bool = False) -> Iterator[None]:
    """Creates the output folder if needed, and locks out a second build. New folders that stay empty are removed.

    Args:
      out: the folder.
      is_shared: locks out builds, but no other holder of a shared lock, and leaves a new folder to them.

    Raises:
      UsageError: another build holds the lock.
      MachineError: the folder cannot be created, or its file system has no locks.
    """
    with contextlib.ExitStack() as stack:
        try:
            new = [folder for folder in (out, *out.parents) if not folder.exists() and not is_shared]
            out.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked_folder(out, FIX_NO_LOCK, is_shared=is_shared))
        except LockedError:
            fix = "Wait until it is done, or choose another folder with --out."
            raise UsageError(out, f"is being written by another segconv{_holder(out)}", fix, "E_LOCKED") from None
        except MachineError:
            _remove_empty(new)
            raise
        except OSError as error:
            raise write_error(out, error) from error
        try:
            yield
        finally:
            _remove_empty(new)


def _remove_empty(folders: list[Path]) -> None:
    """Removes folders, each before the one that it is in, up to the first that is not empty."""
    with contextlib.suppress(OSError):
        for folder in folders:
            folder.rmdir()


def sign(out: Path) -> None:
    """Writes to the locked folder who is building there; for people only."""
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    with create(out / HOLDER) as file:
        file.write(f"process {os.getpid()} on {os.uname().nodename}, since {since}".encode())


def _holder(out: Path) -> str:
    """Returns who is building in a folder, in brackets; "" where that is not known yet."""
    try:
        with open_regular(out / HOLDER) as file:
            return f" ({shown(file.read(200).decode('utf-8', 'replace'))})"
    except OSError:
        return ""


def commit(out: Path, shards: Collection[str], texts: Mapping[str, bytes], delete: Collection[str]) -> None:
    """Publishes a new dataset from the staged files in the folder.

    Args:
      out: output folder.
      shards: final names of files that are there under temporary names, durable.
      texts: content of small files by name; that of the manifest must be among them.
      delete: names of files of the old dataset that the new one does not have.

    Raises:
      DataError: there is a folder in place of a file; nothing was changed.
      MachineError: the disk failed. If the journal has been written, `finish_commit` does the rest; if not, the old
        dataset is still the result.
    """
    names = [*shards, *(name for name in texts if name != MANIFEST)]
    for name in (*names, *delete):  # or the replacement would stop half-way
        if error := blocked(out / name):
            raise error
    try:
        for name, text in texts.items():
            write_durably(temporary_path(out / name), text)
        write_durably(temporary_path(out / JOURNAL), json.dumps({"give": names, "delete": sorted(delete)}).encode())
        sync_folder(out)
        with signals_blocked():  # for some milliseconds the folder is not a dataset
            temporary_path(out / JOURNAL).replace(out / JOURNAL)
            sync_folder(out)
            finish_commit(out)
    except OSError as error:
        raise write_error(out, error) from error


def blocked(path: Path) -> DataError | None:
    """Returns the error that a folder is in place of a file of the dataset, which no rename replaces; else None."""
    if not path.is_dir() or path.is_symlink():
        return None
    return DataError(path, "is a folder, where a file of the dataset belongs", FIX_FOREIGN, "E_FOREIGN")


def is_begun(out: Path) -> bool:
    """Returns whether a commit in a folder was begun and is not finished."""
    return (out / JOURNAL).exists()


def finish_commit(out: Path) -> None:
    """Finishes the renames of a commit that was begun; does nothing where none was.

    Every step is idempotent, since this may be interrupted anywhere, too.

    Raises:
      UsageError: the journal is not one of segconv, or a file that it names is missing.
      MachineError: the disk failed.
    """
    if not is_begun(out):
        return
    give, delete = _read_journal(out)
    try:
        if temporary_path(out / MANIFEST).exists():  # it is the last one to be renamed
            gone = [name for name in give if not (temporary_path(out / name).exists() or (out / name).exists())]
            if gone:
                what = f"was being replaced by a new dataset, of which {shown(gone[0])} is missing"
                raise UsageError(out, what, "Delete the folder, or choose another with --out.", "E_OUT")
            (out / MANIFEST).unlink(missing_ok=True)
            sync_folder(out)  # or a power cut could leave the old manifest with new shards
            for name in delete:
                (out / name).unlink(missing_ok=True)
            for name in give:
                with contextlib.suppress(FileNotFoundError):  # renamed before
                    temporary_path(out / name).replace(out / name)
            sync_folder(out)
            temporary_path(out / MANIFEST).replace(out / MANIFEST)
            sync_folder(out)
        (out / JOURNAL).unlink()
        sync_folder(out)
    except OSError as error:
        raise write_error(out, error) from error


def _read_journal(out: Path) -> tuple[list[str], list[str]]:
    """Returns (final names of the files to rename, names to delete)."""
    try:
        with open_regular(out / JOURNAL) as file:
            raw = json.loads(file.read())
        give, delete = list(raw["give"]), list(raw["delete"])
        if all(map(is_own_name, (*give, *delete))):
            return give, delete
    except OSError as error:  # it may be a real one, and with it the new dataset
        fix = "Run the same command again; if it recurs, delete the folder."
        raise MachineError(out / JOURNAL, f"cannot be read ({error.strerror})", fix) from error
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    what = f"holds a {JOURNAL} that segconv did not write"
    raise UsageError(out, what, "Delete the folder, or choose another with --out.", "E_OUT")
