"""Compare: runs of the same records only, classes by name, differences from the first run, and commands that work."""

from __future__ import annotations

import json
import math
import shlex

import numpy as np
import pytest
from click.testing import CliRunner
from scored_runs import NAMES, counts_of, write_evaluation, write_run
from trainer_fixtures import IGNORE_KERAS_COPY, write_records

from converter.errors import UsageError
from trainer.evaluation.counts import differences, means
from trainer.reporting.compare import Difference, compare, difference_texts

BETTER = counts_of(3, right=0.9)


@pytest.fixture
def runs(tmp_path):
    found = []
    for number, counts in enumerate((counts_of(3, right=0.5), BETTER)):
        found.append(write_run(tmp_path / str(number), seed=number, learning_rate=0.01 * (1 + number)))
        write_evaluation(found[-1], counts)
    return found


def test_scores_stand_side_by_side_with_their_differences_from_the_first_run(runs):
    found = compare(runs)
    first, second = found.runs
    assert (first.letter, second.letter) == ("A", "B")
    assert first.differences == {}
    expected = means(BETTER)
    assert second.means.miou == pytest.approx(expected.miou)
    difference = second.differences["mIoU"]
    assert difference.value == pytest.approx(expected.miou - first.means.miou)
    ends = differences(counts_of(3, right=0.5), BETTER).miou
    assert (difference.low, difference.high) == pytest.approx(ends)
    assert difference.verdict == "higher"
    assert found.options == [("learning-rate", ["0.01", "0.02"]), ("seed", ["0", "1"])]


def test_the_tables_and_the_json_say_the_same(runs):
    found = compare(runs)
    answer = json.loads(json.dumps(found.to_json(), allow_nan=False))
    text = found.to_text()
    assert list(answer) == ["split", "seal", "images", "runs", "options"]
    second = answer["runs"][1]
    assert [row["name"] for row in second["classes"]] == list(NAMES)
    assert "difference" not in answer["runs"][0]["miou"]
    assert f"{second['miou']['value']:.1%}" in text
    assert f"{100 * second['miou']['difference']:+.1f}" in text
    assert "higher" in text
    assert f"B  {runs[1]}" in text
    assert "8 images of split 'val'" in text


def test_equal_runs_do_not_differ(runs):
    text = compare([runs[0], runs[0]]).to_text()
    assert "higher" not in text
    assert "lower" not in text
    assert "The options are the same." in text


def test_classes_are_matched_by_name(tmp_path, runs):
    turned = (2, 0, 1)
    run = write_run(tmp_path / "turned", names=tuple(NAMES[n] for n in turned))
    config = json.loads((run / "config.json").read_text())
    records = json.loads((runs[0] / "config.json").read_text())["records"]
    (run / "config.json").write_text(json.dumps(config | {"records": records}))
    write_evaluation(run, BETTER[:, :, turned])
    found = compare([runs[1], run])
    assert found.runs[0].means == found.runs[1].means


@pytest.mark.parametrize(
    ("value", "low", "high", "texts"),
    [
        (0.02, 0.01, 0.03, ("+2.0", "+1.0..+3.0", "higher")),
        (-0.02, -0.03, -0.01, ("-2.0", "-3.0..-1.0", "lower")),
        (0.02, -0.01, 0.03, ("+2.0", "-1.0..+3.0", "")),
        (math.nan, math.nan, math.nan, ("n/a", "", "")),
    ],
)
def test_a_difference_counts_where_its_interval_leaves_0_out(value, low, high, texts):
    assert difference_texts(Difference(value, low, high)) == texts


def test_runs_scored_on_other_images_are_refused_with_commands(runs):
    path = runs[1] / "counts-val.csv"
    path.write_text(path.read_text().replace("3.png", "x.png"))
    with pytest.raises(UsageError, match="was scored on other images than") as caught:
        compare(runs)
    assert caught.value.fix.count("segconv evaluate") == 2


def test_one_run_is_nothing_to_compare(runs):
    with pytest.raises(UsageError, match="takes 2 to 26 runs, not 1"):
        compare(runs[:1])


def test_other_classes_are_refused_with_the_command_that_trains_on_the_same(tmp_path, runs):
    other = write_run(tmp_path / "other", names=("cat", "dog", "sign"))
    with pytest.raises(UsageError, match="knows the classes cat, dog, sign, and") as caught:
        compare([runs[0], other])
    assert caught.value.fix.endswith(f"segconv train --config {other} --data {tmp_path / '0' / 'records'}")


@pytest.mark.tf
@IGNORE_KERAS_COPY
def test_runs_of_other_records_are_refused_and_the_command_that_is_named_compares_them(tmp_path):
    from trainer.backend import keras
    from trainer.cli.compare import compare as command
    from trainer.config import TrainConfig
    from trainer.models.build import build_model
    from trainer.run.runs import create_run

    runs = []
    for number, counts in enumerate(([3, 2], [4])):
        records = tmp_path / f"records {number}"
        manifest = write_records(records, records={"train": [2], "val": counts})
        keras.utils.set_random_seed(number)
        runs.append(
            create_run(TrainConfig(data=records, runs=tmp_path / "runs", model="unet_small", batch=2), manifest)
        )
        build_model("unet_small", manifest.size, manifest.num_classes).save(runs[-1] / "best.keras")
    with pytest.raises(UsageError, match="was trained on other records") as caught:
        compare(runs)
    _, line = caught.value.fix.split(": ", 1)
    words = shlex.split(line)
    assert words[:2] == ["segconv", "compare"]
    done = CliRunner().invoke(command, [*words[2:], "--json"], catch_exceptions=False)
    answer = json.loads(done.stdout)
    assert answer["images"] == 5
    assert {each["run"] for each in answer["runs"]} == set(map(str, runs))
    assert len(list(runs[1].glob("evaluation-tiny-*-val.json"))) == 1


def with_config(run, **changes):
    """Changes the config.json of a run: keys of its own, and those of its options."""
    raw = json.loads((run / "config.json").read_text())
    options = raw["config"] | {name: changes.pop(name) for name in set(changes) & set(raw["config"])}
    (run / "config.json").write_text(json.dumps(raw | changes | {"config": options}))
    return run


def test_models_for_records_of_two_sizes_are_not_sent_to_records_that_one_of_them_refuses(tmp_path, runs):
    other = with_config(write_run(tmp_path / "other", dataset="city"), size=[64, 48])
    with pytest.raises(UsageError, match="the models take records of 32x48 and 64x48") as caught:
        compare([runs[0], other])
    assert caught.value.fix == "Score each on the photographs: segconv evaluate RUN --src DIR"


def test_a_model_of_windows_is_scored_on_the_records_that_the_other_one_takes(tmp_path, runs):
    windows = with_config(write_run(tmp_path / "windows", dataset="city"), size=[64, 64], crop="64x64")
    with pytest.raises(UsageError, match="was trained on other records") as caught:
        compare([windows, runs[0]])
    assert f"--data {tmp_path / '0' / 'records'} " in caught.value.fix


def test_a_class_that_occurs_nowhere_has_no_difference(runs):
    for run in runs:
        counts = counts_of(4)
        counts[:, :, 2] = 0
        path = run / "evaluation-val.json"
        with np.errstate(invalid="ignore"):
            write_evaluation(run, counts)
        raw = json.loads(path.read_text())
        raw["classes"][2] |= dict.fromkeys(("iou", "precision", "recall", "f1")) | {"iou_interval": None}
        raw |= {"miou": 0.5, "fwiou": 0.5, "miou_interval": None}
        path.write_text(json.dumps(raw))
    found = compare(runs)
    assert math.isnan(found.runs[1].differences["sign"].value)
    assert found.to_json()["runs"][1]["classes"][2]["difference"] is None
    assert "n/a" in found.to_text()
