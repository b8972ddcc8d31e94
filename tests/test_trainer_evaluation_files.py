"""Files of an evaluation: they come back as they were counted, and a damaged one is refused with what to run."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scored_runs import NAMES, counts_of, manifest_of, matrix_of, write_evaluation, write_run

from converter.errors import DataError
from trainer.evaluation import files
from trainer.run.info import read_run, seal_of_records


@pytest.fixture
def run(tmp_path):
    found = write_run(tmp_path)
    write_evaluation(found, counts_of(1))
    return found


def test_scores_counts_and_matrix_come_back(run):
    scored = files.read_scored(run, "val")
    assert [each.name for each in scored.classes] == list(NAMES)
    assert (scored.split, scored.records, scored.at) == ("val", 8, "stored")
    assert scored.model == files.model_digest(run)
    assert scored.seal == read_run(run).records
    names, counts = files.read_counts(run, scored)
    assert names[0] == "0.png"
    np.testing.assert_array_equal(counts, counts_of(1))
    np.testing.assert_array_equal(files.read_confusion(run, scored), matrix_of(counts_of(1)))
    (first, *_) = found = files.read_examples(run, scored)
    assert [each.kind for each in found] == ["worst", "median", "best"]
    assert first.size == (32, 48)
    assert len(first.jpegs) == 4
    assert files.labels_in(run) == ["val"]


@pytest.mark.tf
@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't:DeprecationWarning")
def test_what_an_evaluation_writes_is_what_is_read(tmp_path):
    from trainer.evaluation.scoring import Tally, evaluated, scored, write_examples

    run = write_run(tmp_path)
    tally = Tally(3, has_boundaries=True)
    rng = np.random.default_rng(0)
    for number in range(4):
        truth, prediction = rng.integers(0, 2, (2, 20, 30), dtype=np.uint8)
        truth[0] = 255
        sure = rng.integers(0, 65536, (20, 30)).astype(np.uint16)
        tally.add(f"ä;{number}.png", truth, prediction, sure)
    example = tally.example("worst", 1, np.zeros((10, 15, 3), np.uint8), (truth, prediction))
    write_examples(run, [example], read_run(run).drawn_classes, label="val", title="town")
    before = scored(evaluated(run, run, "val", NAMES, tally, "stored"), tally, "val", "town")
    after = files.read_scored(run, "val")
    assert after.miou == pytest.approx(before.scores.miou)
    assert math.isnan(after.classes[2].iou)
    assert after.interval == pytest.approx(before.intervals.miou)
    assert after.calibration == before.calibration
    assert sum(each.pixels for each in after.calibration) == 4 * 19 * 30
    assert after.classes[0].boundary_iou == pytest.approx(before.boundary_iou[0])
    names, counts = files.read_counts(run, after)
    assert names == tuple(tally.names)
    np.testing.assert_array_equal(counts, tally.counts)
    np.testing.assert_array_equal(files.read_confusion(run, after), tally.matrix)
    (shown,) = files.read_examples(run, after)
    assert shown.name == "ä;1.png"
    assert shown.miou == pytest.approx(example.miou)


def test_records_of_the_run_have_the_split_as_their_label_and_others_their_name_and_seal(run):
    info = read_run(run)
    assert files.label_of(info, manifest_of(), "test") == "test"
    other = manifest_of(dataset="city")
    assert files.label_of(info, other, "val") == f"city-{seal_of_records(other)[:8]}-val"


def changed(run, name, change):
    path = run / name
    path.write_text(change(path.read_text()))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("evaluation-val.json", lambda text: text[:-5]),
        ("evaluation-val.json", lambda text: "[]"),
        ("evaluation-val.json", lambda text: json.dumps(json.loads(text) | {"miou": 1.5})),
        ("evaluation-val.json", lambda text: json.dumps(json.loads(text) | {"miou": "1"})),
        ("evaluation-val.json", lambda text: json.dumps(json.loads(text) | {"records": -1})),
        ("evaluation-val.json", lambda text: json.dumps(json.loads(text) | {"classes": []})),
        ("evaluation-val.json", lambda text: json.dumps(json.loads(text) | {"miou_interval": [0.1]})),
        ("evaluation-val.json", lambda text: text.replace('"seal"', '"calibration": {"bins": [[1]]}, "seal"')),
        ("counts-val.csv", lambda text: text.replace("true:road", "true:rail")),
        ("counts-val.csv", lambda text: text.rsplit("\n", 2)[0] + "\n"),
        ("counts-val.csv", lambda text: text.replace("0.png,", "0.png,9999", 1)),
        ("counts-val.csv", lambda text: text.replace("0.png,", "0.png,x", 1)),
        ("counts-val.csv", lambda text: ""),
        ("confusion-val.csv", lambda text: text.replace("road,", "rail,", 1)),
        ("confusion-val.csv", lambda text: text.replace("\nroad,", "\nroad,1", 1)),
        ("examples-val.json", lambda text: text.replace('"image": "/9j/', '"image": "PHN2Zz4v')),
        ("examples-val.json", lambda text: text.replace('"image": "', '"image": "%')),
        ("examples-val.json", lambda text: "{}"),
    ],
)
def test_a_damaged_file_is_refused_and_the_command_scores_again(run, name, change):
    changed(run, name, change)
    with pytest.raises(DataError, match=name) as caught:
        scored = files.read_scored(run, "val")
        files.read_counts(run, scored)
        files.read_confusion(run, scored)
        files.read_examples(run, scored)
    assert caught.value.fix == f"Score the run again: segconv evaluate {run} --split val"


def test_a_table_of_too_many_cells_is_refused_before_all_of_it_is_kept(run, monkeypatch):
    monkeypatch.setattr(files, "MAX_EVALUATION_CELLS", 20)
    with pytest.raises(DataError, match="too many cells"):
        files.read_counts(run, files.read_scored(run, "val"))


def test_an_evaluation_of_an_older_version_has_scores_but_no_intervals(run):
    path = run / "evaluation-val.json"
    raw = json.loads(path.read_text())
    for name in ("miou_interval", "seal", "model"):
        del raw[name]
    for row in raw["classes"]:
        del row["iou_interval"]
    path.write_text(json.dumps(raw))
    scored = files.read_scored(run, "val")
    assert (scored.interval, scored.seal, scored.model, scored.classes[0].interval) == (None, "", "", None)


def test_no_evaluation_is_no_damage(run):
    with pytest.raises(FileNotFoundError):
        files.read_scored(run, "test")
