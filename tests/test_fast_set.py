"""The fast set: `make test` leaves out the slow tests alone, and keeps one of every kind of guarantee."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
KINDS = {
    "a build that is killed": "test_cli::test_workers_end_with_a_killed_build_and_the_next_one_cleans_up",
    "a build that is killed at any of its steps": (
        "test_building_commit::test_a_build_that_fails_at_any_call_is_whole_or_can_be_gone_on_with"
    ),
    "a training run that is killed": (
        "test_trainer_run_state::test_a_killed_run_that_goes_on_equals_one_that_was_never_killed"
    ),
    "a killed prediction": "test_trainer_prediction_predict::test_a_killed_prediction_goes_on_to_the_same_bytes",
    "a server that fails": "test_building_object_store::test_whichever_request_fails_for_good_the_next_build_is_whole",
    "tasks of a cluster": (
        "test_building_array::"
        "test_eight_tasks_in_random_order_two_of_them_twice_at_once_and_one_again_give_the_bytes_of_a_local_build"
    ),
    "damage": "test_verifying_verify::test_every_flipped_bit_of_a_shard_is_found_and_its_record_named",
    "exact labels": "test_dataset_tfds::test_tfds_reads_every_pixel_and_the_class_names",
    "training": "test_trainer_training::test_a_small_model_learns_two_classes_in_a_few_epochs",
    "training and evaluating": "test_trainer_cli_train::test_train_prints_the_run_and_evaluate_finds_it",
    "predicting": "test_trainer_cli_predict::test_the_newest_run_predicts_and_a_damaged_photograph_is_left_out",
    "several devices": "test_trainer_devices::test_loss_and_gradient_of_two_devices_are_those_of_one",
    "exporting": "test_trainer_exporting_export::test_a_stored_model_gives_the_classes_of_the_run",
    "additions": "test_additions::test_a_loss_a_model_an_encoder_and_an_augmentation_are_chosen_by_their_names",
}


def is_slow(marks: object) -> bool:
    """Returns whether a mark or one of a collection of marks is `slow`."""
    return any(mark.name == "slow" for mark in (marks if isinstance(marks, (list, tuple)) else [marks]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_test_of_every_kind_is_in_the_fast_set(kind):
    module, name = KINDS[kind].split("::")
    marks = getattr(getattr(importlib.import_module(f"tests.{module}"), name), "pytestmark", [])
    assert not is_slow(marks)
    for mark in marks:
        if mark.name == "parametrize":
            assert any(not is_slow(getattr(values, "marks", ())) for values in mark.args[1]), mark.args[0]


@pytest.mark.parametrize("name", ["savedmodel", "onnx", "litert", "keras"])
def test_every_format_of_export_is_in_the_fast_set(name):
    from tests.test_trainer_exporting_export import test_a_stored_model_gives_the_classes_of_the_run as exported

    (values,) = (mark.args[1] for mark in exported.pytestmark if mark.name == "parametrize")
    marks = {str(getattr(value, "values", (value,))[0]): getattr(value, "marks", ()) for value in values}
    assert not is_slow(marks[name])


def test_make_test_leaves_out_the_slow_tests_alone_and_make_test_all_none():
    lines = (ROOT / "Makefile").read_text().splitlines()
    commands = {line.split(":")[0]: lines[number + 1] for number, line in enumerate(lines) if line.startswith("test")}
    assert commands["test"] == commands["test-all"] + ' -m "not slow"'
    assert commands["test-all"].endswith("pytest $(ON_ALL_CORES)")
    for text in ("README.md", "CONTRIBUTING.md"):
        assert "make test-all" in (ROOT / text).read_text(), text
