"""The command report: what it takes, where it writes, and what it refuses before it scores."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import write_dataset
from scored_runs import counts_of, write_evaluation, write_run

from converter.building.build import build
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.errors import UsageError
from trainer.cli.report import report


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = write_run(Path())
    write_evaluation(run, counts_of(1))
    return run


def reported(*words: str) -> str:
    done = CliRunner().invoke(report, words, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout.strip()


def test_the_newest_run_has_its_page_in_its_folder(place):
    out = reported()
    assert out == str(place / "report.html")
    assert "<h1>town</h1>" in Path(out).read_text()
    assert reported(str(place), "--out", "page.htm") == "page.htm"
    assert Path("page.htm").read_text() == Path(out).read_text()
    assert reported() == out  # what segconv wrote is replaced


@pytest.mark.parametrize(("folder", "out"), [("records", "records-report.html"), ("records/", "records-report.html")])
def test_records_have_their_page_beside_their_folder_which_stays_verifiable(place, folder, out):
    source = write_dataset(Path("dataset"))
    build(BuildConfig(SourceConfig(source), out=Path("records"), pair=PairConfig((20, 30))))
    before = sorted(path.name for path in Path("records").iterdir())
    assert reported(folder) == out
    assert "<h1>dataset</h1>" in Path(out).read_text()
    assert sorted(path.name for path in Path("records").iterdir()) == before


def test_a_folder_that_is_the_working_one_has_a_name(place, monkeypatch):
    source = write_dataset(Path("dataset"))
    build(BuildConfig(SourceConfig(source), out=Path("records"), pair=PairConfig((20, 30))))
    root = Path.cwd()
    monkeypatch.chdir("records")
    assert reported(".") == str(root / "records-report.html")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere: is neither a run, which has a config.json, nor a folder of records"),
        (["--out", "page.txt"], "page.txt: does not end in .html"),
        (["--out", "notes.html"], "notes.html: exists, and segconv did not write it"),
        (["--runs", "elsewhere"], "elsewhere: holds no run"),
    ],
)
def test_what_cannot_be_reported_or_written_is_refused(place, words, message, monkeypatch):
    Path("notes.html").write_text("mine")
    monkeypatch.setattr("trainer.reporting.gather.gather", None)  # nothing is read or scored for nothing
    with pytest.raises(UsageError, match=message):
        CliRunner().invoke(report, words, catch_exceptions=False)
    assert Path("notes.html").read_text() == "mine"
