"""Errors: one line for every failure that a user can cause: where, what, and how to mend it.

    SegconvError
      DataError     exit 1   the data are bad: a refused pair, a damaged shard
      UsageError    exit 2   a wrong option, or a dataset that cannot be started on
      MachineError  exit 4   disk, memory, a lost worker: run the same command again

A bug of ours is none of these: it stays an ordinary exception with its traceback.
"""

from __future__ import annotations

EXIT_SKIPPED = 3  # the work is done, but with skipped examples
REBUILD = "Build the dataset again with `segconv build`."
SHOWN_CHARS = 200  # longest name in a message
SHOWN_WHAT_CHARS = 1000  # longest account of what was found: some quote what a user wrote


def shown(text: object, limit: int = SHOWN_CHARS) -> str:
    """Returns `text` fit for one line of a terminal: control characters escaped, at most `limit` characters."""
    # Surrogates, which stand for what is not UTF-8 in a file's name, are not printable either.
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))
    return escaped if len(escaped) <= limit else escaped[: limit - 3] + "..."


class SegconvError(Exception):
    """A failure with a remedy.

    Attributes:
      where: file, or list and line, as the user wrote it.
      what: what was found, and what was expected.
      mend: one sentence that says what to do.
      code: stable word for scripts, such as E_MASK_VALUE; data/README.md lists those of refused pairs.
    """

    exit_code = 1
    default_code = "E_DATA"

    def __init__(self, where: object, what: str, fix: str, code: str | None = None) -> None:
        super().__init__(where, what, fix, code)  # all of them in `args`, so that the error survives pickling
        self.where = str(where)
        self.what = what
        self.fix = fix
        self.code = code or self.default_code

    def __str__(self) -> str:
        return f"{shown(self.where)}: {shown(self.what, SHOWN_WHAT_CHARS)}. {self.fix}"


class DataError(SegconvError):
    """The data are bad: a pair that was refused, a shard that is damaged."""

    exit_code = 1


class UsageError(SegconvError):
    """An option is wrong, or the dataset cannot be started on."""

    exit_code = 2
    default_code = "E_USAGE"


class MachineError(SegconvError):
    """The machine failed: disk, memory, a lost worker."""

    exit_code = 4
    default_code = "E_MACHINE"
