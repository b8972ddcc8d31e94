"""Report: one line for each problem, the verdict last, and an object for scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.dataset.tfrecord import ShardError
from converter.errors import DataError, UsageError
from converter.verifying.report import REPAIR, SHOWN_PROBLEMS, RecordProblem, Verification, VerifyConfig

SHARD = "dataset-train.tfrecord-00000-of-00001"
DAMAGED = RecordProblem(ShardError(Path("records") / SHARD, "is cut", "E_SHARD_CUT", 3, 70), SHARD)
CHANGED = RecordProblem(DataError("dataset/jpg/a.jpg", "is not what it was", "Restore the sources.", "E_SOURCE"), SHARD)
UNKNOWN_FILE = RecordProblem(DataError("records/thesis.tex", "is not a file of the dataset", "Move it away.", "E_FILE"))


def report(*problems: RecordProblem, **more: object) -> Verification:
    return Verification(Path("records"), shards=2, records=9, problems=list(problems), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (report(), "2 shards, 9 records: intact"),
        (report(derived=4), "2 shards, 9 records: intact; 4 of them rebuilt from the source, with equal bytes"),
        (report(CHANGED), "2 shards, 9 records: intact, but the source has changed"),
        (report(UNKNOWN_FILE), "not intact"),
        (report(DAMAGED), "1 of 2 shards are damaged: run segconv verify --repair --src dataset/"),
        (
            report(DAMAGED, source=Path("my data")),
            "1 of 2 shards are damaged: run segconv verify --repair --src 'my data'",
        ),
        (report(DAMAGED, repair=True), "1 of 2 shards are damaged"),
    ],
)
def test_the_last_line_is_the_verdict_and_names_the_command_that_helps(found, verdict):
    assert found.to_text().splitlines()[-1] == verdict


def test_only_what_the_verdict_does_not_say_for_all_is_said_in_the_line_of_a_problem():
    assert DAMAGED.error.fix == REPAIR
    assert str(DAMAGED) == f"records/{SHARD}: record 3: is cut"
    assert str(UNKNOWN_FILE) == "records/thesis.tex: is not a file of the dataset. Move it away."


def test_some_problems_are_shown_and_the_others_counted():
    lines = report(*[UNKNOWN_FILE] * (SHOWN_PROBLEMS + 2), notes=["a note"], repaired=["x", "y"]).to_text().splitlines()
    assert len(lines) == SHOWN_PROBLEMS + 4
    more = "... and 2 more; use --json to see all"
    assert lines[SHOWN_PROBLEMS:] == [more, "a note", "repaired: x, y", "not intact"]


def test_a_shard_whose_source_changed_is_not_damaged_and_one_is_counted_once():
    assert report(DAMAGED, DAMAGED, CHANGED, UNKNOWN_FILE).damaged == [SHARD]
    assert report(CHANGED).damaged == []


def test_the_object_has_record_and_offset_where_they_are_known():
    problems = report(DAMAGED, UNKNOWN_FILE).to_json()["problems"]
    assert problems[0] == {
        "code": "E_SHARD_CUT",
        "where": f"records/{SHARD}: record 3",
        "what": DAMAGED.error.what,
        "mend": REPAIR,
        "shard": SHARD,
        "record": 3,
        "offset": 70,
    }
    assert [problems[1][key] for key in ("shard", "record", "offset")] == [None, None, None]


def test_a_repair_needs_the_source():
    with pytest.raises(UsageError, match="--repair: rebuilds shards"):
        VerifyConfig(repair=True)
