"""Console: results go to stdout, everything else to stderr, so that `--json` and pipes stay clean.

Messages for the user go through `log`; long operations report through `Progress`. A reader that stops reading, as
`head` does, ends nothing: the work is completed, and its exit code says how it ended.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
import time
from types import TracebackType
from typing import Any, Self

from converter.errors import MachineError

log = logging.getLogger("segconv")

_NUMBER = re.compile(r"([\d.,]+%?|n/a)?")

LINE_EVERY_S = 5.0  # without a terminal: often enough to see progress, rare enough for a log file


class _Stream(io.TextIOWrapper):
    """A standard stream that never fails: once it cannot be written, the rest is discarded, and the work goes on.

    Attributes:
      error: of the first write that failed; None where the reader left, which is no failure.
    """

    error: OSError | None = None

    def write(self, text: str, /) -> int:
        """Writes a text, as far as that is possible."""
        try:
            return super().write(text)
        except OSError as error:
            self._discard(error)
            return len(text)

    def flush(self) -> None:
        """Writes what is buffered, as far as that is possible."""
        try:
            super().flush()
        except OSError as error:
            self._discard(error)

    def _discard(self, error: OSError) -> None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())  # takes what is buffered, too: the interpreter writes it when it ends
        os.close(null)
        if not isinstance(error, BrokenPipeError):
            self.error = error


def open_streams() -> None:
    """Makes stdout and stderr writable, whatever they are.

    Some callers close them, some stop reading, and a terminal may not have every character. What goes into a file or a
    pipe is UTF-8 in every locale, so that the same command writes the same bytes.
    """
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123 - open until the end
        elif isinstance(stream, io.TextIOWrapper):
            is_asked_for = "PYTHONIOENCODING" in os.environ
            encoding = stream.encoding if is_asked_for or stream.isatty() else "utf-8"
            stream.flush()
            ours = _Stream(
                stream.buffer,
                encoding,
                errors="backslashreplace",
                line_buffering=stream.line_buffering,
                write_through=stream.write_through,
            )
            setattr(sys, name, ours)


def check_output() -> None:
    """Raises a MachineError where a result could not be written to stdout, as on a full disk."""
    sys.stdout.flush()
    error = getattr(sys.stdout, "error", None)
    if error is not None:
        what = f"cannot be written ({error.strerror})"
        raise MachineError("stdout", what, "Free up disk space, then run the same command again.", "E_WRITE")


def set_verbosity(steps: int) -> None:
    """Sends the log to stderr: -1 warnings and errors, 0 normal messages, 1 details."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel({-1: logging.WARNING, 0: logging.INFO}.get(max(steps, -1), logging.DEBUG))


def print_result(text: str) -> None:
    """Writes one result to stdout."""
    sys.stdout.write(text + "\n")


def print_json(result: dict[str, Any]) -> None:
    """Writes one JSON object to stdout, and nothing else; scripts rely on its keys."""
    print_result(json.dumps(result))


def table(rows: list[tuple[str, ...]]) -> str:
    """Returns rows as aligned columns; the first row is the heading, columns of numbers are right-aligned."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    is_number = [all(_NUMBER.fullmatch(row[column]) for row in rows[1:]) for column in range(len(widths))]
    lines = []
    for row in rows:
        cells = zip(row, widths, is_number, strict=True)
        lines.append("  ".join(cell.rjust(width) if number else cell.ljust(width) for cell, width, number in cells))
    return "\n".join(line.rstrip() for line in lines)


class Progress:
    """Shows progress, rate and remaining time.

    A bar on a terminal, a line every few seconds elsewhere, nothing where the log is quiet.

    Attributes:
      total: total number of units.
      unit: what is counted, such as "image".

    Args:
      stays: whether the bar is left on the screen when all is done.
    """

    def __init__(self, total: int, unit: str, *, stays: bool = True) -> None:
        self.total = total
        self.unit = unit
        self._done = 0
        self._start = self._last_line = time.monotonic()
        self._bar: Any = None
        if log.isEnabledFor(logging.INFO) and sys.stderr.isatty():
            from tqdm import tqdm  # imported here to keep `--help` fast

            tqdm.monitor_interval = 0  # no monitor thread: a process with a second thread cannot be forked
            self._bar = tqdm(total=total, unit=unit, dynamic_ncols=True, smoothing=0.1, leave=stays)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, done: int) -> None:
        """Shows that `done` units of the total are done."""
        if self._bar is not None:
            self._bar.update(done - self._done)
        self._done = done
        now = time.monotonic()
        if self._bar is None and now - self._last_line >= LINE_EVERY_S and done:
            self._last_line = now
            rate = done / (now - self._start)
            left_s = (self.total - done) / rate
            log.info("%d/%d %ss, %.1f/s, %.0f s left", done, self.total, self.unit, rate, left_s)
