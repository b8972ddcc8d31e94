"""Console: what goes to which stream, and what a log file sees of a long piece of work."""

from __future__ import annotations

import json
import logging

import pytest

from converter import console
from converter.console import Progress, log, print_json, set_verbosity, table


@pytest.fixture(autouse=True)
def log_as_before():
    before = log.handlers[:], log.level, log.propagate
    yield
    log.handlers[:], log.level, log.propagate = before


def test_json_is_one_line_on_stdout(capsys):
    print_json({"name": "Straße", "size": [1, 2]})
    out = capsys.readouterr().out
    assert out == '{"name": "Straße", "size": [1, 2]}\n'
    assert json.loads(out)["size"] == [1, 2]


def test_columns_of_numbers_stand_to_the_right_and_text_to_the_left():
    rows = [("id", "class", "share", ""), ("0", "sky", "9.0%", "##"), ("255", "(ignored)", "n/a", "")]
    assert table(rows).splitlines() == [
        " id  class      share",
        "  0  sky         9.0%  ##",
        "255  (ignored)    n/a",
    ]


def test_a_class_that_begins_with_n_is_text():
    assert table([("class", "x"), ("nature", "1"), ("n", "2")]).splitlines()[2] == "n       2"


@pytest.mark.parametrize(("steps", "level"), [(-1, logging.WARNING), (0, logging.INFO), (1, logging.DEBUG), (3, 10)])
def test_verbosity_sets_the_level(steps, level):
    set_verbosity(steps)
    assert log.level == level


def test_the_log_goes_to_stderr_and_quiet_keeps_warnings(capsys):
    set_verbosity(-1)
    log.info("said")
    log.warning("warned")
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "warned\n")


def test_without_a_terminal_progress_is_a_line_every_few_seconds(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    set_verbosity(0)
    with Progress(100, "image") as progress:
        for second in range(1, 12):
            now[0] = float(second)
            progress.show(5 * second)
    assert capsys.readouterr().err.splitlines() == [
        "25/100 images, 5.0/s, 15 s left",
        "50/100 images, 5.0/s, 10 s left",
    ]


def test_progress_says_nothing_where_the_log_is_quiet(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(console.time, "monotonic", lambda: now[0])
    set_verbosity(-1)
    with Progress(10, "image") as progress:
        now[0] = 60.0
        progress.show(5)
    assert capsys.readouterr().err == ""
