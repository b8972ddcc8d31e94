"""Console: results go to stdout, everything else to stderr, so that `--json` and pipes stay clean.

Messages for the user go through `log`; long operations report through `Progress`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from types import TracebackType
from typing import Any, Self

log = logging.getLogger("segconv")

_NUMBER = re.compile(r"([\d.,]+%?|n/a)?")

LINE_EVERY_S = 5.0  # without a terminal: often enough to see progress, rare enough for a log file


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
    """

    def __init__(self, total: int, unit: str) -> None:
        self.total = total
        self.unit = unit
        self._done = 0
        self._start = self._last_line = time.monotonic()
        self._bar: Any = None
        if log.isEnabledFor(logging.INFO) and sys.stderr.isatty():
            from tqdm import tqdm  # imported here to keep `--help` fast

            tqdm.monitor_interval = 0  # no monitor thread: a process with a second thread cannot be forked
            self._bar = tqdm(total=total, unit=unit, dynamic_ncols=True, smoothing=0.1)

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
