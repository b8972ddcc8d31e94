"""Runs: the folder that a training run leaves behind, and all that is written there.

A run folder is runs/<YYYY-MM-DDTHH-MM-SS>, and its config.json is enough to repeat the run. A file in it is whole or
absent: it is written under a hidden name and renamed. metrics.csv and log.txt grow by whole lines instead.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import fcntl
import itertools
import json
import logging
import math
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from converter import __version__
from converter.dataset.manifest import Manifest, seal_of
from converter.errors import DataError, MachineError, UsageError
from converter.system.console import log
from converter.system.files import write_error, write_whole
from trainer.config import AUGMENTS, AugmentConfig, TrainConfig

BEST = "best.keras"
CONFIG = "config.json"
CURVES = "curves.png"
LOG = "log.txt"
METRICS = "metrics.csv"
PREDICTIONS = "predictions.png"
STATE = "state.npz"

RUN_NAME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d)(?:-(\d+))?")
TRAIN_ONE = "Train one: segconv train"


@dataclass(frozen=True)
class RunInfo:
    """What config.json of a run says.

    Attributes:
      config: the choices the run was started with; `data` is absolute.
      dataset: name of the dataset.
      size: (height, width) of the model's input, in pixels.
      classes: class names in order of their indices.
      records: seal of the manifest of the records, which names their content; empty in a run of an older version.
    """

    config: TrainConfig
    dataset: str
    size: tuple[int, int]
    classes: tuple[str, ...]
    records: str


def create_run(config: TrainConfig, manifest: Manifest) -> Path:
    """Makes the folder of a new run and writes its config.json.

    Raises:
      UsageError: the records have no common size.
      MachineError: the folder cannot be made or written to.
    """
    manifest.common_size(config.data)
    run = _make_folder(config.runs)
    write_config(run, config, manifest)
    return run


def write_config(run: Path, config: TrainConfig, manifest: Manifest) -> None:
    """Writes config.json of a run.

    Raises:
      MachineError: it cannot be written.
    """
    choices = dataclasses.asdict(config)
    choices["data"] = config.data.absolute()  # so that `segconv evaluate` works from any folder
    if Path(config.weights).suffix:
        choices["weights"] = Path(config.weights).absolute()
    facts = {
        "config": {key: str(value) if isinstance(value, Path) else value for key, value in choices.items()},
        "dataset": manifest.name,
        "records": seal_of_records(manifest),
        "size": list(manifest.common_size(config.data)),
        "classes": list(manifest.class_names),
        "versions": _versions(),
    }
    write_whole(run / CONFIG, (json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode())


def seal_of_records(manifest: Manifest) -> str:
    """Returns the seal of the manifest: the same records, built anew, have the same."""
    return seal_of(json.loads(manifest.to_json()))


def newest_run(runs: Path, needs: str = BEST) -> Path:
    """Returns the newest run in `runs` that has a file of the name `needs`.

    Raises:
      UsageError: there is none.
    """
    names = [RUN_NAME.fullmatch(folder.name) for folder in runs.iterdir()] if runs.is_dir() else []
    # The second run of the same second is "-2", the tenth "-10": a number, not a text.
    found = sorted((m[1], int(m[2] or 1), m[0]) for m in names if m and (runs / m[0] / needs).is_file())
    if not found:
        raise UsageError(runs, f"holds no run with a {needs}", TRAIN_ONE, "E_NO_RUN")
    return runs / found[-1][2]


def read_run(run: Path) -> RunInfo:
    """Returns what config.json of a run says.

    Raises:
      UsageError: the folder is no run.
      DataError: config.json is not one of segconv's.
    """
    path = run / CONFIG
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        config = _config(raw["config"])
        height, width = (int(n) for n in raw["size"])
        classes = tuple(map(str, raw["classes"]))
        return RunInfo(config, str(raw["dataset"]), (height, width), classes, str(raw.get("records", "")))
    except (FileNotFoundError, NotADirectoryError):
        raise UsageError(run, f"holds no {CONFIG}, so it is no run", TRAIN_ONE, "E_NO_RUN") from None
    except UsageError as error:
        what = f"holds a choice that cannot be: {error.where} {error.what}"
        raise DataError(path, what, "Train again, or restore the file.", "E_RUN") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        what = f"is not a run's {CONFIG} ({type(error).__name__}: {error})"
        raise DataError(path, what, "Train again, or restore the file.", "E_RUN") from None


def _config(raw: dict[str, Any]) -> TrainConfig:
    """Returns the choices in a config.json; what a later version added to them is left out."""
    choices = {field.name: raw[field.name] for field in dataclasses.fields(TrainConfig) if field.name in raw}
    choices |= {key: Path(choices[key]) for key in ("data", "runs")}
    for key, default in vars(TrainConfig()).items():
        kinds = {float: (float, int), type(None): (str, type(None))}.get(type(default), (type(default),))
        if key != "strengths" and type(choices.get(key, default)) not in kinds:
            raise TypeError(f"{key} is {choices[key]!r}")
    strengths = dict(choices.get("strengths", vars(AUGMENTS[choices.get("augment", TrainConfig.augment)])))
    known = {field.name for field in dataclasses.fields(AugmentConfig)}
    choices["strengths"] = AugmentConfig(**{key: value for key, value in strengths.items() if key in known})
    return TrainConfig(**choices)


@contextlib.contextmanager
def held(run: Path) -> Iterator[None]:
    """Holds a run folder against other processes; a killed one lets go of it.

    Raises:
      UsageError: another process trains it.
    """
    folder = os.open(run, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        mend = "Wait for it, or train anew with --config."
        raise UsageError(run, "is being trained by another process", mend, "E_RESUME") from None
    finally:
        os.close(folder)


class _LogFile(logging.FileHandler):
    """A log file that says once when it cannot be written, and then is silent: no training ends for its log."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Gives the file up."""
        log.removeHandler(self)
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            log.warning("%s", write_error(Path(self.baseFilename), error))


@contextlib.contextmanager
def log_to_file(run: Path) -> Iterator[None]:
    """Sends the log to log.txt of the run as well, with the time, whatever `-q` keeps from the console."""
    level = log.getEffectiveLevel()
    consoles = [(handler, handler.level) for handler in log.handlers]
    for handler, own in consoles:
        handler.setLevel(max(level, own))
    file = _LogFile(run / LOG, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(message)s", datefmt="%Y-%m-%dT%H:%M:%S"))
    log.addHandler(file)
    log.setLevel(min(level, logging.INFO))
    try:
        yield
    finally:
        log.removeHandler(file)
        with contextlib.suppress(OSError):  # what could not be written has been told
            file.close()
        for handler, own in consoles:
            handler.setLevel(own)
        log.setLevel(level)


def append_metrics(run: Path, row: dict[str, float]) -> None:
    """Appends one epoch to metrics.csv, with the header before the first; a value that is not a number stays empty.

    Raises:
      MachineError: the file cannot be written.
    """
    path = run / METRICS
    cells = ["" if math.isnan(value) else f"{value:.9g}" for value in row.values()]
    try:
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if file.tell() == 0:
                writer.writerow(row)
            writer.writerow(cells)
    except OSError as error:
        raise write_error(path, error) from error


def keep_metrics(run: Path, epochs: int) -> None:
    """Cuts metrics.csv off after so many epochs: rows behind them are of an epoch that is going to be run again.

    Raises:
      MachineError: the file cannot be written.
    """
    path = run / METRICS
    if path.exists():
        lines = path.read_bytes().splitlines(keepends=True)
        if len(lines) <= epochs:
            log.warning("%s has lost rows of the first %d epochs.", path, epochs)
        write_whole(path, b"".join(lines[: epochs + 1]))  # the header, and a line per epoch


def _make_folder(runs: Path) -> Path:
    """Makes runs/<time>, or <time>-2 and so on where another run began in the same second."""
    now = time.strftime("%Y-%m-%dT%H-%M-%S")
    try:
        runs.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            run = runs / (now if number == 1 else f"{now}-{number}")
            with contextlib.suppress(FileExistsError):
                run.mkdir()
                break
    except OSError as error:
        what = f"no run can be made there ({error.strerror})"
        raise MachineError(runs, what, "Pass --runs with a folder that you may write to.", "E_WRITE") from error
    return run


def _versions() -> dict[str, Any]:
    """Returns the versions that decide what a run computes, without importing the libraries."""
    versions = {"segconv": __version__}
    for package in ("tensorflow", "keras", "numpy"):
        with contextlib.suppress(PackageNotFoundError):  # a CUDA or nightly build goes by another name
            versions[package] = version(package)
    return versions
