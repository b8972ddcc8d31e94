"""Errors: one line for every failure that a user can cause: where, what, and how to fix it.

    SegconvError
      DataError     exit 1   invalid data: a refused pair, a damaged shard
      UsageError    exit 2   invalid option, or a dataset that cannot be read at all
      MachineError  exit 4   machine failure: disk, memory, a lost worker; run the same command again

A bug of ours is none of these. It stays an ordinary exception with its traceback.
"""

from __future__ import annotations

EXIT_SKIPPED = 3  # finished, but some pairs were skipped
REBUILD = "Rebuild the dataset with `segconv build`."
REPLACE = "Rebuild the dataset with `segconv build --overwrite`."  # where the manifest is lost
SHOWN_CHARS = 200  # maximum length of a name in a message
SHOWN_WHAT_CHARS = 1000  # maximum length of `what`, which may quote what a user wrote


def shown(text: object, limit: int = SHOWN_CHARS) -> str:
    """Returns `text` safe for one line of a terminal: control characters escaped, truncated to `limit` characters."""
    # Surrogates, which stand for bytes of a file name that are not UTF-8, are not printable either.
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return escaped if len(escaped) <= limit else escaped[: limit - 3] + "..."


class SegconvError(Exception):
    """A failure that says how to fix it.

    Attributes:
      where: file, or list and line, as the user wrote it.
      what: what was found, and what was expected.
      fix: one sentence that says what to do.
      code: stable identifier for scripts, such as E_MASK_VALUE; data/README.md lists those of refused pairs.
    """

    exit_code = 1
    default_code = "E_DATA"

    def __init__(self, where: object, what: str, fix: str, code: str | None = None) -> None:
        super().__init__(where, what, fix, code)  # all in `args`, so that the error can be pickled
        self.where = str(where)
        self.what = what
        self.fix = fix
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"{shown(self.where)}: {shown(self.what, SHOWN_WHAT_CHARS)}. {self.fix}"


class DataError(SegconvError):
    """Invalid data: a refused pair, a damaged shard."""

    exit_code = 1


class UsageError(SegconvError):
    """An invalid option, or a dataset that cannot be read at all."""

    exit_code = 2
    default_code = "E_USAGE"


class MachineError(SegconvError):
    """A machine failure: disk, memory, a lost worker."""

    exit_code = 4
    default_code = "E_MACHINE"
