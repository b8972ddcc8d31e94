"""Gather: a run folder of any age is read, and what is missing is noted with its reason."""

from __future__ import annotations

import json

import pytest
from scored_runs import counts_of, manifest_of, write_evaluation, write_run

from converter.errors import UsageError
from trainer.reporting import gather as gathering
from trainer.reporting.gather import gather


@pytest.fixture
def run(tmp_path):
    found = write_run(tmp_path)
    write_evaluation(found, counts_of(1))
    return found


def test_everything_that_a_run_has_is_read(run):
    write_evaluation(run, counts_of(2), "other-12345678-test", split="test")
    facts = gather(run)
    assert facts.missing == {}
    assert facts.is_current
    assert len(facts.epochs) == 3
    assert facts.log[0] == "Devices: 2 x NVIDIA H100, bfloat16"
    assert facts.matrix.sum() == counts_of(1)[:, 1].sum()
    assert len(facts.examples) == 3
    assert [each.label for each in facts.others] == ["other-12345678-test"]


def test_records_that_are_gone_or_were_rebuilt_are_noted(run):
    records = run.parent.parent / "records"
    assert gather(run).records == "They are no longer where they were."
    records.mkdir()
    (records / "manifest.json").write_text(manifest_of().to_json())
    assert gather(run).records == ""
    (records / "manifest.json").write_text(manifest_of(dataset="city").to_json())
    assert gather(run).records == "They were rebuilt since, with another content."


def fails(*arguments, **options):
    raise UsageError("records", "is gone", "Bring it back.")


def test_a_split_that_the_records_lack_makes_no_page_without_scores(run, monkeypatch):
    def lacks(*arguments, **options):
        raise UsageError("records", "has no split 'test', but 'train'", "Build it.", "E_NO_SPLIT")

    monkeypatch.setattr(gathering, "scored_run", lacks)
    with pytest.raises(UsageError, match="has no split 'test'"):
        gather(run, "test")


@pytest.fixture
def cannot_score(monkeypatch):
    """Scoring fails, as where the records are gone; whether it is tried is left as it is."""
    from trainer.reporting import scores

    monkeypatch.setattr(gathering, "scored_run", lambda run, split, data: scores.complete(run, split) or fails())


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("metrics.csv", "curves"),
        ("evaluation-val.json", "scores"),
        ("confusion-val.csv", "confusion"),
        ("examples-val.json", "examples"),
    ],
)
@pytest.mark.usefixtures("cannot_score")
def test_a_file_that_is_missing_costs_its_section_alone(run, name, section):
    (run / name).unlink()
    facts = gather(run)
    assert facts.missing[section]
    assert (facts.scored is None) == (section == "scores")


@pytest.mark.usefixtures("cannot_score")
def test_the_scores_of_an_earlier_model_are_shown_as_such(run):
    (run / "best.keras").write_bytes(b"another model")
    facts = gather(run)
    assert facts.scored is not None
    assert not facts.is_current
    assert "is gone" in facts.missing["scores"]


@pytest.mark.usefixtures("cannot_score")
def test_the_scores_of_an_older_version_are_shown_where_they_cannot_be_counted_again(run):
    path = run / "evaluation-val.json"
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "model"}))
    facts = gather(run)
    assert facts.scored.model == ""
    assert facts.is_current


def test_a_run_without_its_log_is_read(run):
    (run / "log.txt").unlink()
    assert gather(run).log == ()
