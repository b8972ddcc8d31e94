"""Scores, against an implementation that counts pixel by pixel."""

from __future__ import annotations

import importlib.util
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.schema import IGNORE_INDEX

pytestmark = NEEDS_TF


def slow_matrix(truth: np.ndarray, prediction: np.ndarray, num_classes: int) -> np.ndarray:
    matrix = np.zeros((num_classes, num_classes), np.int64)
    for true, predicted in zip(truth.flat, prediction.flat, strict=True):
        if true != IGNORE_INDEX:
            matrix[true, predicted] += 1
    return matrix


def slow_score(truth: np.ndarray, prediction: np.ndarray, index: int) -> dict[str, float]:
    """Scores of one class from sets of pixels."""
    valid = {where for where in np.ndindex(truth.shape) if truth[where] != IGNORE_INDEX}
    true = {where for where in valid if truth[where] == index}
    predicted = {where for where in valid if prediction[where] == index}

    def ratio(part: float, whole: float) -> float:
        return part / whole if whole else math.nan

    both = len(true & predicted)
    return {
        "iou": ratio(both, len(true | predicted)),
        "precision": ratio(both, len(predicted)),
        "recall": ratio(both, len(true)),
        "f1": ratio(2 * both, len(true) + len(predicted)),
        "pixels": len(true),
        "predicted": len(predicted),
    }


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray]:
    """Six classes: 4 is never true, 5 neither true nor predicted, 3 never predicted."""
    rng = np.random.default_rng(3)
    truth = rng.choice(np.array([0, 1, 2, 3, IGNORE_INDEX], np.uint8), (2, 9, 11), p=[0.5, 0.2, 0.1, 0.1, 0.1])
    return truth, rng.choice(np.array([0, 1, 2, 4], np.uint8), (2, 9, 11))


def test_scores_are_those_of_counting_pixels(pair):
    from trainer.learning.metrics import confusion_matrix, scores_from_confusion

    truth, prediction = pair
    matrix = confusion_matrix(truth, prediction, 6)
    np.testing.assert_array_equal(matrix, slow_matrix(truth, prediction, 6))
    assert matrix.dtype == np.int64
    scores = scores_from_confusion(matrix)
    slow = [slow_score(truth, prediction, index) for index in range(6)]
    for name in slow[0]:
        np.testing.assert_allclose(getattr(scores, name), [score[name] for score in slow], rtol=1e-12, err_msg=name)
    ious = [score["iou"] for score in slow if not math.isnan(score["iou"])]
    assert len(ious) == 5
    assert scores.miou == pytest.approx(sum(ious) / 5, rel=1e-12)
    valid = truth != IGNORE_INDEX
    assert scores.pixel_accuracy == pytest.approx((truth == prediction)[valid].mean(), rel=1e-12)
    # Every valid pixel brings the IoU of its true class.
    per_pixel = [slow[index]["iou"] for index in truth[valid]]
    assert scores.fwiou == pytest.approx(sum(per_pixel) / len(per_pixel), rel=1e-12)


def test_frequency_weighted_iou_worked_out_by_hand():
    from trainer.learning.metrics import scores_from_confusion

    # IoU 6/8 of a class with 7 of 10 pixels, IoU 2/4 of one with 3, and none of the third.
    scores = scores_from_confusion(np.array([[6, 1, 0], [1, 2, 0], [0, 0, 0]]))
    assert scores.fwiou == pytest.approx((7 * 6 / 8 + 3 * 2 / 4) / 10, rel=1e-12)


def test_a_class_that_is_nowhere_has_no_score_and_does_not_count_in_the_mean():
    from trainer.learning.metrics import scores_from_confusion

    scores = scores_from_confusion(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert math.isnan(scores.iou[2])
    assert math.isnan(scores.f1[2])
    assert scores.miou == pytest.approx((3 / 4 + 4 / 5) / 2)


def test_no_valid_pixel_gives_no_score():
    from trainer.learning.metrics import scores_from_confusion

    scores = scores_from_confusion(np.zeros((2, 2), np.int64))
    assert math.isnan(scores.miou)
    assert math.isnan(scores.pixel_accuracy)
    assert math.isnan(scores.fwiou)


def test_counts_are_exact_beyond_float32():
    from trainer.learning.metrics import scores_from_confusion

    scores = scores_from_confusion(np.array([[2**40, 1], [0, 2**40]]))
    assert scores.iou[0] == 2**40 / (2**40 + 1) < 1


@pytest.mark.parametrize(
    ("matrix", "only"),
    [([[5, 0], [3, 0]], 0), ([[0, 5], [0, 3]], 1), ([[5, 0], [0, 0]], None), ([[5, 1], [3, 0]], None)],
)
def test_a_collapsed_prediction_is_noticed_where_the_truth_has_several_classes(matrix, only):
    from trainer.learning.metrics import scores_from_confusion

    assert scores_from_confusion(np.array(matrix)).only_class == only


@pytest.mark.parametrize("kind", ["float32", "bfloat16"])
def test_the_class_of_a_pixel_is_that_of_its_first_largest_logit(kind):
    from trainer.backend import keras, tf
    from trainer.learning.metrics import classes_of

    logits = np.random.default_rng(0).integers(-2, 3, (2, 30, 40, 5)).astype(np.float32)  # many are equal
    found = np.asarray(classes_of(tf.constant(logits, kind)))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, logits.argmax(axis=-1))
    hostile = np.float32([[[[np.inf, np.inf], [-np.inf, -np.inf], [np.nan, 0], [0, np.nan], [-0.0, 0.0]]]])
    found = np.asarray(classes_of(keras.ops.convert_to_tensor(hostile)))[0, 0]
    np.testing.assert_array_equal(found, [0, 0, 1, 1, 0])


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_device_counts_what_the_host_counts(pair, jit_compile):
    from trainer.backend import keras, tf
    from trainer.learning.metrics import ConfusionMatrix, confusion_matrix

    truth, prediction = pair
    logits = np.eye(6, dtype=np.float32)[prediction] + 0.1
    metric = ConfusionMatrix(6)
    update = tf.function(metric.update_state, jit_compile=jit_compile)
    for _ in range(2):
        update(tf.constant(truth), tf.constant(logits))
    expected = 2 * confusion_matrix(truth, prediction, 6)
    np.testing.assert_array_equal(metric.matrix(), expected)
    assert metric.matrix().dtype == np.int64
    assert float(metric.result()["pixel_accuracy"]) == pytest.approx(expected.trace() / expected.sum(), abs=1e-6)
    metric.reset_state()
    assert metric.matrix().sum() == 0
    assert isinstance(metric, keras.metrics.Metric)


def test_numbers_that_are_no_class_are_left_out_on_host_and_device():
    from trainer.learning.metrics import ConfusionMatrix, confusion_matrix

    truth, prediction = np.array([[[-7, -1, 0, 1, 2, 254, IGNORE_INDEX]]]), np.array([[[0, 1, 0, 0, 1, 1, 0]]])
    np.testing.assert_array_equal(confusion_matrix(truth, prediction, 2), [[1, 0], [1, 0]])
    metric = ConfusionMatrix(2)
    metric.update_state(truth, np.eye(2, dtype=np.float32)[prediction])
    np.testing.assert_array_equal(metric.matrix(), [[1, 0], [1, 0]])


def test_255_classes_are_counted_without_overflow():
    """As uint8, which masks and class maps are, 254 * 255 would be another cell's number."""
    from trainer.learning.metrics import ConfusionMatrix, confusion_matrix

    truth, prediction = np.array([[[254, 254, 3, IGNORE_INDEX]]], np.uint8), np.array([[[254, 1, 253, 7]]], np.uint8)
    matrix = confusion_matrix(truth, prediction, 255)
    assert {where: int(matrix[where]) for where in zip(*matrix.nonzero(), strict=True)} == {
        (254, 254): 1,
        (254, 1): 1,
        (3, 253): 1,
    }
    metric = ConfusionMatrix(255)
    metric.update_state(truth, np.eye(255, dtype=np.float32)[prediction])
    np.testing.assert_array_equal(metric.matrix(), matrix)


def test_a_cell_carries_over_and_loses_no_pixel(pair):
    from trainer.learning.metrics import CARRY, ConfusionMatrix, confusion_matrix

    truth, prediction = pair
    logits = np.eye(6, dtype=np.float32)[prediction]
    counts = confusion_matrix(truth, prediction, 6)
    metric = ConfusionMatrix(6)
    metric.low.assign(np.full(36, CARRY - 1))
    metric.high.assign(np.full(36, 5))
    metric.update_state(truth, logits)
    np.testing.assert_array_equal(metric.matrix(), counts + 6 * CARRY - 1)
    assert (np.asarray(metric.low.numpy()) == np.where(counts, counts - 1, CARRY - 1).ravel()).all()
    assert CARRY - 1 + CARRY < 2**31  # as much as a batch of CARRY pixels makes of it


def run_python(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


TWO_DEVICES = """
import numpy as np
from trainer.backend import tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from trainer.learning.metrics import ConfusionMatrix, confusion_matrix

rng = np.random.default_rng(0)
truth = rng.choice(np.array([0, 1, 2, 255], np.uint8), (2, 2, 5, 7))
prediction = rng.integers(0, 3, (2, 2, 5, 7))
logits = np.eye(3, dtype=np.float32)[prediction]
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
with strategy.scope():
    metric = ConfusionMatrix(3)

def spread(array):
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(array[context.replica_id_in_sync_group]))

update = tf.function(lambda *per_device: strategy.run(metric.update_state, per_device))
for _ in range(3):
    update(spread(truth), spread(logits))
np.testing.assert_array_equal(metric.matrix(), 3 * confusion_matrix(truth, prediction, 3))
metric.reset_state()
update(spread(truth), spread(logits))
np.testing.assert_array_equal(metric.matrix(), confusion_matrix(truth, prediction, 3))
print("equal")
"""


@pytest.mark.slow
def test_two_devices_count_into_one_matrix():
    assert run_python(TWO_DEVICES) == "equal\n"


ON_JAX = """
import warnings
import numpy as np
import jax
from trainer.learning.metrics import CARRY, ConfusionMatrix, confusion_matrix
warnings.simplefilter("error")

rng = np.random.default_rng(0)
truth = rng.choice(np.array([0, 1, 2, 255], np.uint8), (2, 5, 7))
prediction = rng.integers(0, 3, (2, 5, 7))
metric = ConfusionMatrix(3)
variables = [np.full(9, CARRY - 1, np.int32), np.full(9, 5, np.int32)]
update = jax.jit(metric.stateless_update_state)
for _ in range(2):
    variables = update(variables, truth, np.eye(3, dtype=np.float32)[prediction])
for variable, value in zip(metric.variables, variables):
    variable.assign(value)
np.testing.assert_array_equal(metric.matrix(), 2 * confusion_matrix(truth, prediction, 3) + 6 * CARRY - 1)
print(metric.matrix().dtype)
"""


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
def test_jax_counts_beyond_32_bits_without_a_warning():
    assert run_python(ON_JAX, KERAS_BACKEND="jax") == "int64\n"


def test_mean_iou_is_that_of_keras(pair):
    from trainer.backend import keras
    from trainer.learning.metrics import confusion_matrix, scores_from_confusion

    truth, prediction = pair
    theirs = keras.metrics.MeanIoU(6, ignore_class=IGNORE_INDEX)
    theirs.update_state(truth, prediction)
    assert scores_from_confusion(confusion_matrix(truth, prediction, 6)).miou == pytest.approx(float(theirs.result()))
