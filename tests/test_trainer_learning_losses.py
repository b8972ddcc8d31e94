"""Every loss against its definition in float64, pixel by pixel, over valid pixels only."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.errors import UsageError
from converter.schema import IGNORE_INDEX
from trainer.config import LOSS_NAMES

pytestmark = NEEDS_TF

WEIGHTED = ("crossentropy", "binary_crossentropy", "focal", "ohem", "crossentropy_dice", "crossentropy_lovasz")
SMOOTHED = ("crossentropy", "binary_crossentropy", "ohem", "crossentropy_dice", "crossentropy_lovasz")
NUM_CLASSES = 5
CLASS_WEIGHTS = np.array([0.5, 3, 0, 1, 7], np.float32)


def slow_pixel(name: str, true: int, logits: np.ndarray, smoothing: float) -> float:
    """The loss of one pixel."""
    num_classes = len(logits)
    target = [(index == true) * (1 - smoothing) + smoothing / num_classes for index in range(num_classes)]
    softmax = np.exp(logits) / np.exp(logits).sum()
    if name == "binary_crossentropy":
        sigmoid = 1 / (1 + np.exp(-logits))
        terms = [-t * np.log(p) - (1 - t) * np.log(1 - p) for t, p in zip(target, sigmoid, strict=True)]
        return float(np.mean(terms))
    if name == "focal":
        return float(-((1 - softmax[true]) ** 2) * np.log(softmax[true]))
    return float(-np.sum(target * np.log(softmax)))


def slow_class(name: str, true: np.ndarray, probability: np.ndarray) -> float:
    """The loss of one class: true, bool [pixels], and its probability, float [pixels]."""
    if name == "dice":
        return float(1 - 2 * probability[true].sum() / (true.sum() + probability.sum()))
    errors = np.abs(true - probability)
    wrong, loss, before = np.zeros(len(true), bool), 0.0, 0.0
    for pixel in np.argsort(-errors):
        wrong[pixel] = True  # one more pixel is wrong: found are the true ones that are not
        after = 1 - (true & ~wrong).sum() / (true | wrong).sum()
        loss, before = loss + errors[pixel] * (after - before), after
    return float(loss)


def slow_loss(
    name: str, mask: np.ndarray, logits: np.ndarray, class_weights: np.ndarray | None = None, smoothing: float = 0.0
) -> float:
    """The definition, in float64, of arrays from which the ignored pixels were taken out."""
    num_classes = logits.shape[-1]
    logits = logits[mask < num_classes].astype(float)
    true = mask[mask < num_classes]
    if name in ("crossentropy_dice", "crossentropy_lovasz"):
        parts = (("crossentropy", class_weights, smoothing), (name.removeprefix("crossentropy_"), None, 0.0))
        return sum(slow_loss(part, true, logits, w, s) for part, w, s in parts)
    if name in ("dice", "lovasz"):
        softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        return float(np.mean([slow_class(name, true == index, softmax[:, index]) for index in np.unique(true)]))
    weights = np.ones(num_classes) if class_weights is None else class_weights.astype(float)
    losses = np.array([slow_pixel(name, index, row, smoothing) for index, row in zip(true, logits, strict=True)])
    if name == "ohem":
        count = max(math.ceil(len(losses) / 4), np.count_nonzero(losses >= -np.log(0.7)))
        hardest = np.argsort(-losses)[:count]
        true, losses = true[hardest], losses[hardest]
    return float(np.sum(weights[true] * losses) / np.sum(weights[true]))


def draw(seed: int, shape: tuple[int, int, int] = (2, 4, 6)) -> tuple[np.ndarray, np.ndarray]:
    """A mask of the classes 0, 1, 3 and 4 with a third of its pixels ignored, and logits."""
    rng = np.random.default_rng(seed)
    mask = rng.choice(np.array([0, 1, 3, 4, IGNORE_INDEX, IGNORE_INDEX], np.uint8), shape)
    return mask, rng.normal(0, 2, (*shape, NUM_CLASSES)).astype(np.float32)


def loss_of(name: str, mask: np.ndarray, logits: np.ndarray, **options: object) -> float:
    from trainer.learning.losses import build_loss

    return float(build_loss(name, logits.shape[-1], **options)(mask, logits))


def loss_and_gradient(name: str, mask: np.ndarray, logits: np.ndarray, mode: str = "eager") -> tuple[float, np.ndarray]:
    from trainer.backend import tf
    from trainer.learning.losses import build_loss

    loss = build_loss(name, logits.shape[-1])

    def both(mask, logits):
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(mask, logits)
        return value, tape.gradient(value, logits)

    unknown = [tf.TensorSpec([None] * 3, tf.uint8), tf.TensorSpec([None] * 3 + [logits.shape[-1]], tf.float32)]
    modes = {
        "eager": lambda: both,
        "graph": lambda: tf.function(both, input_signature=unknown),  # the last batch of a split may be smaller
        "jit": lambda: tf.function(both, jit_compile=True),
    }
    run = modes[mode]()
    value, gradient = run(tf.constant(mask), tf.constant(logits))
    return float(value), gradient.numpy()


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_a_loss_is_its_definition_over_valid_pixels(name):
    for seed in range(4):
        mask, logits = draw(seed)
        assert loss_of(name, mask, logits) == pytest.approx(slow_loss(name, mask, logits), rel=1e-5)
        for option in ((CLASS_WEIGHTS, 0.0), (None, 0.1), (CLASS_WEIGHTS, 0.3)):
            class_weights, smoothing = option
            if (class_weights is None or name in WEIGHTED) and (not smoothing or name in SMOOTHED):
                found = loss_of(name, mask, logits, class_weights=class_weights, label_smoothing=smoothing)
                assert found == pytest.approx(slow_loss(name, mask, logits, *option), rel=1e-5)


@pytest.mark.parametrize("name", WEIGHTED)
def test_logit_adjustment_adds_its_share_of_the_log_of_the_class_weights(name):
    mask, logits = draw(8)
    weights = CLASS_WEIGHTS.astype(float)
    shifts = np.array([math.log(w / (0.5 * 3 * 1 * 7) ** 0.25) if w else 0.0 for w in weights])
    shifted = logits + 0.5 * shifts
    found = loss_of(name, mask, logits, class_weights=CLASS_WEIGHTS, logit_adjustment=0.5)
    assert found == pytest.approx(slow_loss(name, mask, shifted, CLASS_WEIGHTS), rel=1e-5)
    assert abs(found - loss_of(name, mask, logits, class_weights=CLASS_WEIGHTS)) > 1e-3


def test_without_class_weights_there_is_nothing_to_adjust():
    mask, logits = draw(9)
    assert loss_of("crossentropy", mask, logits, logit_adjustment=0.5) == loss_of("crossentropy", mask, logits)


def test_where_nothing_tells_classes_apart_full_adjustment_gives_their_shares_in_the_data():
    # Of 8 pixels, 6 of class 0 and 2 of class 1, the weights make 6 and 6. The weighted crossentropy of one logit for
    # all pixels is smallest at equal probabilities, but with adjustment 1 at the log-ratio of 6 to 2.
    mask = np.array([[[0, 0, 0, 0, 0, 0, 1, 1]]], np.uint8)
    options = {"class_weights": np.array([1, 3], np.float32)}
    grid = np.linspace(-2, 2, 401)

    def best(**more: float) -> float:
        losses = [
            loss_of("crossentropy", mask, np.full((1, 1, 8, 2), (ratio, 0), np.float32), **options, **more)
            for ratio in grid
        ]
        return grid[int(np.argmin(losses))]

    assert best() == pytest.approx(0, abs=0.011)
    assert best(logit_adjustment=1.0) == pytest.approx(np.log(3), abs=0.011)


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_a_gradient_is_the_slope_of_the_definition(name):
    mask, logits = draw(5, (1, 2, 4))
    _, gradient = loss_and_gradient(name, mask, logits)
    slope = np.zeros(logits.shape)
    for where in np.ndindex(logits.shape):
        step = np.zeros(logits.shape)
        step[where] = 1e-5
        slope[where] = (slow_loss(name, mask, logits + step) - slow_loss(name, mask, logits - step)) / 2e-5
    np.testing.assert_allclose(gradient, slope, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize(
    ("probabilities", "hard"), [((0.6, 0.65, 0.5, 0.9), (0, 1, 2)), ((0.9, 0.95, 0.8, 0.99), (2,))]
)
def test_ohem_takes_every_pixel_below_a_probability_of_70_percent_and_at_least_a_quarter(probabilities, hard):
    chances = np.array(probabilities)
    logits = np.stack([np.log(chances), np.log(1 - chances)], axis=-1).astype(np.float32).reshape(1, 2, 2, 2)
    value, gradient = loss_and_gradient("ohem", np.zeros((1, 2, 2), np.uint8), logits)
    assert value == pytest.approx(-np.log(chances[list(hard)]).mean(), rel=1e-5)
    assert np.flatnonzero(np.abs(gradient).max(axis=-1)).tolist() == list(hard)


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_a_compiled_loss_is_the_eager_one(name):
    mask, logits = draw(6)
    value, gradient = loss_and_gradient(name, mask, logits)
    for mode in ("graph", "jit"):
        compiled, compiled_gradient = loss_and_gradient(name, mask, logits, mode)
        assert compiled == pytest.approx(value, rel=1e-6)
        np.testing.assert_allclose(compiled_gradient, gradient, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_ignored_pixels_have_no_gradient_whatever_the_model_says_of_them(name):
    mask, logits = draw(7)
    ignored = mask == IGNORE_INDEX
    value, gradient = loss_and_gradient(name, mask, logits)
    assert np.abs(gradient[ignored]).max() == 0
    has_gradient = np.abs(gradient[~ignored]).max(axis=-1) > 0
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    chances = np.take_along_axis(softmax[~ignored], mask[~ignored][:, None].astype(int), axis=-1)
    hard = max(math.ceil(len(chances) / 4), np.count_nonzero(chances <= 0.7))
    assert has_gradient.sum() == (hard if name == "ohem" else len(chances))
    logits[ignored] = [np.inf, -np.inf, np.nan, 1e30, 0]
    wild, wild_gradient = loss_and_gradient(name, mask, logits)
    assert wild == value
    np.testing.assert_array_equal(wild_gradient, gradient)


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_a_batch_without_a_valid_pixel_costs_nothing(name):
    _, logits = draw(8)
    value, gradient = loss_and_gradient(name, np.full(logits.shape[:3], IGNORE_INDEX, np.uint8), logits)
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


@pytest.mark.parametrize("name", LOSS_NAMES)
def test_confident_logits_stay_finite(name):
    mask, logits = draw(9)
    for scale in (1e3, 1e30):
        value, gradient = loss_and_gradient(name, mask, logits * np.float32(scale))
        assert np.isfinite(value)
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", LOSS_NAMES)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(name, dtype):
    from trainer.backend import keras
    from trainer.learning.losses import build_loss

    mask, logits = draw(10)
    half = keras.ops.cast(logits, dtype)
    value = build_loss(name, NUM_CLASSES)(mask, half)
    assert keras.backend.standardize_dtype(value.dtype) == "float32"
    assert float(value) == loss_of(name, mask, keras.ops.convert_to_numpy(keras.ops.cast(half, "float32")))


@pytest.mark.parametrize("name", [name for name in LOSS_NAMES if "lovasz" not in name])
def test_a_loss_does_not_depend_on_the_batch_size(name):
    mask, logits = draw(11)
    many = loss_of(name, np.repeat(mask, 7, axis=0), np.repeat(logits, 7, axis=0))
    assert many == pytest.approx(loss_of(name, mask, logits), rel=1e-6)


def test_crossentropy_of_the_tutorial():
    mask = np.array([[[1, 0]]], np.uint8)
    logits = np.log(np.array([[[[0.2, 0.6, 0.2], [0.3, 0.3, 0.4]]]], np.float32))
    assert loss_of("crossentropy", mask[..., :1], logits[..., :1, :]) == pytest.approx(0.5108256, abs=1e-6)
    assert loss_of("crossentropy", mask[..., 1:], logits[..., 1:, :]) == pytest.approx(1.2039728, abs=1e-6)
    assert loss_of("crossentropy", mask, logits) == pytest.approx(0.8573992, abs=1e-6)


def test_one_sample_costs_the_negative_logarithm_of_its_probability():
    logits = np.log(np.array([[[[0.1, 0.7, 0.2]]]], np.float32))
    assert loss_of("crossentropy", np.array([[[1]]], np.uint8), logits) == pytest.approx(-np.log(0.7), abs=1e-6)


def test_label_map_of_the_tutorial_one_hot():
    from trainer.learning.losses import one_hot

    truth, valid = one_hot(np.array([[[0, 1], [2, 3]]], np.uint8), 4)
    np.testing.assert_array_equal(np.reshape(truth, (4, 4)), np.eye(4))
    np.testing.assert_array_equal(valid, np.ones((1, 2, 2)))


def test_numbers_that_are_no_class_are_in_no_one_hot_row():
    from trainer.learning.losses import one_hot

    truth, valid = one_hot(np.array([[[-1, 2, 3, 254, IGNORE_INDEX]]], np.int32), 3)
    np.testing.assert_array_equal(valid, [[[0, 1, 0, 0, 0]]])
    np.testing.assert_array_equal(np.asarray(truth)[0, 0], [[0, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0], [0, 0, 0]])


def test_crossentropy_is_that_of_keras_over_the_valid_pixels():
    from trainer.backend import keras

    mask, logits = draw(12)
    valid = mask != IGNORE_INDEX
    theirs = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(mask[valid], logits[valid])
    assert loss_of("crossentropy", mask, logits) == pytest.approx(float(theirs), rel=1e-6)


def test_a_factor_of_all_class_weights_changes_nothing():
    mask, logits = draw(13)
    for options in ({"name": "focal"}, {"name": "binary_crossentropy", "logit_adjustment": 0.5}):
        losses = [loss_of(mask=mask, logits=logits, class_weights=CLASS_WEIGHTS * by, **options) for by in (1, 1000)]
        assert losses[1] == pytest.approx(losses[0], rel=1e-6)


def test_dice_and_lovasz_of_two_undecided_pixels():
    mask, logits = np.array([[[0, 1]]], np.uint8), np.zeros((1, 1, 2, 2), np.float32)
    # |truth * p| = 1/2, |truth| = |p| = 1.
    assert loss_of("dice", mask, logits) == pytest.approx(1 - 2 * 0.5 / 2)
    # Both errors are 1/2, and their growths sum to 1 - IoU of a class that is all wrong, 1.
    assert loss_of("lovasz", mask, logits) == pytest.approx(0.5)


def test_of_a_sure_model_dice_is_one_minus_f1_and_lovasz_one_minus_iou():
    mask, logits = draw(14)
    valid, prediction = mask != IGNORE_INDEX, logits.argmax(axis=-1)
    ious, f1s = [], []
    for index in np.unique(mask[valid]):
        true, predicted = valid & (mask == index), valid & (prediction == index)
        ious.append((true & predicted).sum() / (true | predicted).sum())
        f1s.append(2 * (true & predicted).sum() / (true.sum() + predicted.sum()))
    sure = 1000 * np.eye(NUM_CLASSES, dtype=np.float32)[prediction]
    assert 0 < np.mean(ious) < 1
    assert loss_of("dice", mask, sure) == pytest.approx(1 - np.mean(f1s), rel=1e-6)
    assert loss_of("lovasz", mask, sure) == pytest.approx(1 - np.mean(ious), rel=1e-6)


@pytest.mark.parametrize("name", [name for name in LOSS_NAMES if name not in WEIGHTED])
def test_class_weights_are_refused_where_every_class_counts_alike(name):
    with pytest.raises(UsageError, match=r"^--class-weights: cannot .* --loss \w+, .* Pass --class-weights none"):
        loss_of(name, *draw(0), class_weights=CLASS_WEIGHTS)


@pytest.mark.parametrize("name", [name for name in LOSS_NAMES if name not in SMOOTHED])
def test_label_smoothing_is_refused_where_it_has_no_meaning(name):
    with pytest.raises(UsageError, match=r"^--label-smoothing: is 0.1, but --loss \w+ .* Pass --label-smoothing 0"):
        loss_of(name, *draw(0), label_smoothing=0.1)


# Two parts of the CPU, of which the second has a quarter of the valid pixels of the first, and no class 0.
TWO_DEVICES = """
import numpy as np
from trainer.backend import tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from trainer.learning.losses import LOSSES, build_loss

rng = np.random.default_rng(0)
masks = rng.choice(np.array([0, 1, 3, 255], np.uint8), (2, 2, 4, 6), p=[0.4, 0.2, 0.2, 0.2])
masks[1] = rng.choice(np.array([1, 3, 255], np.uint8), (2, 4, 6), p=[0.1, 0.1, 0.8])
logits = rng.normal(0, 2, (2, 2, 4, 6, 4)).astype(np.float32)
logits[1] *= 2
weights = np.array([0.5, 3, 1, 2], np.float32)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

def share(loss, mask, logits, replicas):
    with tf.GradientTape() as tape:
        tape.watch(logits)
        value = loss(mask, logits)
        part = value / replicas
    return value, tape.gradient(part, logits)

def whole(loss):
    flat = masks.reshape(4, 4, 6), logits.reshape(4, 4, 6, 4)
    value, gradient = share(loss, *map(tf.constant, flat), 1)
    return value.numpy(), gradient.numpy().reshape(logits.shape)

@tf.function
def on_both(loss, *per_device):
    return strategy.run(lambda mask, logits: share(loss, mask, logits, 2), per_device)

def spread(array):
    return strategy.experimental_distribute_values_from_function(
        lambda context: tf.constant(array[context.replica_id_in_sync_group]))

for name in LOSSES:
    if "lovasz" in name:
        continue
    for class_weights in (None, weights):
        if class_weights is not None and name == "dice":
            continue
        loss = build_loss(name, 4, class_weights=class_weights)
        values, gradients = map(strategy.experimental_local_results, on_both(loss, spread(masks), spread(logits)))
        value, gradient = whole(loss)
        alone = [float(loss(masks[i], logits[i])) for i in range(2)]
        assert abs(np.mean(alone) - value) > 0.01, (name, "the plain mean would do as well")
        np.testing.assert_allclose(np.mean(values), value, rtol=1e-6, err_msg=name)
        np.testing.assert_allclose(np.stack(gradients), gradient, rtol=1e-4, atol=1e-8, err_msg=name)
loss = build_loss("lovasz", 4)
values, _ = map(strategy.experimental_local_results, on_both(loss, spread(masks), spread(logits)))
np.testing.assert_allclose(values, [loss(masks[i], logits[i]) for i in range(2)], rtol=1e-6)
print("equal")
"""


@pytest.mark.slow
def test_two_devices_with_unequal_shares_of_ignored_pixels_have_the_loss_and_gradient_of_one():
    done = subprocess.run([sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout == "equal\n", done.stderr
