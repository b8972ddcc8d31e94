"""The other backends of Keras: JAX and PyTorch train the same model as TensorFlow, and need no TensorFlow for it."""

from __future__ import annotations

import importlib.util
import math
from typing import Any

import numpy as np
import pytest
from test_trainer_devices import BATCH, build_trainer, draw_pairs, refusal, run, values
from trainer_fixtures import NEEDS_TF

from converter.schema import IGNORE_INDEX
from trainer.config import TrainConfig

pytestmark = NEEDS_TF

MODULES = {"jax": "jax", "torch": "torch"}
OTHERS = [
    pytest.param(
        backend,
        marks=pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"{module} is not installed"),
    )
    for backend, module in MODULES.items()
]


def train_and_report() -> dict[str, Any]:
    """Trains three steps without augmentation and three with, from the same weights on every backend."""
    from trainer.backend import keras
    from trainer.devices import prepare_devices

    devices = prepare_devices(TrainConfig(batch=BATCH))
    pairs = draw_pairs(BATCH)
    facts: dict[str, Any] = {"describe": devices.describe(), "backend": keras.config.backend()}
    for augment, epochs in (("none", 3), ("strong", 3)):
        trainer = build_trainer(optimizer=keras.optimizers.SGD(0.1), augment=augment, normalize=True)
        rng = np.random.default_rng(2)
        trainer.net.set_weights([rng.uniform(0.1, 0.4, value.shape).astype(np.float32) for value in values(trainer)])
        logs = trainer.fit(pairs, batch_size=BATCH, epochs=epochs, verbose=0, shuffle=False).history
        facts[augment] = {
            "loss": logs["loss"],
            "weights": [value.tolist() for value in values(trainer)],
            "pixels": int(trainer.confusion.matrix().sum()),
        }
    return facts


def share_between_two() -> dict[str, Any]:
    """Trains on two parts of the CPU, where that is more than one device to the backend."""
    from trainer.backend import keras
    from trainer.devices import prepare_devices

    devices = prepare_devices(TrainConfig(batch=BATCH, devices="cpu:2"))
    trainer = build_trainer(optimizer=keras.optimizers.SGD(0.1), augment="light", normalize=True)
    logs = trainer.fit(draw_pairs(BATCH), batch_size=BATCH, epochs=2, verbose=0, shuffle=False).history
    weight = trainer.net.weights[0].value
    return {"describe": devices.describe(), "loss": logs["loss"], "copies": len(weight.sharding.device_set)}


def read_without_tensorflow() -> list[str]:
    """Returns the error of the first use of TensorFlow, and a tensor computed without it."""
    import sys

    sys.modules["tensorflow"] = None  # type: ignore[assignment]
    from converter.errors import UsageError
    from trainer.backend import keras, tf

    with pytest.raises(UsageError) as raised:
        tf.data.Dataset.range(1)
    return [str(raised.value), str(keras.ops.convert_to_numpy(keras.ops.ones(2)).tolist())]


def train_resume_and_score() -> dict[str, Any]:
    """Trains one epoch and resumes for another, trains two at once, and scores the first run."""
    import csv
    import dataclasses
    import tempfile
    from pathlib import Path

    from trainer_fixtures import write_records

    from trainer.evaluation.records import evaluate
    from trainer.training import train

    with tempfile.TemporaryDirectory() as folder:
        write_records(Path(folder) / "records", records={"train": [4], "val": [2]})
        config = TrainConfig(Path(folder) / "records", Path(folder) / "runs", "unet_small", batch=2, epochs=2, ema=0.5)
        parted = train(dataclasses.replace(config, epochs=1)).run
        train(config, parted)
        facts: dict[str, Any] = {"miou": evaluate(parted).scores.miou}
        for name, run in (("parted", parted), ("whole", train(config).run)):
            with (run / "metrics.csv").open(newline="") as file:
                rows = list(csv.DictReader(file))
            facts[name] = [[row[key] for key in ("loss", "val_loss", "val_miou")] for row in rows]
    return facts


def refuse_tensorflow_only_options() -> list[str]:
    return [refusal(deterministic=True), refusal(devices="7")]


@pytest.fixture(scope="module")
def tensorflow() -> Any:
    return run(train_and_report, {"KERAS_BACKEND": "tensorflow"})[0]


@pytest.fixture(scope="module", params=OTHERS)
def other(request: pytest.FixtureRequest) -> Any:
    facts = run(train_and_report, {"KERAS_BACKEND": request.param})[0]
    assert facts["backend"] == request.param
    return facts


def test_another_backend_takes_the_steps_that_tensorflow_takes(other, tensorflow):
    np.testing.assert_allclose(other["none"]["loss"], tensorflow["none"]["loss"], rtol=1e-5)
    for one, two in zip(tensorflow["none"]["weights"], other["none"]["weights"], strict=True):
        np.testing.assert_allclose(two, one, rtol=0, atol=1e-5)
    assert other["none"]["pixels"] == int((draw_pairs(BATCH)["mask"] != IGNORE_INDEX).sum())


def test_another_backend_draws_an_augmentation_of_its_own_for_each_step(other):
    losses = other["strong"]["loss"]
    assert all(map(math.isfinite, losses))
    assert losses[0] != other["none"]["loss"][0]
    assert len(set(losses)) == len(losses)


def test_another_backend_says_what_trains(other):
    assert other["describe"] == "CPU, float32"


@pytest.mark.parametrize("backend", OTHERS)
def test_a_run_on_another_backend_goes_on_and_is_scored_as_on_tensorflow(backend):
    (facts,) = run(train_resume_and_score, {"KERAS_BACKEND": backend})
    assert facts["parted"] == facts["whole"]
    assert facts["miou"] == pytest.approx(max(float(row[2]) for row in facts["whole"]), abs=1e-6)


@pytest.mark.parametrize("backend", OTHERS)
def test_without_tensorflow_another_backend_calculates_and_reading_says_what_is_missing(backend):
    ((refusal, ones),) = run(read_without_tensorflow, {"KERAS_BACKEND": backend})
    assert refusal.startswith("segconv: TensorFlow, which reads the records, is not installed")
    assert refusal.endswith("Install it: pip install 'segconv[train]'")
    assert ones == "[1.0, 1.0]"


@pytest.mark.parametrize("backend", OTHERS)
def test_what_only_tensorflow_does_is_refused(backend):
    ((deterministic, devices),) = run(refuse_tensorflow_only_options, {"KERAS_BACKEND": backend})
    assert deterministic.startswith(f"--deterministic: has no effect on {backend}")
    assert devices.startswith("--devices: is 7, but ")


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_jax_shares_a_batch_between_devices():
    (found,) = run(share_between_two, {"KERAS_BACKEND": "jax"})
    assert found["describe"] == "2 x CPU, float32"
    assert found["copies"] == 2
    assert all(map(math.isfinite, found["loss"]))
