"""Report: the text shows some places of each problem, the JSON all."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
from sample_datasets import checked, plant_ten_faults

from converter.sample.write import write_sample
from tests.facts_by_hand import GOOD, fact, grey, judged


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A generated sample dataset, to be copied before it is changed."""
    folder = tmp_path_factory.mktemp("check") / "drawn"
    write_sample(folder, train=14, val=4)
    return folder


@pytest.fixture
def sample(drawn, tmp_path):
    return Path(shutil.copytree(drawn, tmp_path / "town"))


def test_json_has_the_promised_keys_and_all_places(sample):
    plant_ten_faults(sample)
    result = json.loads(json.dumps(checked(sample).to_json()))
    assert {"ok", "layout", "splits", "classes", "problems"} <= result.keys()
    assert result["splits"]["train"]["pairs"] == 13
    assert {"id", "name", "value", "pixels", "share", "images"} <= result["classes"][0].keys()
    assert all(
        {"code", "severity", "where", "what", "mend", "count"} <= problem.keys() for problem in result["problems"]
    )
    damaged = next(problem for problem in result["problems"] if problem["code"] == "E_DAMAGED")
    assert damaged["count"] == len(damaged["places"]) == 2
    assert [damaged["where"], damaged["what"]] == damaged["places"][0]


def test_the_evidence_of_a_layout_is_shown_whole():
    report = judged([fact(1, GOOD)])
    clauses = [f"clause {number} of the evidence" for number in range(20)]
    text = dataclasses.replace(report, evidence=tuple(clauses)).to_text()
    assert f"({', '.join(clauses)})" in text


def test_the_text_shows_five_places_of_a_problem_and_counts_the_rest():
    facts = [fact(number, GOOD | {grey(9): 1}) for number in range(1, 13)]
    text = judged(facts).to_text()
    assert "train.txt:5: " in text
    assert "train.txt:6: " not in text
    assert "and 7 more (--json lists all)" in text
