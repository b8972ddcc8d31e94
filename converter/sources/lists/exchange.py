"""Exchange: the new lists of a source folder take the place of the old ones together.

A process may be killed between two renames, which would leave a new train.txt next to an old val.txt. So the new lists
are written under temporary names first, then a journal that names them. From then on the folder is refused by name
until `segconv split` has finished the renames.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from converter.config import SourceConfig, source_options
from converter.errors import UsageError
from converter.limits import MAX_JOURNAL_BYTES
from converter.system.files import (
    TEMPORARY,
    open_regular,
    sync_folder,
    temporary_path,
    write_durably,
    write_error,
)
from converter.system.signals import signals_blocked

JOURNAL = TEMPORARY + "split"
ASIDE = ".old"  # ending of a list that the new ones would contradict, and that segconv did not write
_OURS = re.compile(r"(?:train|val|test|fold[0-9]{1,3})\.txt", re.ASCII)  # a forged journal must not touch other files


def exchange(src: Path, texts: Mapping[str, bytes], command: str, aside: Collection[str] = ()) -> None:
    """Saves lists in a source folder, all of them or none.

    Args:
      src: the folder.
      texts: content of each list by its name.
      command: that makes these lists, without the folder; for the message to whoever finds the exchange unfinished.
      aside: names of lists in use to rename to NAME.old.

    Raises:
      MachineError: the disk failed. Once the journal is written, `finish` does the rest; before, nothing is changed.
    """
    journal = {"give": list(texts), "aside": list(aside), "command": command}
    try:
        for name, text in texts.items():
            write_durably(temporary_path(src / name), text)
        write_durably(temporary_path(src / JOURNAL), json.dumps(journal).encode())
        sync_folder(src)
        with signals_blocked():
            temporary_path(src / JOURNAL).replace(src / JOURNAL)
            sync_folder(src)
            finish(src)
    except OSError as error:
        raise write_error(src, error) from error


def finish(src: Path) -> bool:
    """Finishes an exchange that was begun and returns whether there was one.

    Raises:
      UsageError: there is a journal that segconv did not write.
      MachineError: the disk failed.
    """
    if (journal := _read_journal(src)) is None:
        return False
    give, aside, _ = journal
    try:
        for name in aside:
            if (src / name).exists():  # else it was renamed before
                (src / name).replace(src / (name + ASIDE))
        for name in give:
            if temporary_path(src / name).exists():
                temporary_path(src / name).replace(src / name)
        sync_folder(src)
        (src / JOURNAL).unlink()
        sync_folder(src)
    except OSError as error:
        raise write_error(src, error) from error
    return True


def check_finished(source: SourceConfig) -> None:
    """Refuses a source folder whose lists are of two different splits.

    Raises:
      UsageError: `segconv split` was killed while it replaced them; the message has the command that finishes it.
    """
    if (journal := _read_journal(source.src)) is not None:
        what = "shows that `segconv split` was ended while it replaced the lists, which may be of two different splits"
        fix = f"Finish it: {journal[2]} {source_options(source)} --overwrite"
        raise UsageError(source.src / JOURNAL, what, fix, "E_LIST")


def _read_journal(src: Path) -> tuple[list[str], list[str], str] | None:
    """Returns (names of the new lists, names to rename, command); None without a journal."""
    path = src / JOURNAL
    try:
        with open_regular(path) as file:
            raw = json.loads(file.read(MAX_JOURNAL_BYTES))
        give, aside, command = list(raw["give"]), list(raw["aside"]), raw["command"]
        is_ours = all(_OURS.fullmatch(name) for name in give) and all(re.fullmatch(r"[^/\0]+", name) for name in aside)
        if is_ours and not any(name.startswith(".") for name in aside) and command.isprintable():
            return give, aside, command
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UsageError(path, f"cannot be read ({error.strerror})", "Make it readable.", "E_LIST") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise UsageError(path, "is not a journal that segconv wrote", "Delete it.", "E_LIST")
