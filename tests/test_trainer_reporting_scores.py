"""Scores of a run: what is there is not counted again, and what is missing or of another model is."""

from __future__ import annotations

import pytest
from scored_runs import counts_of, manifest_of, write_evaluation, write_run
from trainer_fixtures import IGNORE_KERAS_COPY, write_records

from trainer.reporting.scores import any_scored, complete, label_for, scored_run


@pytest.fixture
def run(tmp_path):
    found = write_run(tmp_path)
    write_evaluation(found, counts_of(1))
    return found


def test_a_complete_evaluation_is_read_and_needs_neither_model_nor_records(run):
    assert scored_run(run, "val").miou == complete(run, "val").miou
    (run / "best.keras").unlink()
    assert complete(run, "val") is not None


@pytest.mark.parametrize("name", ["evaluation-val.json", "counts-val.csv", "examples-val.json"])
def test_an_evaluation_that_lacks_a_file_is_not_complete(run, name):
    (run / name).unlink()
    assert complete(run, "val") is None


def test_an_evaluation_of_another_model_is_not_complete_but_there(run):
    (run / "best.keras").write_bytes(b"another model")
    assert complete(run, "val") is None
    assert any_scored(run, "val") is not None
    assert any_scored(run, "test") is None


def test_records_elsewhere_have_a_label_of_their_own_unless_they_are_those_of_the_run(run, tmp_path):
    for name, dataset, expected in (("moved", "town", "val"), ("other", "city", "city-")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(manifest_of(dataset=dataset).to_json())
        assert label_for(run, "val", tmp_path / name).startswith(expected)
    assert label_for(run, "val", None) == "val"


@pytest.mark.tf
@IGNORE_KERAS_COPY
def test_a_run_without_scores_is_scored_once(tmp_path):
    from trainer.backend import keras
    from trainer.config import TrainConfig
    from trainer.models.build import build_model
    from trainer.run.runs import create_run

    manifest = write_records(tmp_path / "records", records={"train": [2], "val": [3, 2]})
    keras.utils.set_random_seed(0)
    config = TrainConfig(data=tmp_path / "records", runs=tmp_path / "runs", model="unet_small", batch=2)
    run = create_run(config, manifest)
    build_model("unet_small", manifest.size, manifest.num_classes).save(run / "best.keras")
    first = scored_run(run, "val")
    assert first.records == 5
    assert (run / "examples-val.png").is_file()
    before = (run / "evaluation-val.json").stat().st_mtime_ns
    assert scored_run(run, "val") == first
    assert (run / "evaluation-val.json").stat().st_mtime_ns == before
