"""Next command: the command to run after a check, ready to paste into a shell."""

from __future__ import annotations

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
    report = judged([fact(1, GOOD)])
    assert report.ok
    assert "W_NO_VAL" in by_code(report)
    assert report.next_command == "segconv split --src 'my data' --overwrite"  # there is a train.txt
