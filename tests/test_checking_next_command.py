"""Next command: the command to run after a check, ready to paste into a shell."""

from __future__ import annotations

from converter.config import PairConfig
from converter.errors import DataError
from tests.facts_by_hand import GOOD, by_code, fact, judged


def test_a_dataset_without_faults_is_built_next_and_its_path_is_quoted():
    report = judged([fact(1, GOOD), fact(1, GOOD, "val")])
    assert report.ok
    assert report.problems == ()
    assert report.next_command == "segconv build --src 'my data'"
    assert [(row.id, row.name, row.pixels, row.images) for row in report.rows] == [
        (0, "background", 100, 2),
        (1, "road", 60, 2),
        (2, "car", 40, 2),
    ]
    assert report.splits["val"].class_pixels == (50, 30, 20)


def test_a_dataset_without_a_val_split_is_split_next():
    report = judged([fact(1, GOOD), fact(2, GOOD)])
    assert report.ok
    assert by_code(report)["W_NO_VAL"].fix.endswith(report.next_command)
    assert report.next_command == "segconv split --src 'my data' --overwrite"  # there is a train.txt


def test_no_split_is_advised_where_it_would_refuse():
    report = judged([fact(1, GOOD)])
    why = "the images: cannot fill 2 splits: there is 1 pair. Add other images."
    assert by_code(report)["W_NO_VAL"].fix == f"`segconv split` would refuse this dataset: {why}"
    assert report.next_command == "segconv build --src 'my data'"


def test_the_tolerance_and_the_stored_size_go_along_with_every_command():
    pair = PairConfig(size=(24, 36), fit="crop", tolerance=3)
    options = "--src 'my data' --tolerance 3"
    facts = [fact(1, GOOD), fact(2, GOOD)]
    assert judged(facts, pair=pair).next_command == (
        f"segconv split {options} --overwrite && segconv build {options} --size 24x36 --fit crop"
    )
    bad = [fact(1, GOOD, error=DataError("a", "b", "c", "E_DAMAGED")), fact(1, GOOD, "val")]
    assert by_code(judged(facts, pair=pair))["W_NO_VAL"].fix.endswith(f": segconv split {options} --overwrite")
    again = judged(bad, pair=pair).next_command
    assert again == f"fix the errors above, then run segconv check {options} --size 24x36 --fit crop again"
