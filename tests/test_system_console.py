"""Facts about the console: only results on stdout, and progress that suits a log file."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
import time
from dataclasses import dataclass

import pytest

from converter.errors import MachineError
from converter.system import console
from converter.system.console import (
    Progress,
    check_output,
    log,
    open_streams,
    print_json,
    print_result,
    set_verbosity,
    table,
)


@dataclass
class Clock:
    """Replaces time.monotonic: it only moves when set."""

    now: float = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", lambda: clock.now)
    return clock


def test_a_table_stands_in_columns_with_numbers_to_the_right():
    rows = [("class", "pixels", "note"), ("road", "7", ""), ("building", "12345", "rare")]
    assert table(rows) == "class     pixels  note\nroad           7\nbuilding   12345  rare"


def test_a_table_has_no_spaces_at_the_ends_of_its_lines():
    assert all(line == line.rstrip() for line in table([("a", "b"), ("x", ""), ("longer", "")]).splitlines())


def test_shares_and_missing_values_count_as_numbers():
    rows = [("id", "class", "share", ""), ("0", "sky", "9.0%", "##"), ("255", "(ignored)", "n/a", "")]
    assert table(rows).splitlines() == [
        " id  class      share",
        "  0  sky         9.0%  ##",
        "255  (ignored)    n/a",
    ]


def test_a_class_that_begins_with_n_is_text():
    assert table([("class", "x"), ("nature", "1"), ("n", "2")]).splitlines()[2] == "n       2"


def test_a_table_of_a_heading_alone_is_its_heading():
    assert table([("class", "pixels")]) == "class  pixels"


def test_json_is_one_line_on_stdout_with_every_script_valid(capsys):
    print_json({"name": "Straße\n日本", "n": [1, None]})
    out, err = capsys.readouterr()
    assert out == '{"name": "Stra\\u00dfe\\n\\u65e5\\u672c", "n": [1, null]}\n'  # for streams without Unicode too
    assert err == ""
    assert json.loads(out) == {"name": "Straße\n日本", "n": [1, None]}


def test_a_result_is_a_line_on_stdout(capsys):
    print_result("done")
    assert capsys.readouterr() == ("done\n", "")


@pytest.mark.parametrize(
    ("steps", "lines"),
    [(-2, ["w", "e"]), (-1, ["w", "e"]), (0, ["i", "w", "e"]), (1, ["d", "i", "w", "e"]), (3, ["d", "i", "w", "e"])],
)
def test_verbosity_decides_what_of_the_log_reaches_stderr(capsys, steps, lines):
    set_verbosity(steps)
    log.debug("d")
    log.info("i")
    log.warning("w")
    log.error("e")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.split() == lines


def test_setting_the_verbosity_again_does_not_double_the_lines(capsys):
    set_verbosity(1)
    set_verbosity(0)
    log.info("once")
    assert capsys.readouterr().err == "once\n"


def test_without_a_terminal_progress_is_a_line_every_five_seconds(clock, capsys):
    set_verbosity(0)
    with Progress(100, "image") as progress:
        for done in range(1, 41):
            clock.now += 0.5
            progress.show(done)
    assert capsys.readouterr().err.splitlines() == [
        "10/100 images, 2.0/s, 45 s left",
        "20/100 images, 2.0/s, 40 s left",
        "30/100 images, 2.0/s, 35 s left",
        "40/100 images, 2.0/s, 30 s left",
    ]


def test_quick_work_shows_no_progress_at_all(clock, capsys):
    set_verbosity(0)
    with Progress(3, "image") as progress:
        for done in range(1, 4):
            clock.now += 1
            progress.show(done)
    assert capsys.readouterr() == ("", "")


def test_progress_waits_for_the_first_unit_before_it_tells_a_rate(clock, capsys):
    set_verbosity(0)
    with Progress(3, "image") as progress:
        clock.now += 60
        progress.show(0)
        assert capsys.readouterr().err == ""
        progress.show(1)
    assert capsys.readouterr().err == "1/3 images, 0.0/s, 120 s left\n"


def test_a_quiet_log_shows_no_progress(clock, capsys):
    set_verbosity(-1)
    with Progress(3, "image") as progress:
        clock.now += 60
        progress.show(2)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("verbosity", "has_bar"), [(0, True), (-1, False)])
def test_on_a_terminal_progress_is_a_bar_unless_the_log_is_quiet(monkeypatch, capsys, verbosity, has_bar):
    set_verbosity(verbosity)
    monkeypatch.setattr(console.sys.stderr, "isatty", lambda: True)
    with Progress(4, "image") as progress:
        progress.show(1)
        progress.show(4)
    out, err = capsys.readouterr()
    assert out == ""
    assert ("4/4" in err) == has_bar


def test_importing_the_console_sends_nothing_anywhere():
    assert logging.getLogger("segconv") is log


@pytest.fixture
def as_stdout(monkeypatch):
    """Makes a descriptor stdout, as the interpreter would; the other stream is left alone."""
    monkeypatch.delenv("PYTHONIOENCODING", raising=False)
    opened: list[io.TextIOBase] = []

    def start(descriptor: int, encoding: str) -> None:
        opened.append(io.TextIOWrapper(os.fdopen(descriptor, "wb"), encoding))
        monkeypatch.setattr(sys, "stdout", opened[-1])
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        open_streams()
        opened.append(sys.stdout)

    yield start
    for stream in reversed(opened):
        stream.close()


def test_a_reader_that_leaves_is_no_failure_and_later_results_are_discarded(as_stdout):
    reader, writer = os.pipe()
    as_stdout(writer, "utf-8")
    os.close(reader)
    for _ in range(3):
        print_result("x" * 2**17)  # more than any buffer
    check_output()
    os.write(writer, b"of native code, or of a worker")


def test_a_disk_that_is_full_is_told_at_the_end_and_stops_nothing_before(as_stdout):
    as_stdout(os.open("/dev/full", os.O_WRONLY), "utf-8")
    print_result("short")
    print_result("x" * 2**17)
    with pytest.raises(MachineError, match=r"stdout: cannot be written \(No space left on device\)"):
        check_output()


@pytest.mark.parametrize("encoding", ["ascii", "iso8859-1", "cp1252", "utf-8"])
def test_a_pipe_or_a_file_gets_the_same_bytes_in_every_locale(as_stdout, encoding):
    reader, writer = os.pipe()
    as_stdout(writer, encoding)
    print_result("Straße 道路 \udcff")
    check_output()
    assert os.read(reader, 100) == "Straße 道路 \\udcff\n".encode()
    os.close(reader)


def test_an_encoding_that_is_asked_for_is_used(as_stdout, monkeypatch):
    reader, writer = os.pipe()
    monkeypatch.setattr(os, "environ", os.environ | {"PYTHONIOENCODING": "iso8859-1"})
    as_stdout(writer, "iso8859-1")
    print_result("Straße 道路")
    check_output()
    assert os.read(reader, 100) == "Straße \\u9053\\u8def\n".encode("iso8859-1")
    os.close(reader)


def test_a_terminal_gets_the_characters_that_it_has(as_stdout):
    ours, theirs = os.openpty()
    as_stdout(theirs, "iso8859-1")
    print_result("Straße 道")
    check_output()
    assert os.read(ours, 100) == "Straße \\u9053\r\n".encode("iso8859-1")
    os.close(ours)
