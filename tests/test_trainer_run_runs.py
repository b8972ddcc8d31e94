"""Run folders: unique, complete, and found again."""

from __future__ import annotations

import csv
import dataclasses
import errno
import io
import logging
import os
from pathlib import Path

import pytest

from converter.dataset.manifest import ClassInfo, Manifest
from converter.errors import DataError, MachineError, UsageError
from converter.system.console import log
from trainer.config import TrainConfig
from trainer.run import runs
from trainer.run.info import CONFIG, read_run
from trainer.run.runs import (
    BEST,
    CURVES,
    LOG,
    METRICS,
    PREDICTIONS,
    RUN_NAME,
    STATE,
    append_metrics,
    check_run_files,
    create_run,
    held,
    keep_metrics,
    kept_log,
    log_to_file,
    newest_run,
    read_metrics_file,
)

MANIFEST = Manifest("streets", (96, 128), "pad", (ClassInfo(0, "road", (1, 2, 3)), ClassInfo(1, "café", (4, 5, 6))), {})


def test_two_runs_of_one_second_have_folders_of_their_own(tmp_path):
    config = TrainConfig(runs=tmp_path / "runs")
    names = [create_run(config, MANIFEST).name for _ in range(3)]
    assert len(set(names)) == 3
    assert all(RUN_NAME.fullmatch(name) for name in names)


def test_the_newest_run_is_the_last_one_with_a_model(tmp_path):
    for name in (
        "2026-01-02T03-04-05",
        "2026-01-02T03-04-05-2",
        "2026-01-02T03-04-05-10",
        "2025-12-31T00-00-00",
        "mine",
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / BEST).touch()
    (tmp_path / "2027-01-01T00-00-00").mkdir()  # interrupted in its first epoch
    assert newest_run(tmp_path).name == "2026-01-02T03-04-05-10"


def test_a_run_that_memorised_a_few_records_is_not_the_newest(tmp_path):
    older, newer = (create_run(TrainConfig(runs=tmp_path, overfit=overfit), MANIFEST) for overfit in (0, 4))
    (newer / BEST).touch()
    assert newest_run(tmp_path, "config.json") == older
    with pytest.raises(UsageError, match=r"holds no run with a best\.keras, except for those of --overfit"):
        newest_run(tmp_path)


def test_no_run_is_an_error_that_says_how_to_get_one(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UsageError, match="Train one: segconv train"):
            newest_run(folder)


def test_a_file_in_the_place_of_the_runs_folder_is_named(tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(MachineError, match="runs: no run can be created there"):
        create_run(TrainConfig(runs=tmp_path / "runs"), MANIFEST)


def test_metrics_have_one_header_and_one_row_per_epoch(tmp_path):
    append_metrics(tmp_path, {"epoch": 1, "val_iou_a, b": 0.25})
    append_metrics(tmp_path, {"epoch": 2, "val_iou_a, b": float("nan")})
    rows = list(csv.reader(io.StringIO((tmp_path / "metrics.csv").read_text())))
    assert rows == [["epoch", "val_iou_a, b"], ["1", "0.25"], ["2", ""]]


def test_rows_of_epochs_that_are_run_again_are_cut_off(tmp_path):
    keep_metrics(tmp_path, 3)
    assert not (tmp_path / "metrics.csv").exists()
    for epoch in (1, 2, 3):
        append_metrics(tmp_path, {"epoch": epoch, "loss": 0.5})
    with (tmp_path / "metrics.csv").open("a") as file:
        file.write("4,0.")  # the process was killed here
    keep_metrics(tmp_path, 2)
    assert (tmp_path / "metrics.csv").read_text() == "epoch,loss\n1,0.5\n2,0.5\n"


@pytest.fixture
def console():
    """A console at -q: warnings only."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    before = log.handlers[:], log.level, log.propagate
    log.handlers[:], log.propagate = [handler], False
    log.setLevel(logging.WARNING)
    yield stream
    log.handlers[:], log.propagate = before[0], before[2]
    log.setLevel(before[1])


def test_the_log_file_is_complete_where_the_console_is_quiet(tmp_path, console):
    with log_to_file(tmp_path):
        log.info("epoch 1")
        log.warning("careful")
    log.info("later")
    assert console.getvalue() == "careful\n"
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["epoch 1", "careful"]
    assert log.level == logging.WARNING
    assert not any(isinstance(handler, logging.FileHandler) for handler in log.handlers)


def test_the_log_file_begins_with_what_was_logged_before_there_was_a_run(tmp_path, console):
    log.setLevel(logging.INFO)
    handlers = log.handlers[:]
    with kept_log() as before:
        log.info("too early")
        with log_to_file(tmp_path, before):
            log.info("epoch 1")
    log.info("later")
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["too early", "epoch 1"]
    assert console.getvalue().splitlines() == ["too early", "epoch 1", "later"]
    assert log.handlers == handlers


def test_no_run_is_begun_on_records_of_different_sizes(tmp_path):
    with pytest.raises(UsageError, match="no common size"):
        create_run(TrainConfig(runs=tmp_path / "runs"), dataclasses.replace(MANIFEST, size=None))
    assert not (tmp_path / "runs").exists()


def test_a_log_that_cannot_be_written_is_given_up_with_one_warning(tmp_path, console, monkeypatch):
    monkeypatch.setattr(runs, "open_append", lambda path: os.fdopen(os.open("/dev/full", os.O_WRONLY), "ab"))
    with log_to_file(tmp_path):
        log.warning("first")
        log.warning("second")
    lines = console.getvalue().splitlines()
    assert lines[0] == "first"
    assert "log.txt: cannot be written (No space left on device)" in lines[1]
    assert lines[2:] == ["second"]


def test_lost_rows_are_told(tmp_path, caplog):
    append_metrics(tmp_path, {"epoch": 1, "loss": 0.5})
    keep_metrics(tmp_path, 3)
    assert "has lost rows of the first 3 epochs" in caplog.text


def a_socket(path: Path) -> None:
    os.mknod(path, 0o140600)


KINDS = {
    "pipe": os.mkfifo,
    "folder": Path.mkdir,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "link to a pipe": lambda path: (os.mkfifo(path.with_name("pipe")), path.symlink_to("pipe")),
    "socket": a_socket,
}


@pytest.fixture(params=KINDS.values(), ids=KINDS.keys())
def put(request):
    """Puts something into the place of a file that must be neither waited for nor believed."""
    return request.param


@pytest.mark.parametrize("name", [CONFIG, STATE, METRICS, LOG, BEST, CURVES, PREDICTIONS])
def test_what_is_no_file_in_place_of_one_of_a_run_is_refused_by_its_name(tmp_path, put, name):
    check_run_files(tmp_path)
    put(tmp_path / name)
    with pytest.raises(DataError, match=rf"{name}: is not a regular file\. Train again, or restore the file"):
        check_run_files(tmp_path)


def test_nothing_waits_for_what_is_no_file(tmp_path, put):
    run = create_run(TrainConfig(runs=tmp_path / "runs"), MANIFEST)
    (run / CONFIG).unlink()
    for name in (CONFIG, METRICS, LOG):
        (run / "pipe").unlink(missing_ok=True)
        put(run / name)
    with pytest.raises(DataError, match=r"config\.json: is not a regular file"):
        read_run(run)
    with pytest.raises(DataError, match=r"metrics\.csv: is not a regular file"):
        read_metrics_file(run / METRICS)
    with pytest.raises(DataError, match=r"metrics\.csv: is not a regular file"):
        keep_metrics(run, 1)
    with pytest.raises(MachineError, match=r"metrics\.csv: cannot be written \((not a regular file|Is a directory)"):
        append_metrics(run, {"epoch": 1})
    with pytest.raises(MachineError, match=r"log\.txt: cannot be written \(not a regular file"), log_to_file(run):
        raise AssertionError


def test_the_newest_run_is_not_passed_over_for_what_is_in_place_of_its_file(tmp_path, put):
    for name in ("2026-01-02T03-04-05", "2026-01-02T03-04-06"):
        (tmp_path / name).mkdir()
    (tmp_path / "2026-01-02T03-04-05" / BEST).touch()
    put(tmp_path / "2026-01-02T03-04-06" / BEST)
    assert newest_run(tmp_path).name == "2026-01-02T03-04-06"


def test_a_file_that_is_larger_than_any_of_its_kind_is_refused_unread(tmp_path):
    with (tmp_path / METRICS).open("wb") as file:
        file.truncate(10**12)
    with (tmp_path / CONFIG).open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(DataError, match="more than 268435456 bytes"):
        read_metrics_file(tmp_path / METRICS)
    with pytest.raises(DataError, match="more than 16777216 bytes"):
        read_run(tmp_path)


def test_a_run_is_held_once_and_where_there_are_no_locks_a_warning_names_its_folder(tmp_path, caplog, monkeypatch):
    with held(tmp_path), pytest.raises(UsageError, match="is being trained by another process"), held(tmp_path):
        raise AssertionError
    assert not caplog.messages

    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr("fcntl.flock", no_locks)
    with held(tmp_path):
        what = "cannot be locked: its file system has no locks (Operation not supported)"
        assert caplog.messages == [f"Warning: {tmp_path}: {what}. Make sure that no other process trains it."]


@pytest.mark.parametrize("level", [logging.NOTSET, logging.ERROR])
def test_the_log_has_its_own_level_again_after_a_run(tmp_path, level):
    log.setLevel(level)
    with log_to_file(tmp_path):
        assert log.level == logging.INFO
    assert log.level == level


def test_the_texts_of_a_run_are_utf_8_whatever_the_names_in_them(tmp_path, console):
    log.setLevel(logging.INFO)
    with log_to_file(tmp_path):
        log.info("Straße 道路 \udcff")
    append_metrics(tmp_path, {"epoch": 1, "val_iou_道路": 0.5})
    assert (tmp_path / LOG).read_bytes().endswith(" Straße 道路 \\udcff\n".encode())
    assert (tmp_path / METRICS).read_bytes() == "epoch,val_iou_道路\n1,0.5\n".encode()
