"""Bench: how fast a training run's input and step are, which is the bottleneck, and what to change.

From a TrainConfig to a Bench; nothing is written. What is timed is what `segconv train` runs, each part separately:
reading the batches of `TrainingSetup.train_batches`, and `fit` of the compiled step on one batch in memory.

A part is timed in short windows, and the result is their median. Other work on the machine slows some windows down and
not the rest; a mean would include it. CPU time is shown as well, since it changes least when the processors are shared.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.errors import UsageError
from converter.system.console import log, table
from converter.system.cpus import usable_cpus
from trainer.backend import Tensor, keras, tf, untuned
from trainer.config import TrainConfig
from trainer.devices import place_in_cluster
from trainer.failures import step_errors
from trainer.input.batches import Batches
from trainer.input.failures import input_errors
from trainer.models import MODELS
from trainer.run.pace import whole_run
from trainer.setup import TrainingSetup, prepare

EPOCHS = 10**6  # more than are ever timed
WINDOWS = 10  # windows in the time of a part
FEWEST_WINDOWS = 3  # where a batch takes long: the fewest whose median one disturbed window cannot change
WARM_UP = 0.2  # fraction of the time: threads start, and TensorFlow tunes how many of them decode
GROWTH = 4  # maximum growth of a window in batches: the first are prefetched, and say little about the next
LIGHT_MODEL = "unet_small"


@dataclass(frozen=True)
class Rate:
    """How fast one part is when it runs alone.

    Attributes:
      images_per_s: images per second of wall-clock time.
      cpu_ms_per_image: CPU time in ms, user and system, of all threads of this process.
    """

    images_per_s: float
    cpu_ms_per_image: float


@dataclass(frozen=True)
class Bench:
    """What was measured, and the advice that follows from it.

    Attributes:
      data: folder of records.
      name: name of the dataset.
      records: number of training records.
      size: (height, width) of each.
      batch: records per step.
      model: name of the model.
      devices: devices and precision, as in the log.
      precision: the data type that layers compute in.
      on_cpu: whether the step runs on the same cores that decode the records.
      cores: CPU cores that this process may use.
      pipeline: the input, decoded from the shards.
      cached: the input, from decoded records in memory; None where they do not fit.
      step: the training step.
      uses_xla: whether XLA compiles it, as Keras decides.
      other_step: the training step with XLA the other way; None where that was not timed.
      epochs: maximum number of epochs of a run.
    """

    data: Path
    name: str
    records: int
    size: tuple[int, int]
    batch: int
    model: str
    devices: str
    precision: str
    on_cpu: bool
    cores: int
    pipeline: Rate
    cached: Rate | None
    step: Rate
    uses_xla: bool = False
    other_step: Rate | None = None
    epochs: int = TrainConfig.epochs

    @property
    def seconds_per_epoch(self) -> float:
        """How long `segconv train --cache auto` should take for an epoch, without validation."""
        return self.records / self.train_images_per_s

    @property
    def limit(self) -> str:
        """The bottleneck: "pipeline" (decoded from the shards) or "step"."""
        return "pipeline" if self.pipeline.images_per_s < self.step.images_per_s else "step"

    @property
    def cores_to_feed(self) -> float:
        """How many cores it takes to decode as fast as the step consumes images."""
        return self.pipeline.cpu_ms_per_image / 1000 * self.step.images_per_s

    @property
    def train_images_per_s(self) -> float:
        """What `segconv train --cache auto` should reach: the slower part; on shared cores, both in sequence."""
        fed = self.cached or self.pipeline
        if not self.on_cpu:
            return min(fed.images_per_s, self.step.images_per_s)
        return 1 / (fed.cpu_ms_per_image / 1000 / self.cores + 1 / self.step.images_per_s)

    @property
    def advice(self) -> list[str]:
        """What to change, one or two sentences each, the most useful first."""
        return _to_feed_faster(self) if self.limit == "pipeline" else _to_step_faster(self)

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `--json` prints."""
        return {
            "data": str(self.data),
            "records": self.records,
            "size": list(self.size),
            "batch": self.batch,
            "model": self.model,
            "devices": self.devices,
            "on_cpu": self.on_cpu,
            "cores": self.cores,
            "pipeline": dataclasses.asdict(self.pipeline),
            "cached": self.cached and dataclasses.asdict(self.cached),
            "step": dataclasses.asdict(self.step),
            "uses_xla": self.uses_xla,
            "other_step": self.other_step and dataclasses.asdict(self.other_step),
            "cores_to_feed": self.cores_to_feed,
            "train_images_per_s": self.train_images_per_s,
            "seconds_per_epoch": self.seconds_per_epoch,
            "limit": self.limit,
            "advice": self.advice,
        }

    def to_text(self) -> str:
        """Returns the figures as a table, followed by the verdict and the advice."""
        parts = {"input, decoded": self.pipeline, "input, from memory": self.cached, "training step": self.step}
        if self.other_step:
            parts |= {f"the same {'without' if self.uses_xla else 'with'} XLA": self.other_step}
        rows: list[tuple[str, ...]] = [("each part separately", "images/s", "CPU ms/image")]
        for name, rate in parts.items():
            figures = (f"{rate.images_per_s:,.1f}", f"{rate.cpu_ms_per_image:,.2f}") if rate else ("n/a", "n/a")
            rows.append((name, *figures))
        size = "x".join(map(str, self.size))
        what = f"{self.name}: {self.records} records of {size}, {self.batch} per step; {self.model}, {self.devices}"
        return "\n".join([what, "", table(rows), "", *self._verdict(), *(f"- {advice}" for advice in self.advice)])

    def _verdict(self) -> list[str]:
        """Returns the bottleneck, and the speed of both parts together."""
        ratio = self.pipeline.images_per_s / self.step.images_per_s
        if self.limit == "step":
            verdict = (
                f"The step is the bottleneck: the input is {_times(ratio)} as fast, even when every record is decoded."
            )
        else:
            verdict = (
                f"The input is the bottleneck when every record is decoded: the step is {_times(1 / ratio)} as fast."
            )
        feed = f"Decoding at the speed of the step keeps {self.cores_to_feed:.2f} of {self.cores} cores busy."
        together = f"segconv train should reach about {self.train_images_per_s:,.1f} images/s"
        if self.on_cpu:
            share = 1 - self.train_images_per_s / self.step.images_per_s
            together += f": without a GPU both share the cores, and the input takes {100 * share:.1f} % of the time."
        else:
            together += ": the GPU computes while the cores decode."
        whole = f"Without validation, {whole_run(self.seconds_per_epoch, self.epochs)}."
        return [verdict, feed, together, whole]


class Windows:
    """Times batches as they pass, in windows of about equal length.

    Neither the first batch, in which everything is compiled, nor the warm-up after it counts.

    Args:
      batch: records in a batch.
      seconds: approximate time to measure; longer where a batch takes long.
      clock: returns the time in seconds.
      cpu_clock: returns the CPU time of this process in seconds.
    """

    def __init__(
        self,
        batch: int,
        seconds: float,
        *,
        clock: Callable[[], float] = time.perf_counter,
        cpu_clock: Callable[[], float] = time.process_time,
    ) -> None:
        self._batch = batch
        self._seconds = seconds
        self._clocks = clock, cpu_clock
        self._steps = 0  # of this window so far
        self._length = 1  # of this window in steps
        self._first = 0.0  # when the first batch was done
        self._start: tuple[float, float] | None = None  # of this window, by both clocks
        self._rates: list[Rate] = []

    def count(self, wait: Callable[[], object] = lambda: None) -> bool:
        """Counts one batch, and returns whether enough have been timed.

        Args:
          wait: returns when the device has finished the batch. Called only at the end of a window: after each batch
            it would keep the device from starting the next.
        """
        self._steps += 1
        if self._steps < self._length:
            return False
        wait()
        now = self._clocks[0](), self._clocks[1]()
        if self._start is None:
            self._first = now[0]
        else:
            took, cpu = now[0] - self._start[0], now[1] - self._start[1]
            if self._start[0] - self._first >= WARM_UP * self._seconds:
                images = self._steps * self._batch
                self._rates.append(Rate(images / took, 1000 * cpu / images))
            fitting = round(self._steps * self._seconds / WINDOWS / took)
            self._length = max(1, min(fitting, GROWTH * self._steps))
        self._start, self._steps = now, 0
        return len(self._rates) >= FEWEST_WINDOWS and now[0] - self._first >= (1 + WARM_UP) * self._seconds

    def rate(self) -> Rate:
        """Returns the median over the windows, of each figure."""
        return Rate(
            statistics.median(rate.images_per_s for rate in self._rates),
            statistics.median(rate.cpu_ms_per_image for rate in self._rates),
        )


class _TimeSteps(keras.callbacks.Callback):
    """Times the steps of a fit, and ends it when enough have been timed."""

    def __init__(self, windows: Windows) -> None:
        super().__init__()
        self._windows = windows

    def on_train_batch_end(self, batch: int, logs: dict[str, Any]) -> None:
        """Counts one step."""
        if self._windows.count(lambda: float(logs["loss"])):
            self.model.stop_training = True


@input_errors()
def bench(config: TrainConfig, *, seconds: float = 5, xla: bool = False) -> Bench:
    """Times the input and the step of a training run, each separately.

    Args:
      config: all options; `cache` is ignored, since both ways are timed.
      seconds: approximate time to measure each part.
      xla: times the step with and without XLA, as is always done on a GPU.

    Raises:
      UsageError, DataError, MachineError: as `setup.prepare`; also UsageError for one of several workers, and
        MachineError where a step needs too much memory.
    """
    if place_in_cluster() != (0, 1):
        raise UsageError(
            "TF_CONFIG", "names several workers, but bench times one machine", "Unset it for this command."
        )
    epochs = config.epochs
    setup = prepare(dataclasses.replace(config, epochs=EPOCHS))
    decoded = _input(setup, "off")
    pipeline = _time_input(decoded, "decoded", seconds)
    in_memory = _input(setup, "auto")
    cached = _time_input(in_memory, "from memory", seconds) if in_memory.cached else None
    del in_memory  # frees its memory for the model
    batch = next(iter(decoded.dataset))
    step = _time_step(setup, batch, seconds)
    trainer, config = setup.trainer, setup.config
    uses_xla = bool(trainer.jit_compile)
    on_cpu = {name.lower() for name in setup.devices.names} == {"cpu"}
    other = None
    if xla or not on_cpu:
        with setup.devices.scope():
            trainer.compile(trainer.optimizer, jit_compile=not uses_xla)
        other = _time_step(setup, batch, seconds)
    return Bench(
        data=config.data,
        name=setup.manifest.name,
        records=setup.num_train,
        size=setup.size,
        batch=config.batch,
        model=config.model,
        devices=setup.devices.describe(),
        precision=setup.devices.precision,
        on_cpu=on_cpu,
        cores=usable_cpus(),
        pipeline=pipeline,
        cached=cached,
        step=step,
        uses_xla=uses_xla,
        other_step=other,
        epochs=epochs,
    )


def _input(setup: TrainingSetup, cache: str) -> Batches:
    return dataclasses.replace(setup, config=dataclasses.replace(setup.config, cache=cache)).train_batches(0)


def _time_input(batches: Batches, kind: str, seconds: float) -> Rate:
    """Returns how fast the batches can be read."""
    log.info("Timing the input, %s, for about %g s ...", kind, seconds)
    windows = Windows(batches.batch, seconds)
    ends = batches.dataset.map(lambda _: 0)  # in C++: no pixel is copied to Python
    for _ in ends:
        if windows.count():
            break
    return windows.rate()


def _time_step(setup: TrainingSetup, batch: tuple[dict[str, Tensor]], seconds: float) -> Rate:
    """Returns how fast the compiled step is on one batch, over and over; raises as `step_errors`."""
    log.info("Timing the training step for about %g s, once it is compiled ...", seconds)
    windows = Windows(setup.config.batch, seconds)
    with step_errors(setup):
        setup.trainer.fit(
            setup.devices.distribute(untuned(tf.data.Dataset.from_tensors(batch).repeat())),
            callbacks=[_TimeSteps(windows)],
            verbose=0,
            shuffle=False,
        )
    return windows.rate()


def _to_feed_faster(bench: Bench) -> list[str]:
    """Returns what helps where the input is the slower part."""
    if bench.cached and bench.cached.images_per_s >= bench.step.images_per_s:
        ratio = bench.cached.images_per_s / bench.step.images_per_s
        cached = "Nothing has to change: segconv train keeps the decoded records in memory (--cache auto)"
        return [f"{cached}, where the input is {_times(ratio)} as fast as the step."]
    smaller = f"Build smaller records, e.g. segconv build --size {bench.size[0] // 2}x{bench.size[1] // 2}."
    if bench.cached:
        return [f"{smaller} Even from memory they are read more slowly than the step consumes them."]
    advice = [
        "The decoded records do not fit into half of the free memory. If they fit into all of it, segconv train "
        "--cache on keeps them there.",
        smaller,
    ]
    if bench.cores_to_feed > bench.cores:
        advice.append(f"Give the process more cores: decoding at the step's speed takes {bench.cores_to_feed:.1f}.")
    advice.append(
        "Put the records on a local disk. If that is slow, too, segconv build --image-format jpeg:90 reduces the "
        "bytes to read."
    )
    return advice


def _to_step_faster(bench: Bench) -> list[str]:
    """Returns what helps where the step is the slower part."""
    ratio = bench.pipeline.images_per_s / bench.step.images_per_s
    advice = [f"The input needs no change: it is {_times(ratio)} as fast as the step."]
    if bench.on_cpu:
        advice.append("Train on a GPU: it takes the step off the CPU cores.")
    else:
        if bench.precision == "float32":
            advice.append("Pass --precision auto: it computes in 16 bits where the GPU is fast at it.")
        advice.append("Pass a larger --batch, as memory allows: segconv train --dry-run estimates it.")
    if bench.model in MODELS and not MODELS[bench.model].is_light:
        advice.append(f"Use a lighter model: --model {LIGHT_MODEL}.")
    smaller = f"{bench.size[0] // 2}x{bench.size[1] // 2}"
    advice.append(f"Build smaller records: segconv build --size {smaller} leaves a quarter of the pixels.")
    return advice


def _times(ratio: float) -> str:
    return f"{ratio:.0f} times" if ratio >= 10 else f"{ratio:.1f} times"
