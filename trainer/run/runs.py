"""Runs: the folder of a training run, and the files that are written there.

A run folder is runs/<YYYY-MM-DDTHH-MM-SS>; `trainer.run.info` has its config.json. A file in it is complete or
absent: it is written under a temporary name and renamed. metrics.csv and log.txt are appended to line by line instead.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import logging
import math
import os
import re
import sys
import time
from collections.abc import Iterator
from logging.handlers import MemoryHandler
from pathlib import Path

from converter.dataset.manifest import Manifest
from converter.errors import DataError, MachineError, UsageError
from converter.limits import MAX_METRICS_BYTES
from converter.system.console import log
from converter.system.files import NotRegularError, open_append, read_regular, write_error, write_whole
from converter.system.locks import LockedError, locked_folder
from trainer.config import TrainConfig
from trainer.run.info import CONFIG, FIX_RUN, NOT_REGULAR, TRAIN_ONE, read_run, size_of, write_config

BEST = "best.keras"
CURVES = "curves.png"
LOG = "log.txt"
METRICS = "metrics.csv"
PREDICTIONS = "predictions.png"
STATE = "state.npz"

RUN_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)(?:-(\d+))?")


def create_run(config: TrainConfig, manifest: Manifest) -> Path:
    """Creates the folder of a new run and writes its config.json.

    Raises:
      UsageError: the records have no common size.
      MachineError: the folder cannot be created or written to.
    """
    size_of(config, manifest)
    run = _make_folder(config.runs)
    write_config(run, config, manifest)
    return run


def newest_run(runs: Path, needs: str = BEST) -> Path:
    """Returns the newest run in `runs` that has a file named `needs`, whatever kind of file that is.

    A run of --overfit does not count: its model has memorised a few records.

    Raises:
      UsageError: there is none.
    """
    names = [RUN_NAME.fullmatch(folder.name) for folder in runs.iterdir()] if runs.is_dir() else []
    # The second run of the same second is "-2", the tenth "-10": sorted as numbers, not as text.
    found = sorted((m[1], int(m[2] or 1), m[0]) for m in names if m and os.path.lexists(runs / m[0] / needs))
    for *_, name in reversed(found):
        if not _is_overfit(runs / name):
            return runs / name
    what = f"holds no run with a {needs}" + (", except for those of --overfit" if found else "")
    raise UsageError(runs, what, TRAIN_ONE, "E_NO_RUN")


def _is_overfit(run: Path) -> bool:
    """Whether a run memorised a few records; no, where that cannot be read."""
    try:
        return read_run(run).config.overfit > 0
    except (DataError, UsageError):
        return False


def check_run_files(run: Path) -> None:
    """Refuses to resume a run in which something else is in place of a file: a write would wait, or be lost.

    Raises:
      DataError: there is a folder, a pipe or a device under the name of a file.
    """
    for name in (CONFIG, STATE, METRICS, LOG, BEST, CURVES, PREDICTIONS):
        path = run / name
        if path.exists() and not path.is_file():
            raise DataError(path, NOT_REGULAR, FIX_RUN, "E_RUN")


@contextlib.contextmanager
def held(run: Path) -> Iterator[None]:
    """Locks a run folder against other processes; warns where its file system has no locks.

    Raises:
      UsageError: another process is training it.
      MachineError: the folder cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(locked_folder(run, "Make sure that no other process trains it."))
        except LockedError:
            fix = "Wait for it, or start a new run with --config."
            raise UsageError(run, "is being trained by another process", fix, "E_RESUME") from None
        except MachineError as error:  # the folder of a new run is new, so nobody else has it
            log.warning("Warning: %s", error)
        except OSError as error:
            raise write_error(run, error) from error
        yield


class _LogFile(logging.FileHandler):
    """A log file that warns once when it cannot be written and is then closed: training continues without it."""

    def _open(self) -> io.TextIOWrapper:
        file = open_append(Path(self.baseFilename))
        return io.TextIOWrapper(file, encoding=self.encoding, errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Stops logging to the file."""
        log.removeHandler(self)
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            log.warning("%s", write_error(Path(self.baseFilename), error))


@contextlib.contextmanager
def kept_log() -> Iterator[MemoryHandler]:
    """Keeps what is logged while there is no run folder, for `log_to_file`: all that the level of the log lets pass."""
    kept = MemoryHandler(sys.maxsize, flushLevel=logging.CRITICAL + 1, flushOnClose=False)
    log.addHandler(kept)
    try:
        yield kept
    finally:
        log.removeHandler(kept)
        kept.close()


@contextlib.contextmanager
def log_to_file(run: Path, before: MemoryHandler | None = None) -> Iterator[None]:
    """Also writes the log to log.txt of the run, with the time, including what `-q` hides on the console.

    Args:
      run: the run folder.
      before: of `kept_log`; its lines come first.

    Raises:
      MachineError: the file cannot be opened.
    """
    try:
        file = _LogFile(run / LOG, encoding="utf-8")
    except OSError as error:
        raise write_error(run / LOG, error) from error
    level, own_level = log.getEffectiveLevel(), log.level
    consoles = [(handler, handler.level) for handler in log.handlers]
    for handler, own in consoles:
        handler.setLevel(max(level, own))
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"))
    log.addHandler(file)
    if before is not None:
        log.removeHandler(before)
        for record in before.buffer:
            if file in log.handlers:  # until it cannot be written
                file.handle(record)
        before.buffer.clear()
    log.setLevel(min(level, logging.INFO))
    try:
        yield
    finally:
        log.removeHandler(file)
        with contextlib.suppress(OSError):  # the error has been reported already
            file.close()
        for handler, own in consoles:
            handler.setLevel(own)
        log.setLevel(own_level)


def append_metrics(run: Path, row: dict[str, float]) -> None:
    """Appends one epoch to metrics.csv, with the header before the first; NaN is an empty cell.

    Raises:
      MachineError: the file cannot be written.
    """
    path = run / METRICS
    cells = ["" if math.isnan(value) else f"{value:.9g}" for value in row.values()]
    try:
        with io.TextIOWrapper(open_append(path), encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if file.tell() == 0:
                writer.writerow(row)
            writer.writerow(cells)
    except OSError as error:
        raise write_error(path, error) from error


def read_metrics_file(path: Path) -> bytes:
    """Returns the content of a metrics.csv.

    Raises:
      FileNotFoundError: it does not exist.
      DataError: it cannot be read.
    """
    try:
        return read_regular(path, MAX_METRICS_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        what = NOT_REGULAR if isinstance(error, NotRegularError) else f"cannot be read ({error.strerror})"
        raise DataError(path, what, FIX_RUN, "E_METRICS") from None


def keep_metrics(run: Path, epochs: int) -> None:
    """Truncates metrics.csv after `epochs` epochs: later rows belong to an epoch that will be run again.

    Raises:
      DataError: it cannot be read.
      MachineError: it cannot be written.
    """
    path = run / METRICS
    if os.path.lexists(path):
        lines = read_metrics_file(path).splitlines(keepends=True)
        if len(lines) <= epochs:
            log.warning("%s has lost rows of the first %d epochs.", path, epochs)
        write_whole(path, b"".join(lines[: epochs + 1]))  # the header, and a line per epoch


def _make_folder(runs: Path) -> Path:
    """Creates runs/<time>, or <time>-2 and so on where another run began in the same second."""
    now = time.strftime("%Y-%m-%dT%H-%M-%S")
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            run = runs / (now if number == 1 else f"{now}-{number}")
            with contextlib.suppress(FileExistsError):
                run.mkdir()
                break
    except OSError as error:
        what = f"no run can be created there ({error.strerror})"
        raise MachineError(runs, what, "Pass --runs with a folder that you may write to.", "E_WRITE") from error
    return run
