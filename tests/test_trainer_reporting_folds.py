"""Folds: a mean over runs, a deviation, and scores over all images, each of which is in one fold."""

from __future__ import annotations

import json
import math
import statistics

import numpy as np
import pytest
from click.testing import CliRunner
from scored_runs import NAMES, counts_of, write_evaluation, write_run

from converter.errors import UsageError
from trainer.cli.compare import compare as command
from trainer.evaluation.counts import means
from trainer.reporting.folds import mean_and_deviation, read_folds

COUNTS = [counts_of(seed, images=images) for seed, images in ((1, 8), (2, 5), (3, 6))]


@pytest.fixture
def runs(tmp_path):
    """Three runs whose records and images differ."""
    found = []
    for number, counts in enumerate(COUNTS):
        run = write_run(tmp_path / str(number), dataset=f"fold{number}")
        write_evaluation(run, counts)
        for path in run.glob("*-val.csv"):
            path.write_text(path.read_text().replace(".png", f"-{number}.png").replace(".jpg", f"-{number}.jpg"))
        found.append(run)
    return found


def test_scores_are_those_of_each_fold_their_mean_and_those_of_all_images(runs):
    found = read_folds(runs)
    expected = [means(counts) for counts in COUNTS]
    assert list(found.means) == expected
    assert found.together == means(np.concatenate(COUNTS))
    assert found.images == (8, 5, 6)
    answer = json.loads(json.dumps(found.to_json(), allow_nan=False))
    first = answer["scores"][0]
    values = [each.miou for each in expected]
    assert (first["name"], first["values"]) == ("mIoU", pytest.approx(values))
    assert first["mean"] == pytest.approx(statistics.mean(values))
    assert first["deviation"] == pytest.approx(statistics.stdev(values))
    assert first["interval"][0] < first["together"] < first["interval"][1]
    assert [row["name"] for row in answer["scores"]] == ["mIoU", "pixel accuracy", *NAMES]


def test_the_command_prints_the_same(runs):
    done = CliRunner().invoke(command, ["--folds", *map(str, runs)], catch_exceptions=False)
    assert done.exit_code == 0
    head, row = (line.split() for line in done.stdout.splitlines()[4:6])
    assert head == ["A", "B", "C", "mean", "deviation", "together", "95", "%", "interval"]
    values = [means(counts).miou for counts in COUNTS]
    shown = [*values, statistics.mean(values), statistics.stdev(values), means(np.concatenate(COUNTS)).miou]
    assert row[:-1] == ["mIoU", *(f"{100 * value:.1f}%" for value in shown)]
    assert done.stdout.endswith("19 images of split 'val', each in one fold\n")


def test_a_mean_is_over_the_folds_in_which_a_class_occurs():
    assert mean_and_deviation([0.5, math.nan, 0.7]) == pytest.approx((0.6, math.sqrt(0.02)))
    assert mean_and_deviation([0.5, math.nan])[0] == 0.5
    assert all(map(math.isnan, mean_and_deviation([math.nan])))


def test_an_image_that_two_runs_were_scored_on_is_named(tmp_path, runs):
    write_evaluation(runs[1], COUNTS[1])
    write_evaluation(runs[2], COUNTS[2])
    with pytest.raises(UsageError, match=r"was scored on .*, and so was .*: they are no folds of one dataset"):
        read_folds(runs)


def test_one_run_and_other_classes_are_refused(tmp_path, runs):
    with pytest.raises(UsageError, match="takes 2 to 26 runs, not 1"):
        read_folds(runs[:1])
    other = write_run(tmp_path / "other", names=("cat", "dog", "sign"))
    with pytest.raises(UsageError, match="knows the classes cat, dog, sign"):
        read_folds([runs[0], other])


@pytest.mark.parametrize("option", ["--data", "--html"])
def test_options_of_a_comparison_are_refused(runs, option, tmp_path):
    with pytest.raises(UsageError, match=f"^{option}: cannot be used with --folds"):
        CliRunner().invoke(
            command, ["--folds", option, str(tmp_path / "x.html"), *map(str, runs)], catch_exceptions=False
        )
