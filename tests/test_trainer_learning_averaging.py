"""Averaging: the ramp, statistics that fit the averaged weights, and what an average is for."""

from __future__ import annotations

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

pytestmark = NEEDS_TF

SIZE, CLASSES = (8, 8), 3


def trainer_of(ema: float, *, rate: float = 0.05, convolutions: int = 2):
    """A model with batch normalization for `noisy_batches`, compiled as a run compiles it."""
    from trainer.backend import keras
    from trainer.config import TrainConfig
    from trainer.learning.losses import build_loss
    from trainer.learning.optimizers import build_optimizer
    from trainer.learning.step import SegTrainer, StepOptions

    keras.utils.set_random_seed(3)
    image = keras.Input((*SIZE, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    for _ in range(convolutions):
        x = keras.layers.Conv2D(8, 3, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization(momentum=0.9)(x))
    net = keras.Model(image, keras.layers.Conv2D(CLASSES, 1)(x))
    trainer = SegTrainer(net, CLASSES, build_loss("crossentropy", CLASSES), options=StepOptions(ema=ema))
    trainer.compile(build_optimizer(TrainConfig(learning_rate=rate, ema=ema), 1))
    trainer.optimizer.build(trainer.trainable_variables)
    return trainer


def pairs_of(seed: int, count: int, wrong: float = 0.0) -> dict[str, np.ndarray]:
    """Blocks of three colours under noise; a share of the pixels has any class."""
    rng = np.random.default_rng(seed)
    mask = rng.integers(0, CLASSES, (count, 2, 2), dtype=np.uint8).repeat(4, axis=1).repeat(4, axis=2)
    image = np.array([(90, 120, 150), (130, 110, 140), (120, 140, 100)])[mask] + rng.normal(0, 60, (count, *SIZE, 3))
    drawn = rng.integers(0, CLASSES, mask.shape, dtype=np.uint8)
    mask = np.where(rng.random(mask.shape) < wrong, drawn, mask)
    return {"image": image.clip(0, 255).astype(np.uint8), "mask": mask}


def fit(trainer, steps: int, first: int = 0) -> None:
    for step in range(first, first + steps):
        trainer.train_on_batch(pairs_of(step, 2, wrong=0.5))


def loss_of(trainer, held_out: dict[str, np.ndarray]) -> float:
    return float(trainer.evaluate(held_out, batch_size=32, verbose=0, return_dict=True)["loss"])


def test_the_decay_rises_to_the_one_asked_for():
    from trainer.learning.averaging import ramped

    decays = [float(ramped(0.99, step)) for step in (0, 1, 2, 90, 890, 10**6)]
    assert decays == pytest.approx([0, 2 / 11, 3 / 12, 91 / 100, 0.99, 0.99])


def test_statistics_are_averaged_with_the_decay_of_their_step():
    trainer = trainer_of(0.999)
    normalization = trainer.net.layers[3]
    expected, seen = None, []
    for step in range(4):
        fit(trainer, 1, step)
        seen.append(normalization.moving_mean.numpy())
        decay = min(0.999, (1 + step) / (10 + step)) if step else 0
        expected = seen[-1] if expected is None else decay * expected + (1 - decay) * seen[-1]
    found = {id(s): a for s, a in trainer.statistics.pairs(trainer.net)}[id(normalization.moving_mean)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_an_averaged_model_is_near_the_trained_one_after_a_few_steps_and_its_statistics_are_its_own():
    from trainer.learning.optimizers import averaged_weights

    trainer, held_out = trainer_of(0.999, rate=0.01), pairs_of(10**6, 64)
    fit(trainer, 30)
    trained = loss_of(trainer, held_out)
    kept = [variable.numpy().copy() for variable in trainer.net.variables]
    with averaged_weights(trainer):
        averaged = loss_of(trainer, held_out)
        for statistic, average in trainer.statistics.pairs(trainer.net):
            np.testing.assert_array_equal(statistic.numpy(), average.numpy())
    assert averaged < trained + 0.05  # 0.999 from the start on gave that of random weights
    for variable, value in zip(trainer.net.variables, kept, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value)


def test_an_average_helps_where_the_weights_jitter():
    from trainer.learning.optimizers import averaged_weights

    trainer, held_out = trainer_of(0.999, rate=0.1, convolutions=1), pairs_of(10**6, 64)
    gains = []
    for round_number in range(8):
        fit(trainer, 25, 25 * round_number)
        trained = loss_of(trainer, held_out)
        with averaged_weights(trainer):
            gains.append(trained - loss_of(trainer, held_out))
    assert np.mean(gains[3:]) > 0.01, gains


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_an_average_is_that_of_float32_where_the_step_computes_in_16_bits(policy):
    """As on a GPU by default: a model in 16 bits reads its variables in 16 bits."""
    from trainer.backend import keras

    keras.config.set_dtype_policy(policy)
    try:
        trainer = trainer_of(0.9)
        fit(trainer, 3)
    finally:
        keras.config.set_dtype_policy("float32")
    pairs = trainer.statistics.pairs(trainer.net)
    assert len(pairs) == 4  # of two normalizations
    for statistic, average in pairs:
        assert statistic.dtype == average.dtype == "float32"
        found = average.numpy()
        assert np.isfinite(found).all()
        # Float32 has digits that neither 16-bit type has.
        assert (found != np.float32(found.astype(np.float16))).any()
        assert (found != statistic.numpy()).any()


def test_without_an_average_there_is_nothing_to_keep():
    trainer = trainer_of(0.0)
    assert trainer.statistics is None
    assert len(trainer.variables) == len(trainer.net.variables)
