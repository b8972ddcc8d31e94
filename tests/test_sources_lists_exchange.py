"""Exchange: a process that is really killed between two renames leaves old lists, or an exchange that is refused."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from converter.config import SourceConfig
from converter.errors import UsageError
from converter.sources.lists.exchange import JOURNAL, check_finished, exchange, finish

KILLED = """
import os, pathlib, signal, sys
from converter.sources.lists.exchange import exchange
left, real = int(sys.argv[2]), pathlib.Path.replace
def replace(self, target):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return real(self, target)
pathlib.Path.replace = replace
new = {name + ".txt": b"new" for name in ("train", "val", "test")}
exchange(pathlib.Path(sys.argv[1]), new, "segconv split --seed 1", ["train.csv"])
"""
OLD = {"train.txt": "old", "val.txt": "old", "train.csv": "mine"}
NEW = {"train.txt": "new", "val.txt": "new", "test.txt": "new", "train.csv.old": "mine"}


def lists(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name, text in OLD.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("renames", range(5))
def test_a_kill_leaves_the_old_lists_or_an_exchange_that_is_refused_and_finished(source, renames):
    done = subprocess.run([sys.executable, "-c", KILLED, str(source), str(renames)], check=False)
    assert done.returncode == -signal.SIGKILL
    config = SourceConfig(source, follow_links=True)
    if renames == 0:  # before the journal had its name
        assert lists(source) == OLD
        check_finished(config)
        assert not finish(source)
        return
    with pytest.raises(UsageError, match="which may be of two different splits") as caught:
        check_finished(config)
    assert caught.value.fix == f"Finish it: segconv split --seed 1 --src {source} --follow-links --overwrite"
    assert caught.value.code == "E_LIST"
    assert finish(source)
    assert lists(source) == NEW
    assert sorted(path.name for path in source.iterdir() if path.name.startswith(".")) == []
    check_finished(config)


def test_lists_that_are_not_disturbed_are_there_and_nothing_else(source):
    exchange(source, {"train.txt": b"new", "val.txt": b"new"}, "segconv split")
    assert lists(source) == OLD | {"train.txt": "new", "val.txt": "new"}
    assert not (source / JOURNAL).exists()


@pytest.mark.parametrize("text", [
    "", "[]", "{}", '{"give": ["/etc/passwd"], "aside": [], "command": "x"}', "\xff", "[" * 100_000,
    '{"give": [], "aside": ["../x"], "command": "x"}', '{"give": [], "aside": [".."], "command": "x"}',
    '{"give": [], "aside": [], "command": "x\\u001b[2J"}', '{"give": [1], "aside": [], "command": "x"}',
])  # fmt: skip
def test_a_journal_of_others_moves_no_file(source, text):
    (source / JOURNAL).write_bytes(text.encode("latin-1"))
    for step in (finish, lambda folder: check_finished(SourceConfig(folder))):
        with pytest.raises(UsageError, match=r"is not a journal that segconv wrote\. Delete it"):
            step(source)
    assert lists(source) == OLD


def test_a_folder_in_place_of_the_journal_is_named(source):
    (source / JOURNAL).mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        finish(source)
