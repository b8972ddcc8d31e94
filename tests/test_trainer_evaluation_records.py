"""Evaluation: what is written, what is printed, what is refused."""

from __future__ import annotations

import dataclasses
import json
import logging

import numpy as np
import pytest
from PIL import Image
from trainer_fixtures import CLASSES, NEEDS_TF, write_records

from converter.dataset.manifest import ClassInfo
from converter.dataset.parse import read_manifest
from converter.errors import UsageError
from trainer.config import TrainConfig
from trainer.run.runs import create_run

pytestmark = NEEDS_TF


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run whose model has not been trained."""
    from trainer.backend import keras
    from trainer.models.build import build_model

    root = tmp_path_factory.mktemp("evaluate")
    manifest = write_records(root / "records", records={"train": [2], "val": [3, 2], "test": [1]})
    keras.utils.set_random_seed(0)
    run = create_run(TrainConfig(data=root / "records", runs=root / "runs", model="unet_small", batch=2), manifest)
    build_model("unet_small", manifest.size, manifest.num_classes).save(run / "best.keras")
    return run


def test_the_matrix_holds_every_valid_pixel_of_the_split(run):
    from trainer.evaluation.records import evaluate

    evaluation = evaluate(run)
    manifest = read_manifest(run.parent.parent / "records")
    np.testing.assert_array_equal(evaluation.matrix.sum(axis=1), manifest.splits["val"].pixels)
    assert sum(each.pixels for each in evaluation.calibration) == evaluation.matrix.sum()
    assert evaluation.records == 5
    assert evaluate(run, batch=5).matrix.tolist() == evaluation.matrix.tolist()


@pytest.mark.slow
def test_files_of_one_split_do_not_replace_those_of_another(run):
    from trainer.evaluation.records import evaluate

    for split in ("val", "test"):
        evaluation = evaluate(run, split)
        assert json.loads((run / f"evaluation-{split}.json").read_text()) == evaluation.to_json()
        assert len((run / f"images-{split}.csv").read_text().splitlines()) == evaluation.records + 1
        for name in (f"confusion-{split}.png", f"predictions-{split}.png", f"reliability-{split}.png"):
            with Image.open(run / name) as opened:
                assert opened.format == "PNG"
    assert not list(run.glob(".*"))


def test_counting_and_drawing_share_one_compiled_model(run, monkeypatch):
    from trainer.evaluation import records as evaluation

    made = []

    class Counted(evaluation.ClassMaps):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(evaluation, "ClassMaps", Counted)
    evaluation.evaluate(run)
    assert len(made) == 1


def scored(matrix: list[list[int]]):
    from trainer.evaluation.scoring import Evaluation
    from trainer.learning.metrics import scores_from_confusion

    counts = np.array(matrix)
    names = ("road", "tree", "sky")
    return Evaluation("runs/x", "records", "val", 7, names, counts, scores_from_confusion(counts))


def test_json_has_the_promised_keys_and_null_where_there_is_no_score():
    answer = json.loads(json.dumps(scored([[3, 1, 0], [0, 4, 0], [0, 0, 0]]).to_json(), allow_nan=False))
    assert list(answer) == ["run", "data", "split", "records", "at", "miou", "fwiou", "pixel_accuracy", "classes"]
    assert answer["classes"][0] == {
        "id": 0,
        "name": "road",
        "iou": 0.75,
        "precision": 1.0,
        "recall": 0.75,
        "f1": pytest.approx(6 / 7),
        "pixels": 4,
    }
    assert answer["classes"][2] == {
        "id": 2,
        "name": "sky",
        "iou": None,
        "precision": None,
        "recall": None,
        "f1": None,
        "pixels": 0,
    }


def test_the_table_for_people_says_not_applicable():
    text = scored([[3, 1, 0], [0, 4, 0], [0, 0, 0]]).to_text()
    lines = [line.split() for line in text.splitlines()]
    assert lines[0] == ["class", "IoU", "precision", "recall", "F1", "pixels"]
    assert lines[1] == ["road", "75.0%", "100.0%", "75.0%", "85.7%", "4"]
    assert lines[3] == ["sky", "n/a", "n/a", "n/a", "n/a", "0"]
    assert "mIoU 77.5%, frequency-weighted IoU 77.5%, pixel accuracy 87.5%, 7 records of split 'val'" in text


def test_a_model_that_sees_one_class_everywhere_is_warned_of(caplog):
    from trainer.evaluation.records import warn_if_collapsed

    with caplog.at_level(logging.WARNING, logger="segconv"):
        warn_if_collapsed(scored([[9, 0, 0], [4, 0, 0], [0, 0, 0]]).scores, ("road", "tree", "sky"))
    assert "predicts 'road' for every pixel" in caplog.text


def test_records_of_another_size_are_refused(run, tmp_path):
    from trainer.evaluation.records import evaluate

    write_records(tmp_path / "other", (48, 32), records={"val": [1]})
    with pytest.raises(UsageError, match=r"records of 48x32 \(height x width\), but the model takes 32x32"):
        evaluate(run, data=tmp_path / "other")


@pytest.fixture
def other_records(tmp_path, monkeypatch):
    """Returns a function that writes records whose classes have these names, and returns their folder."""
    import trainer_fixtures

    def write(*names):
        classes = tuple(ClassInfo(n, name, CLASSES[n % 2].color) for n, name in enumerate(names))
        monkeypatch.setattr(trainer_fixtures, "CLASSES", classes)
        write_records(tmp_path / "other", records={"val": [3, 2]})
        return tmp_path / "other"

    return write


def test_classes_in_another_order_are_matched_by_name(run, other_records, caplog):
    from trainer.evaluation.records import evaluate

    with caplog.at_level(logging.WARNING, logger="segconv"):
        found = evaluate(run, data=other_records("roof", "ground"))
    assert "in another order, roof, ground: matched by name" in caplog.text
    expected = evaluate(run)
    assert found.classes == expected.classes == ("ground", "roof")
    np.testing.assert_array_equal(found.matrix.sum(axis=0), expected.matrix.sum(axis=0))  # the same predictions
    np.testing.assert_array_equal(found.matrix.sum(axis=1), expected.matrix.sum(axis=1)[::-1])


@pytest.mark.slow
def test_classes_that_only_one_of_them_has_are_named(run, other_records, caplog):
    from trainer.evaluation.records import evaluate

    with caplog.at_level(logging.WARNING, logger="segconv"):
        found = evaluate(run, data=other_records("ground", "car"))
    assert "the model does not know car: those pixels are not scored" in caplog.text
    assert "it has no roof" in caplog.text
    assert found.matrix[1].sum() == 0
    assert found.matrix[0].sum() == evaluate(run).matrix[0].sum()


def test_records_with_no_class_of_the_model_are_refused(run, other_records):
    from trainer.evaluation.records import evaluate

    with pytest.raises(UsageError, match="has the classes lawn, car, and the model others: ground, roof"):
        evaluate(run, data=other_records("lawn", "car"))


@pytest.mark.slow
def test_scores_of_other_records_do_not_replace_those_of_the_run(run, other_records):
    from trainer.evaluation.records import evaluate

    evaluate(run)
    before = (run / "evaluation-val.json").read_bytes()
    evaluate(run, data=other_records("roof", "ground"))
    assert (run / "evaluation-val.json").read_bytes() == before
    assert len([path for path in run.glob("evaluation-tiny-*-val.json") if len(path.stem.split("-")[2]) == 8]) >= 1


def test_records_with_another_fit_are_named(run, tmp_path, caplog):
    from trainer.evaluation.records import evaluate

    manifest = write_records(tmp_path / "other", records={"val": [1]})
    text = dataclasses.replace(manifest, fit="stretch").to_json()
    (tmp_path / "other/manifest.json").write_text(text, encoding="utf-8")
    with caplog.at_level(logging.WARNING, logger="segconv"):
        evaluate(run, data=tmp_path / "other")
    assert "was built with --fit stretch, the records of the run with --fit pad" in caplog.text
