"""Bench: names the part that was made slow, times what training runs, and writes nothing."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from trainer_fixtures import GREEDY, NEEDS_TF, write_records

from converter.cli import segconv as group
from converter.errors import MachineError, UsageError
from trainer.config import TrainConfig

pytestmark = NEEDS_TF

# Custom models: a net that does next to nothing, and one that adds many multiplications.
NETS = """
import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("nets")
class Busy(keras.layers.Layer):
    def call(self, x):
        square = tf.fill((700, 700), tf.reduce_mean(x))
        for _ in range(4):
            square = tf.tanh(square @ square)
        return x + 1e-9 * tf.reduce_mean(square)


def build(layer, size, num_classes):
    image = keras.Input((*size, 3))
    x = keras.layers.Rescaling(1 / 255)(image)
    x = x if layer is None else layer()(x)
    return keras.Model(image, keras.layers.Conv2D(num_classes, 1)(x))


def idle(size, num_classes):
    return build(None, size, num_classes)


def busy(size, num_classes):
    return build(Busy, size, num_classes)
"""


def measured(pipeline: float, step: float, *, cached: float | None = None, **changes: Any) -> Any:
    """Returns a Bench of parts with these images/s; the input keeps one core busy."""
    from trainer.bench import Bench, Rate

    result = Bench(
        data=Path("records"),
        name="streets",
        records=367,
        size=(360, 480),
        batch=8,
        model="unet_small",
        devices="CPU, float32",
        precision="float32",
        on_cpu=True,
        cores=4,
        pipeline=Rate(pipeline, 1000 / pipeline),
        cached=cached and Rate(cached, 1000 / cached),
        step=Rate(step, 40),
    )
    return dataclasses.replace(result, **changes)


GPU = {"on_cpu": False, "devices": "NVIDIA H100, bfloat16", "precision": "bfloat16"}


def test_the_slower_part_limits():
    assert measured(100, 99).limit == "step"
    assert measured(99, 100).limit == "pipeline"
    assert "The step is the bottleneck: the input is 4.0 times as fast" in measured(400, 100).to_text()
    text = measured(25, 1000).to_text()
    assert "The input is the bottleneck when every record is decoded: the step is 40 times as fast." in text


def test_on_the_cpu_both_parts_take_their_time_and_on_a_gpu_the_slower_one_alone():
    # Four cores decode an image in 10 ms / 4, and the step takes 10 ms more.
    assert measured(100, 100).train_images_per_s == pytest.approx(1 / (0.0025 + 0.010))
    assert measured(100, 400, **GPU).train_images_per_s == 100
    assert measured(400, 100, **GPU).train_images_per_s == 100
    assert "without a GPU both share the cores, and the input takes 20.0 % of the time" in measured(100, 100).to_text()
    assert "without a GPU" not in measured(100, 100, **GPU).to_text()


def test_records_that_fit_in_memory_are_counted_as_training_reads_them():
    assert measured(100, 400, cached=5000, **GPU).train_images_per_s == 400
    assert measured(100, 100, cached=2000).train_images_per_s == pytest.approx(1 / (0.0005 / 4 + 0.010))


def test_cores_to_feed_the_step_are_those_that_decode_at_its_pace():
    assert measured(50, 400).cores_to_feed == pytest.approx(8)  # 20 ms of CPU, 400 times a second


SITUATIONS = {
    "step, cpu": ((400, 100), {}),
    "step, heavy": ((400, 100), {"model": "resnet50_segnet"}),
    "step, of one's own": ((400, 100), {"model": "mine:net"}),
    "step, gpu": ((400, 100), GPU),
    "step, gpu in 32 bits": ((400, 100), GPU | {"precision": "float32"}),
    "input, fits": ((50, 400), GPU | {"cached": 5000}),
    "input, too slow from memory": ((50, 400), GPU | {"cached": 200}),
    "input, few cores": ((50, 400), GPU),
    "input, cores enough": ((50, 400), GPU | {"cores": 64}),
}


@pytest.mark.parametrize(
    ("situation", "named", "unnamed"),
    [
        ("step, cpu", ("The input needs no change: it is 4.0 times", "GPU", "--size 180x240"), ("--batch", "--model")),
        ("step, heavy", ("--model unet_small",), ("--cache",)),
        ("step, of one's own", (), ("--model",)),
        ("step, gpu", ("larger --batch",), ("--precision", "Train on a GPU")),
        ("step, gpu in 32 bits", ("--precision auto",), ()),
        ("input, fits", ("Nothing has to change", "(--cache auto)", "12 times"), ("--size",)),
        ("input, too slow from memory", ("--size 180x240", "Even from memory"), ("Nothing has to change",)),
        ("input, few cores", ("--cache on", "--size", "more cores: decoding at the step's speed takes 8.0"), ("GPU",)),
        ("input, cores enough", ("--cache on", "local disk"), ("more cores",)),
    ],
)
def test_the_advice_fits_what_was_measured(situation, named, unnamed):
    rates, changes = SITUATIONS[situation]
    advice = " ".join(measured(*rates, **changes).advice)
    assert all(words in advice for words in named)
    assert not any(words in advice for words in unnamed)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_advice_names_options_that_exist(situation):
    rates, changes = SITUATIONS[situation]
    for advice in measured(*rates, **changes).advice:
        command = re.search(r"segconv (\w+)", advice)
        known = {option for part in group.commands[command[1] if command else "train"].params for option in part.opts}
        assert set(re.findall(r"--[a-z-]+", advice)) <= known


def test_the_table_has_a_row_for_each_part_and_no_figure_where_there_is_none():
    lines = measured(2048.26, 24.8).to_text().splitlines()
    assert lines[0] == "streets: 367 records of 360x480, 8 per step; unet_small, CPU, float32"
    assert [line.split() for line in lines[2:6]] == [
        ["each", "part", "separately", "images/s", "CPU", "ms/image"],
        ["input,", "decoded", "2,048.3", "0.49"],
        ["input,", "from", "memory", "n/a", "n/a"],
        ["training", "step", "24.8", "40.00"],
    ]
    assert lines[-1].startswith("- ")
    # 367 images: 0.49 ms on 4 cores and 40.3 ms of the step each.
    assert "Without validation, an epoch takes about 15 s and all 50 about 12 min." in lines


def windows_of(durations: list[float], *, seconds: float = 10.0, batch: int = 2) -> tuple[Any, int, list[int]]:
    """Returns the windows of batches of these durations, how many batches were requested, and when it waited."""
    from trainer.bench import Windows

    now = 0.0
    windows = Windows(batch, seconds, clock=lambda: now, cpu_clock=lambda: now / 2)
    waits: list[int] = []
    for number, duration in enumerate(durations):
        now += duration
        if windows.count(lambda number=number: waits.append(number)):
            return windows, number + 1, waits
    raise AssertionError("more batches were asked for than there are")


def test_a_rate_is_the_median_so_that_one_disturbed_window_changes_nothing():
    calm, count, _ = windows_of([0.1] * 1000)
    assert calm.rate().images_per_s == pytest.approx(20)  # 2 records in 0.1 s
    assert calm.rate().cpu_ms_per_image == pytest.approx(25)
    disturbed = [0.1] * 1000
    disturbed[count // 2] = 3.0
    assert windows_of(disturbed)[0].rate().images_per_s == pytest.approx(20)


def test_neither_compiling_nor_warming_up_is_counted():
    warm = [0.1] * 1000
    warm[0] = 60.0  # the step is compiled
    warm[1:5] = [0.4] * 4  # threads start
    windows, count, _ = windows_of(warm)
    assert windows.rate().images_per_s == pytest.approx(20)
    assert sum(warm[1:count]) == pytest.approx(12, abs=2)  # the seconds, and a warm-up a fifth as long


def test_the_device_is_waited_for_at_the_end_of_a_window_alone():
    _, count, waits = windows_of([0.1] * 1000)
    assert waits[-1] == count - 1
    assert len(waits) < count / 4


def test_slow_batches_are_windows_of_their_own_and_three_of_them_do():
    windows, count, waits = windows_of([30.0] * 10)
    assert (count, len(waits)) == (5, 5)  # one that compiles, one that warms up, three
    assert windows.rate().images_per_s == pytest.approx(2 / 30)


def test_batches_that_lie_ready_make_no_long_window_of_the_slow_ones_behind_them():
    _, count, _ = windows_of([1e-4] * 6 + [1.0] * 100)
    assert count < 30


def folder_state(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_bench_prints_rates_a_verdict_and_writes_nothing(tmp_path, segconv: Run):
    write_records(tmp_path / "records", records={"train": [5], "val": [2]})
    before = folder_state(tmp_path)
    done = segconv("bench", "--model", "unet_small", "--batch", "2", "--seconds", "1", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    parts = [result.pop(name) for name in ("pipeline", "cached", "step")]
    assert all(part.keys() == {"images_per_s", "cpu_ms_per_image"} and min(part.values()) > 0 for part in parts)
    assert result.pop("limit") in ("pipeline", "step")
    assert result.pop("advice")
    assert min(result.pop("cores_to_feed"), result.pop("train_images_per_s"), result.pop("cores")) > 0
    assert result.pop("seconds_per_epoch") > 0
    assert result == {
        "data": "records",
        "records": 5,
        "size": [32, 32],
        "batch": 2,
        "model": "unet_small",
        "devices": "CPU, float32",
        "on_cpu": True,
        "uses_xla": False,
        "other_step": None,
    }
    assert folder_state(tmp_path) == before


@pytest.mark.slow
def test_bench_times_the_step_with_and_without_xla(tmp_path, segconv: Run):
    write_records(tmp_path / "records", records={"train": [2], "val": [2]})
    done = segconv("bench", "--model", "unet_small", "--batch", "2", "--seconds", "1", "--xla")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^training step +[\d,.]+ +[\d,.]+$", done.stdout, re.MULTILINE)
    assert re.search(r"^the same with XLA +[\d,.]+ +[\d,.]+$", done.stdout, re.MULTILINE)


@pytest.mark.slow
def test_a_missing_folder_is_one_line(segconv: Run):
    quiet = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}  # as a user has it
    done = segconv("bench", "nowhere", env=quiet)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"Error: nowhere: holds no manifest\.json\. .*\n", done.stderr)


def test_a_missing_tensorflow_is_one_line():
    code = "import sys; sys.modules['tensorflow'] = None; from converter.cli import main; main()"
    command = [sys.executable, "-c", code, "bench"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"Error: segconv: TensorFlow is not installed \(.*Install it: .*\n", done.stderr)


def test_fewer_records_than_a_batch_are_one_batch_as_in_train(tmp_path, monkeypatch):
    from trainer.bench import bench

    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [3], "val": [1]})
    result = bench(TrainConfig(model="nets:idle", batch=8), seconds=0.1)
    assert (result.batch, result.records) == (3, 3)


def test_a_busy_step_is_what_limits(tmp_path, monkeypatch):
    from trainer.bench import bench

    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [8], "val": [1]})
    busy = bench(TrainConfig(model="nets:busy", batch=2), seconds=0.3)
    assert busy.limit == "step"
    assert busy.advice[0].startswith("The input needs no change")


@pytest.mark.slow
def test_a_busy_decoder_is_what_limits_unless_the_records_fit_in_memory(tmp_path, monkeypatch):
    from trainer.backend import tf
    from trainer.bench import bench
    from trainer.input import caching, reading

    decoder = reading.decoder

    def busy_decoder(*arguments: Any, has_masks: bool = True) -> Any:
        decode = decoder(*arguments)  # masks as well

        def slow(record: Any) -> Any:
            (pair,) = decode(record)
            square = tf.fill((1200, 1200), tf.reduce_mean(tf.cast(pair["image"], tf.float32)))
            for _ in range(8):
                square = tf.tanh(square @ square)
            return ({**pair, "mask": pair["mask"] + tf.cast(tf.reduce_mean(square) < -1, tf.uint8)},)

        return slow

    monkeypatch.setattr(reading, "decoder", busy_decoder)
    (tmp_path / "nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [8], "val": [1]})
    config = TrainConfig(model="nets:idle", batch=2)
    fits = bench(config, seconds=0.3)
    assert fits.limit == "pipeline"
    assert fits.cached.images_per_s > 5 * fits.pipeline.images_per_s
    monkeypatch.setattr(caching, "free_memory", lambda: 40_000)  # of which half is less than 8 x 32 x 32 x 4
    too_large = bench(config, seconds=0.3)
    assert (too_large.limit, too_large.cached) == ("pipeline", None)
    assert any("--cache on" in advice for advice in too_large.advice)


@pytest.mark.parametrize(
    ("module", "asked", "error", "message"),
    [
        pytest.param(
            *("greedy", "2**42", MachineError, r"^--batch: the device is out of memory with batches of 2\."),
            marks=pytest.mark.slow,
        ),
        ("failing", "-1", UsageError, r"^--model failing:net: fails in a step"),
    ],
)
def test_a_step_that_fails_is_one_line(tmp_path, monkeypatch, module, asked, error, message):
    from trainer.bench import bench

    (tmp_path / f"{module}.py").write_text(GREEDY.replace("2**42", asked))
    monkeypatch.chdir(tmp_path)
    write_records(tmp_path / "records", records={"train": [2], "val": [2]})
    with pytest.raises(error, match=message):
        bench(TrainConfig(model=f"{module}:net", batch=2), seconds=0.1)


def test_a_worker_among_several_is_refused(monkeypatch):
    from trainer.bench import bench

    place = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(place))
    with pytest.raises(UsageError, match=r"TF_CONFIG: names several workers.*Unset it"):
        bench(TrainConfig())
