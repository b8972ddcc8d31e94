"""The loss: the tutorial's numbers, and nothing but valid pixels."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.schema import IGNORE_INDEX

pytestmark = NEEDS_TF


def loss_of(mask: np.ndarray, logits: np.ndarray) -> float:
    from trainer.losses import crossentropy, targets_and_weights

    targets, weights = targets_and_weights(mask, logits.shape[-1])
    return float(crossentropy()(targets, logits, sample_weight=weights))


def slow_loss(mask: np.ndarray, logits: np.ndarray) -> float:
    """The definition, pixel by pixel, in float64."""
    losses = []
    for where in np.ndindex(mask.shape):
        if mask[where] != IGNORE_INDEX:
            scores = logits[where].astype(float)
            losses.append(np.log(np.exp(scores).sum()) - scores[mask[where]])
    return float(np.mean(losses))


def test_crossentropy_of_the_tutorial():
    mask = np.array([[[1, 0]]], np.uint8)
    logits = np.log(np.array([[[[0.2, 0.6, 0.2], [0.3, 0.3, 0.4]]]], np.float32))
    assert loss_of(mask[..., :1], logits[..., :1, :]) == pytest.approx(0.5108256, abs=1e-6)
    assert loss_of(mask[..., 1:], logits[..., 1:, :]) == pytest.approx(1.2039728, abs=1e-6)
    assert loss_of(mask, logits) == pytest.approx(0.8573992, abs=1e-6)


def test_one_sample_costs_the_negative_logarithm_of_its_probability():
    logits = np.log(np.array([[[[0.1, 0.7, 0.2]]]], np.float32))
    assert loss_of(np.array([[[1]]], np.uint8), logits) == pytest.approx(-np.log(0.7), abs=1e-6)


def test_label_map_of_the_tutorial_one_hot():
    from trainer.losses import targets_and_weights

    targets, weights = targets_and_weights(np.array([[[0, 1], [2, 3]]], np.uint8), 4)
    np.testing.assert_array_equal(np.reshape(targets, (4, 4)), np.eye(4))
    np.testing.assert_array_equal(weights, np.ones((1, 2, 2)))


def test_ignored_pixels_change_neither_sum_nor_count():
    rng = np.random.default_rng(0)
    mask = rng.integers(0, 5, (3, 8, 8), np.uint8)
    mask[:, ::2] = IGNORE_INDEX  # half of the pixels
    logits = rng.normal(0, 2, (3, 8, 8, 5)).astype(np.float32)
    assert loss_of(mask, logits) == pytest.approx(slow_loss(mask, logits), abs=1e-6)


def test_loss_does_not_depend_on_the_batch_size():
    rng = np.random.default_rng(1)
    mask = rng.integers(0, 3, (1, 4, 4), np.uint8)
    logits = rng.normal(size=(1, 4, 4, 3)).astype(np.float32)
    many = loss_of(np.repeat(mask, 7, axis=0), np.repeat(logits, 7, axis=0))
    assert many == pytest.approx(loss_of(mask, logits), abs=1e-6)


def test_a_batch_without_a_valid_pixel_costs_nothing():
    assert loss_of(np.full((2, 4, 4), IGNORE_INDEX, np.uint8), np.ones((2, 4, 4, 3), np.float32)) == 0.0


def test_ignored_pixels_have_no_gradient():
    from trainer.backend import tf
    from trainer.losses import crossentropy, targets_and_weights

    mask = np.array([[[0, IGNORE_INDEX]]], np.uint8)
    logits = tf.Variable(np.ones((1, 1, 2, 3), np.float32))
    with tf.GradientTape() as tape:
        targets, weights = targets_and_weights(mask, 3)
        loss = crossentropy()(targets, logits, sample_weight=weights)
    gradient = tape.gradient(loss, logits).numpy()
    assert np.abs(gradient[0, 0, 0]).min() > 0
    assert np.abs(gradient[0, 0, 1]).max() == 0
