"""Devices: two devices, or two workers, train the same model as one; what cannot be shared is refused."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trainer_fixtures import NEEDS_TF

from converter.schema import IGNORE_INDEX
from trainer.choices.augments import AUGMENTS
from trainer.config import TrainConfig

pytestmark = NEEDS_TF

TESTS = Path(__file__).parent
SIZE, NUM_CLASSES, BATCH = (6, 8), 3, 8
ROUNDING = 32 * float(np.finfo(np.float32).eps)  # of sums over some hundred pixels, added up in another order
RATE = 1000.0  # high: the gradient dominates the new weights, and loses no digits in them


def run_together(function: Callable[[], Any], *environments: dict[str, str]) -> list[tuple[int, str, str]]:
    """Returns (exit code, returned JSON, stderr) of a test file's function, once per environment.

    Each runs in a separate process, since TensorFlow's devices are fixed when it starts.
    """
    paths = [str(TESTS), str(TESTS.parent)]
    call = f"import {function.__module__} as tests; print(json.dumps(tests.{function.__name__}()))"
    code = f"import json, sys; sys.path[:0] = {paths}; {call}"
    command = [sys.executable, "-c", code]
    inherited = {key: value for key, value in os.environ.items() if key != "TF_CONFIG"}
    with contextlib.ExitStack() as stack:
        processes = []
        for environment in environments:
            pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
            processes.append(stack.enter_context(subprocess.Popen(command, env=inherited | environment, **pipes)))
            stack.callback(processes[-1].kill)  # before the end of its context, which waits for it
        outputs = [process.communicate(timeout=300) for process in processes]
    return [
        (process.returncode, stdout.decode(), stderr.decode())
        for process, (stdout, stderr) in zip(processes, outputs, strict=True)
    ]


def run(function: Callable[[], Any], *environments: dict[str, str]) -> list[Any]:
    """Returns what a function of a test file returns, once per environment."""
    done = run_together(function, *environments)
    assert [code for code, _, _ in done] == [0] * len(environments), "\n".join(stderr for _, _, stderr in done)
    return [json.loads(stdout) for _, stdout, _ in done]


def draw_pairs(records: int) -> dict[str, np.ndarray]:
    """Returns pairs whose first half is ignored except one row: two devices get unequal numbers of valid pixels."""
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (records, *SIZE, 3), dtype=np.uint8)
    mask = rng.choice(np.array([0, 1, 2, IGNORE_INDEX], np.uint8), (records, *SIZE))
    mask[: records // 2, 1:] = IGNORE_INDEX
    return {"image": image, "mask": mask}


def build_trainer(loss: str = "crossentropy", *, optimizer: Any, augment: str = "none", normalize: bool = False) -> Any:
    """Returns a compiled trainer of a net of two layers, always with the same initial weights."""
    from trainer.backend import keras
    from trainer.learning.augment import build_augment
    from trainer.learning.losses import build_loss
    from trainer.learning.step import SegTrainer

    keras.utils.set_random_seed(3)
    image = keras.Input((*SIZE, 3))
    hidden = keras.layers.Conv2D(5, 3, padding="same")(keras.layers.Rescaling(1 / 255)(image))
    if normalize:
        hidden = keras.layers.BatchNormalization()(hidden)
    net = keras.Model(image, keras.layers.Conv2D(NUM_CLASSES, 1)(keras.layers.ReLU()(hidden)))
    trainer = SegTrainer(net, NUM_CLASSES, build_loss(loss, NUM_CLASSES), build_augment(AUGMENTS[augment], seed=5))
    trainer.compile(optimizer)
    return trainer


def batches(pairs: dict[str, np.ndarray], batch: int, *, worker: int = 0, num_workers: int = 1) -> Any:
    """Returns every num_workers-th pair as batches for fit."""
    from trainer.backend import tf

    records = tf.data.Dataset.from_tensor_slices(pairs).shard(num_workers, worker)
    return records.batch(batch, drop_remainder=True).map(lambda pair: (pair,))


def values(trainer: Any) -> list[np.ndarray]:
    from trainer.backend import keras

    return [keras.ops.convert_to_numpy(variable) for variable in trainer.net.weights]


# --- one process with two devices


def try_two_devices() -> dict[str, Any]:
    """Returns the results that the tests of two devices check."""
    from trainer.devices import prepare_devices

    devices = prepare_devices(TrainConfig(devices="cpu:2", batch=BATCH))
    again = prepare_devices(TrainConfig(devices="cpu:2", batch=BATCH))
    refused = [refusal(devices="cpu:3", batch=9), refusal(devices="cpu:2", batch=7)]
    losses = ("crossentropy", "crossentropy_dice")
    return {
        "describe": devices.describe(),
        "again": again.num_replicas,
        "refused": refused,
        "losses": {loss: one_step(devices, loss) for loss in losses},
        "normalized": one_step(devices, "crossentropy", normalize=True),
        "augmented": augmented_masks(devices),
        "three_steps": three_steps(devices),
    }


def refusal(**options: Any) -> str:
    """Returns the error message for invalid options."""
    from converter.errors import UsageError
    from trainer.devices import prepare_devices

    with pytest.raises(UsageError) as raised:
        prepare_devices(TrainConfig(**options))
    return str(raised.value)


def one_step(devices: Any, loss: str, *, normalize: bool = False) -> dict[str, Any]:
    """Returns loss, gradient and number of counted pixels of one step, on one device and on two."""
    from trainer.backend import keras

    found: dict[str, Any] = {"loss": [], "gradient": [], "pixels": []}
    for scope in (contextlib.nullcontext, devices.scope):
        with scope():
            trainer = build_trainer(loss, optimizer=keras.optimizers.SGD(RATE), normalize=normalize)
        before = values(trainer)
        logs = trainer.fit(batches(draw_pairs(BATCH), BATCH), verbose=0, shuffle=False).history
        gradient = [(old - new) / RATE for old, new in zip(before, values(trainer), strict=True)]
        found["loss"].append(logs["loss"][0])
        found["gradient"].append(np.concatenate([part.ravel() for part in gradient]).tolist())
        found["pixels"].append(int(trainer.confusion.matrix().sum()))
    return found


def augmented_masks(devices: Any) -> list[Any]:
    """Returns the augmented masks of the same batch on each device."""
    from trainer.backend import keras, tf

    with devices.scope():
        trainer = build_trainer(optimizer=keras.optimizers.SGD(), augment="strong")
    pairs = {key: tf.constant(value) for key, value in draw_pairs(BATCH).items()}

    @tf.function(autograph=False)
    def step() -> Any:
        return devices.strategy.run(lambda: trainer(pairs, training=True)["mask"])

    return [[mask.numpy().tolist() for mask in step().values] for _ in range(2)]


def three_steps(devices: Any) -> dict[str, Any]:
    """Compares the weights on both devices after three steps with everything that could make them diverge."""
    from trainer.backend import keras

    with devices.scope():
        optimizer = keras.optimizers.AdamW(0.1, use_ema=True)
        trainer = build_trainer(optimizer=optimizer, augment="strong", normalize=True)
    before = values(trainer)
    trainer.fit(batches(draw_pairs(3 * BATCH), BATCH), verbose=0, shuffle=False)
    copies = [variable.value.values for variable in (*trainer.net.weights, *optimizer.variables)]
    return {
        "synchronized": [layer.get_config().get("synchronized", False) for layer in trainer.net.layers],
        "moved": [bool((old != new).any()) for old, new in zip(before, values(trainer), strict=True)],
        "equal": [bool((one.numpy() == other.numpy()).all()) for one, other in copies],
        "by_keras": keras.layers.BatchNormalization.call.__module__.startswith("keras."),
    }


@pytest.fixture(scope="module")
def two_devices() -> Any:
    return run(try_two_devices, {})[0]


def test_loss_and_gradient_of_two_devices_are_those_of_one(two_devices):
    for loss, found in two_devices["losses"].items():
        assert found["loss"][1] == pytest.approx(found["loss"][0], rel=ROUNDING), loss
        one, two = map(np.array, found["gradient"])
        np.testing.assert_allclose(two, one, rtol=0, atol=ROUNDING * np.abs(one).max(), err_msg=loss)


def test_batch_normalization_of_two_devices_knows_the_whole_batch(two_devices):
    found = two_devices["normalized"]
    assert found["loss"][1] == pytest.approx(found["loss"][0], rel=ROUNDING)
    one, two = map(np.array, found["gradient"])
    np.testing.assert_allclose(two, one, rtol=0, atol=ROUNDING * np.abs(one).max())


def test_two_devices_count_every_valid_pixel_once(two_devices):
    valid = int((draw_pairs(BATCH)["mask"] != IGNORE_INDEX).sum())
    assert {tuple(found["pixels"]) for found in two_devices["losses"].values()} == {(valid, valid)}


def test_each_device_and_each_step_draws_its_own_augmentation(two_devices):
    masks = [mask for step in two_devices["augmented"] for mask in step]
    assert len(masks) == 4
    assert all(masks[i] != masks[j] for i in range(4) for j in range(i))


def test_weights_and_optimizer_stay_equal_on_both_devices(two_devices):
    assert all(two_devices["three_steps"]["moved"])
    assert all(two_devices["three_steps"]["equal"])


def test_threads_that_take_turns_in_a_step_leave_batch_normalization_as_it_was(two_devices):
    assert two_devices["three_steps"]["by_keras"]


def test_no_layer_is_saved_as_synchronized(two_devices):
    assert not any(two_devices["three_steps"]["synchronized"])


def test_what_trains_is_one_line(two_devices):
    assert two_devices["describe"] == "2 x CPU, float32"


def test_devices_are_prepared_twice_alike_and_never_otherwise(two_devices):
    assert two_devices["again"] == 2
    assert two_devices["refused"][0].startswith("--devices: is cpu:3, but tensorflow has started with other")


# --- two workers


def train_as_worker() -> dict[str, Any]:
    """Trains three epochs on this worker's part of every batch."""
    from trainer.backend import keras
    from trainer.devices import prepare_devices

    devices = prepare_devices(TrainConfig(batch=BATCH))
    pairs = draw_pairs(2 * BATCH)
    with devices.scope():
        trainer = build_trainer(optimizer=keras.optimizers.SGD(0.1, momentum=0.9), normalize=True)

    share = BATCH // devices.num_replicas
    part = batches(pairs, share, worker=devices.worker, num_workers=devices.num_workers)
    local = devices.strategy.experimental_local_results if devices.strategy else lambda image: [image]
    read = [local(pair["image"])[0].numpy()[:, 0, 0].tolist() for (pair,) in devices.distribute(part)]
    plateau = keras.callbacks.ReduceLROnPlateau(patience=1)
    data, val = devices.distribute(part), devices.distribute(part)
    logs = trainer.fit(data, validation_data=val, epochs=3, verbose=0, shuffle=False, callbacks=[plateau]).history
    return {
        "describe": devices.describe(),
        "is_chief": devices.is_chief,
        "read": read,
        "logs": logs,
        "confusion": trainer.confusion.matrix().tolist(),
        "weights": [float(np.abs(value).sum(dtype=np.float64)) for value in values(trainer)],
    }


def train_until_alone() -> str:
    """Trains until the other worker is lost, and returns the outcome."""
    from trainer.backend import keras, tf
    from trainer.devices import prepare_devices

    devices = prepare_devices(TrainConfig(batch=BATCH))
    with devices.scope():
        trainer = build_trainer(optimizer=keras.optimizers.SGD())

    class Die(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if not devices.is_chief:
                os.kill(os.getpid(), signal.SIGKILL)

    data = devices.distribute(batches(draw_pairs(BATCH), BATCH // 2))
    try:
        trainer.fit(data, epochs=10_000, verbose=0, shuffle=False, callbacks=[Die()])
    except tf.errors.UnavailableError:
        return "lost"
    return "trained to the end"


def cluster(job: str, index: int, ports: list[int]) -> str:
    workers = [f"localhost:{port}" for port in ports]
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": job, "index": index}})


def two_workers() -> list[dict[str, str]]:
    """Returns the environments of two workers, on ports that are free."""
    with socket.create_server(("localhost", 0)) as one, socket.create_server(("localhost", 0)) as other:
        ports = [one.getsockname()[1], other.getsockname()[1]]
    return [{"TF_CONFIG": cluster("worker", index, ports)} for index in (0, 1)]


@pytest.fixture(scope="module")
def workers() -> Any:
    return run(train_as_worker, *two_workers())


@pytest.fixture(scope="module")
def alone() -> Any:
    return json.loads(json.dumps(train_as_worker()))


@pytest.mark.slow
def test_two_workers_train_what_one_process_trains(workers, alone):
    for worker in workers:
        for name in ("loss", "pixel_accuracy", "val_loss", "val_pixel_accuracy", "learning_rate"):
            np.testing.assert_allclose(worker["logs"][name], alone["logs"][name], rtol=ROUNDING, err_msg=name)
        scale = max(alone["weights"])
        np.testing.assert_allclose(worker["weights"], alone["weights"], rtol=0, atol=ROUNDING * scale)
        assert worker["confusion"] == alone["confusion"]


@pytest.mark.slow
def test_two_workers_agree_to_the_bit(workers):
    assert workers[0]["logs"] == workers[1]["logs"]
    assert workers[0]["weights"] == workers[1]["weights"]


@pytest.mark.slow
def test_workers_read_parts_of_every_batch_that_do_not_overlap(workers, alone):
    for whole, *parts in zip(alone["read"], workers[0]["read"], workers[1]["read"], strict=True):
        assert sorted([*parts[0], *parts[1]]) == sorted(whole)


@pytest.mark.slow
def test_one_worker_is_the_chief_and_each_says_which_it_is(workers, alone):
    assert [worker["is_chief"] for worker in (alone, *workers)] == [True, True, False]
    assert [worker["describe"] for worker in (alone, *workers)] == [
        "CPU, float32",
        "CPU, float32, worker 1 of 2",
        "CPU, float32, worker 2 of 2",
    ]


@pytest.mark.slow
def test_a_lost_worker_ends_the_other():
    (code, stdout, stderr), (other, _, _) = run_together(train_until_alone, *two_workers())
    assert (code, stdout, other) == (0, '"lost"\n', -signal.SIGKILL), stderr


# --- refused options, and the choice of precision


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        cluster("worker", 2, [1, 2]),
        cluster("ps", 0, [1, 2]),
        '{"cluster": {"worker": ["a:1", "b:1"]}}',
    ],
)
def test_a_wrong_tf_config_is_refused_with_an_example(monkeypatch, text):
    from converter.errors import UsageError
    from trainer.devices import prepare_devices

    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UsageError, match=r"this process is none of the workers.*Its format: "):
        prepare_devices(TrainConfig())


def test_the_chief_comes_before_the_workers(monkeypatch):
    from trainer.devices import place_in_cluster

    jobs = {"chief": ["a:1"], "worker": ["b:1", "c:1"], "ps": ["d:1"]}
    for job, index, place in (("chief", 0, 0), ("worker", 0, 1), ("worker", 1, 2)):
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": jobs, "task": {"type": job, "index": index}}))
        assert place_in_cluster() == (place, 3)


def test_a_cluster_of_one_is_no_cluster(monkeypatch):
    from trainer.devices import place_in_cluster

    monkeypatch.setenv("TF_CONFIG", '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 0}}')
    assert place_in_cluster() == (0, 1)


def test_parts_of_the_cpu_are_refused_where_there_are_several_workers(monkeypatch):
    from converter.errors import UsageError
    from trainer.devices import prepare_devices

    monkeypatch.setenv("TF_CONFIG", cluster("worker", 0, [1, 2]))
    with pytest.raises(UsageError, match="is cpu:2, but TF_CONFIG names 2 workers"):
        prepare_devices(TrainConfig(devices="cpu:2"))


def test_more_gpus_than_there_are_is_refused():
    from converter.errors import UsageError
    from trainer.devices import prepare_devices

    with pytest.raises(UsageError, match=r"--devices: is 99, but [0-9]+ GPUs were found"):
        prepare_devices(TrainConfig(devices="99"))


def test_a_batch_that_cannot_be_shared_evenly_is_refused_with_the_next_larger_one(two_devices):
    words = "--batch: is 7, which 2 devices cannot share evenly. Pass --batch 8, or fewer --devices."
    assert two_devices["refused"][1] == words


@pytest.mark.parametrize(
    ("asked", "capabilities", "precision"),
    [
        ("auto", [], "float32"),
        ("auto", [(6, 1)], "float32"),
        ("auto", [(7, 0)], "float16"),
        ("auto", [(7, 5), (9, 0)], "float16"),
        ("auto", [(8, 0)], "bfloat16"),
        ("auto", [(12, 0), (9, 0)], "bfloat16"),
        ("float32", [(9, 0)], "float32"),
        ("bfloat16", [], "bfloat16"),
    ],
)
def test_precision_is_what_the_weakest_gpu_is_fast_at(asked, capabilities, precision):
    from trainer.devices import choose_precision

    assert choose_precision(asked, capabilities) == precision


@pytest.mark.parametrize(
    ("precision", "compute", "weights"),
    [("auto", "float32", "float32"), ("bfloat16", "bfloat16", "float32"), ("float16", "float16", "float32")],
)
def test_layers_compute_in_the_precision_asked_for_and_keep_float32_weights(precision, compute, weights):
    from trainer.backend import keras
    from trainer.devices import prepare_devices

    try:
        prepare_devices(TrainConfig(precision=precision))
        policy = keras.layers.Dense(1).dtype_policy
        assert (policy.compute_dtype, policy.variable_dtype) == (compute, weights)
    finally:
        keras.config.set_dtype_policy("float32")


def test_one_device_needs_no_strategy_and_the_seed_is_set():
    from trainer.backend import keras, tf
    from trainer.devices import prepare_devices

    drawn = []
    for seed in (4, 4, 5):
        devices = prepare_devices(TrainConfig(devices="auto", seed=seed))
        drawn.append(keras.ops.convert_to_numpy(keras.random.normal((3,))).tolist())
    assert drawn[0] == drawn[1] != drawn[2]
    with devices.scope():
        assert not tf.distribute.has_strategy()
    assert devices.num_replicas == 1


def test_out_of_memory_is_told_from_a_full_disk():
    from trainer.backend import tf
    from trainer.devices import is_out_of_memory

    words = "OOM when allocating tensor with shape[1000000,10000000] and type float on CPU:0 by allocator cpu"
    assert is_out_of_memory(tf.errors.ResourceExhaustedError(None, None, words))
    assert is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes."))
    assert is_out_of_memory(RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB."))
    assert not is_out_of_memory(tf.errors.ResourceExhaustedError(None, None, "x.tfrecord; No space left on device"))
