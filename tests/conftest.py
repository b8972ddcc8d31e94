"""Tiny datasets in the tutorial's layout, drawn by the tests, and the command as a user starts it."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.object_fixtures import bucket as bucket
from tests.object_fixtures import port as port

CLASSES = "name,value\nbackground,0 0 0\nbuilding,#1600FF\nvegetation,0 255 0\nignore,#FFFF00\n"
COLORS = np.array([(0, 0, 0), (22, 0, 255), (0, 255, 0), (255, 255, 0)], np.uint8)
EXPECTED = np.array([0, 1, 2, 255], np.uint8)  # what the class map makes of COLORS

Run = Callable[..., subprocess.CompletedProcess[str]]


def draw_pair(number: int, size: tuple[int, int] = (20, 30)) -> tuple[np.ndarray, np.ndarray]:
    """Returns (image uint8 [H, W, 3], mask uint8 [H, W] of indices into COLORS)."""
    rng = np.random.default_rng(number)
    image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
    return image, rng.integers(0, len(COLORS), size, dtype=np.uint8)


def write_dataset(folder: Path, *, train: int = 6, val: int = 2, size: tuple[int, int] = (20, 30)) -> Path:
    """Writes a dataset in the tutorial's layout, with folders of its own for val, and returns its folder."""
    for prefix, count, first in (("", train, 0), ("val_", val, 100_000)):
        images, masks = folder / f"{prefix}jpg", folder / f"{prefix}png"
        images.mkdir(parents=True)
        masks.mkdir()
        lines = []
        for number in range(count):
            image, mask = draw_pair(first + number, size)
            Image.fromarray(image).save(images / f"p{number}.jpg", quality=95)
            Image.fromarray(COLORS[mask]).save(masks / f"m{number}.png")
            lines.append(f"p{number}.jpg;m{number}.png\n")
        (folder / f"{'val' if prefix else 'train'}.txt").write_text("".join(lines))
    (folder / "classes.csv").write_text(CLASSES)
    return folder


def visible(folder: Path) -> dict[str, bytes]:
    """Returns name -> content of the files of a dataset, hidden ones left out."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".segconv-")}


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "dataset")


@pytest.fixture
def segconv(tmp_path: Path) -> Run:
    """Runs the command in a process of its own, in tmp_path."""

    def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", "from converter.cli import main; main()", *map(str, arguments)]
        return subprocess.run(  # type: ignore[call-overload, no-any-return]
            command, cwd=tmp_path, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120, **options
        )

    return run


@pytest.fixture(autouse=True)
def _restored_log() -> Iterator[None]:
    """Restores the log that a command in this process has set up, or later tests would not see what is logged."""
    log = logging.getLogger("segconv")
    before = log.level, log.propagate, log.handlers[:]
    yield
    log.setLevel(before[0])
    log.propagate = before[1]
    log.handlers[:] = before[2]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Escapes what a test logs of names that are not UTF-8, which pytest-xdist cannot send between processes."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names the libraries that have read records, with their versions."""
    reports = terminalreporter.stats.get("passed", [])
    readers = {value for report in reports for name, value in report.user_properties if name == "reader"}
    if readers:
        terminalreporter.write_line(f"records were read by: {', '.join(sorted(readers))}")
