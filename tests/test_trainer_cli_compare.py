"""The command compare: its options, as words on a command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from scored_runs import counts_of, write_evaluation, write_run

from converter.errors import UsageError
from trainer.cli.compare import compare


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = []
    for number in range(2):
        found.append(str(write_run(Path(str(number)), seed=number)))
        write_evaluation(Path(found[-1]), counts_of(number))
    return found


def test_tables_are_printed_and_a_page_is_written(runs):
    done = CliRunner().invoke(compare, [*runs, "--html", "page.html"], catch_exceptions=False)
    assert done.stdout.startswith(f"A  {runs[0]}\nB  {runs[1]}\n")
    assert "<h1>town</h1>" in Path("page.html").read_text()


def test_json_is_one_object(runs):
    done = CliRunner().invoke(compare, [*runs, "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["images"] == 8


def test_a_page_that_cannot_be_written_is_refused_before_anything_is_scored(runs):
    Path("mine.html").write_text("mine")
    with pytest.raises(UsageError, match="segconv did not write it"):
        CliRunner().invoke(compare, ["no/run", "no/other", "--html", "mine.html"], catch_exceptions=False)
    assert Path("mine.html").read_text() == "mine"
