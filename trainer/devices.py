"""Devices: which devices train, and in which precision.

From a TrainConfig to Devices, before the first tensor is created: TensorFlow fixes its devices then. All variables of
a run are created in `Devices.scope()`.

Several machines train together where the environment variable TF_CONFIG of each lists them all (see TensorFlow's
documentation):

    {"cluster": {"worker": ["ada:2222", "bob:2222"]}, "task": {"type": "worker", "index": 0}}
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import os
import re
from dataclasses import dataclass
from typing import Any, NamedTuple

from converter.dataset.pieces import Part
from converter.errors import MachineError, UsageError
from converter.system.console import log
from trainer.backend import keras, tf
from trainer.config import TrainConfig

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
OUT_OF_MEMORY = re.compile("OOM when allocating|out of memory|failed to allocate|ALLOC_FAILED", re.IGNORECASE)


class Share(NamedTuple):
    """Which records of each batch this process reads.

    Attributes:
      worker: index of this process among those that train together, from 0.
      num_workers: processes that train together; each reads every num_workers-th record of a batch.
      num_replicas: devices that share a batch, over all workers.
      has_own_shards: whether it keeps to its own part of the shards instead of reading every num_workers-th record.
    """

    worker: int = 0
    num_workers: int = 1
    num_replicas: int = 1
    has_own_shards: bool = False

    @property
    def part(self) -> Part:
        """The part of the shards that this process reads."""
        return Part(self.worker, self.num_workers) if self.has_own_shards else Part()


@dataclass(frozen=True)
class Devices:
    """The devices of one run, ready for use.

    Attributes:
      names: name of each local device, such as "NVIDIA H100"; several of one kind have one name.
      precision: the data type that layers compute in: one of POLICIES. Weights are always float32.
      num_replicas: devices that share a batch, over all workers; each takes 1 / num_replicas of it.
      worker: index of this process among those that train together; 0 is the chief, which writes the run folder.
      num_workers: processes that train together.
      strategy: TensorFlow's distribution strategy, or None where it has one device.
      has_own_shards: whether each process keeps to its own part of the shards.
    """

    names: tuple[str, ...]
    precision: str
    num_replicas: int = 1
    worker: int = 0
    num_workers: int = 1
    strategy: Any = None
    has_own_shards: bool = False

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run folder: true for exactly one worker."""
        return self.worker == 0

    @property
    def share(self) -> Share:
        """The part of each batch that this process reads."""
        return Share(self.worker, self.num_workers, self.num_replicas, self.has_own_shards)

    def scope(self) -> contextlib.AbstractContextManager[object]:
        """Returns the context in which every variable has to be created: model, metrics, seeds and optimizer."""
        return contextlib.nullcontext() if self.strategy is None else self.strategy.scope()

    def distribute(self, batches: tf.data.Dataset) -> Any:
        """Returns what fit and evaluate read.

        Args:
          batches: from `trainer.input.batches`, made for `share`.
        """
        if self.num_workers == 1:
            return batches
        return self.strategy.distribute_datasets_from_function(lambda context: batches)

    def describe(self) -> str:
        """Returns the devices and the precision for a log line: "2 x NVIDIA H100, bfloat16"."""
        kinds = ", ".join(
            f"{self.names.count(name)} x {name}" if self.names.count(name) > 1 else name
            for name in dict.fromkeys(self.names)
        )
        workers = f", worker {self.worker + 1} of {self.num_workers}" if self.num_workers > 1 else ""
        return f"{kinds}, {self.precision}{workers}"


def prepare_devices(config: TrainConfig) -> Devices:
    """Sets up the devices, the precision and the seed of a run. Has to run before any other computation.

    Returns:
      The devices. Keras' dtype policy is set, and its random seed.

    Raises:
      UsageError: there are fewer devices than asked for, they cannot share the batch evenly, TF_CONFIG is wrong, or
        the backend of Keras does not support the option.
    """
    prepare = {"tensorflow": _prepare_tensorflow, "jax": _prepare_jax}.get(keras.config.backend(), _prepare_torch)
    if keras.config.backend() != "tensorflow":
        _refuse_tensorflow_only_options(config)
    keras.utils.set_random_seed(config.seed)
    devices = dataclasses.replace(prepare(config), has_own_shards=config.shuffle == "shards")
    keras.config.set_dtype_policy(POLICIES[devices.precision])
    if config.batch % devices.num_replicas:
        what = f"is {config.batch}, which {devices.num_replicas} devices cannot share evenly"
        fix = f"Pass --batch {-(-config.batch // devices.num_replicas) * devices.num_replicas}, or fewer --devices."
        raise UsageError("--batch", what, fix)
    return devices


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device has run out of memory, judged by the message of any backend.

    TensorFlow's ResourceExhaustedError alone is not enough: a full disk and too many open files raise it, too.
    """
    return OUT_OF_MEMORY.search(str(error)) is not None


def out_of_memory(where: object, batch: int) -> MachineError:
    """Returns the error of a device with too little memory for batches of this size."""
    what = f"the device is out of memory with batches of {batch}"
    fix = "Pass a smaller --batch, or --model unet_small, or build smaller records."
    return MachineError(where, what, fix, "E_MEMORY")


def choose_precision(asked: str, capabilities: list[tuple[int, ...]]) -> str:
    """Returns one of POLICIES.

    Args:
      asked: one of PRECISION_NAMES.
      capabilities: CUDA compute capability of each GPU; empty where there is none, or none by NVIDIA.

    Source: tensor cores support float16 since 7.0 (Volta) and bfloat16, which needs no scaling of the loss, since 8.0
    (Ampere); CUDA C++ Programming Guide, "Compute Capabilities".
    """
    if asked != "auto":
        return asked
    if not capabilities or min(capabilities) < (7, 0):
        return "float32"
    return "bfloat16" if min(capabilities) >= (8, 0) else "float16"


def _prepare_tensorflow(config: TrainConfig) -> Devices:
    if config.deterministic:
        tf.config.experimental.enable_op_determinism()
    worker, num_workers = place_in_cluster()
    parts = _cpu_parts(config.devices)
    if parts and num_workers > 1:
        what = f"is {config.devices}, but TF_CONFIG names {num_workers} workers"
        raise UsageError("--devices", what, "Pass --devices auto: each worker then uses all of its devices.")
    gpus = [] if parts else _first(config.devices, tf.config.list_physical_devices("GPU"))
    try:
        tf.config.set_visible_devices(gpus, "GPU")
        for gpu in gpus:
            # Otherwise it reserves all memory, and other processes get none.
            tf.config.experimental.set_memory_growth(gpu, True)
        if parts:
            cpu = tf.config.list_physical_devices("CPU")[0]
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * parts)
    except RuntimeError:
        raise _started_already(config.devices) from None
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    strategy = None
    if num_workers > 1:
        log.info("Worker %d of %d waits for the others in TF_CONFIG.", worker + 1, num_workers)
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    elif max(len(gpus), parts) > 1:
        logical = tf.config.list_logical_devices("CPU" if parts else "GPU")
        strategy = tf.distribute.MirroredStrategy([device.name for device in logical])
    capabilities = [detail["compute_capability"] for detail in details if "compute_capability" in detail]
    return Devices(
        names=tuple(detail.get("device_name", "GPU") for detail in details) or ("CPU",) * max(parts, 1),
        precision=choose_precision(config.precision, capabilities),
        num_replicas=1 if strategy is None else strategy.num_replicas_in_sync,
        worker=worker,
        num_workers=num_workers,
        strategy=strategy,
    )


def _prepare_jax(config: TrainConfig) -> Devices:
    """JAX needs no strategy: it compiles the step for the whole batch, and shards it itself."""
    jax: Any = importlib.import_module("jax")
    parts = _cpu_parts(config.devices)
    if parts:
        try:
            jax.config.update("jax_num_cpu_devices", parts)
        except RuntimeError:
            raise _started_already(config.devices) from None
    gpus = [] if parts else _first(config.devices, [device for device in jax.devices() if device.platform == "gpu"])
    devices = gpus or jax.devices("cpu")[: max(parts, 1)]
    names = [f"{device.platform}:{device.id}" for device in devices]
    several = keras.distribution.DataParallel(devices=names) if len(devices) > 1 else None
    keras.distribution.set_distribution(several)
    capabilities = [tuple(map(int, gpu.compute_capability.split("."))) for gpu in gpus]
    return Devices(
        names=tuple(gpu.device_kind for gpu in gpus) or ("CPU",) * len(devices),
        precision=choose_precision(config.precision, capabilities),
        num_replicas=len(devices),
    )


def _prepare_torch(config: TrainConfig) -> Devices:
    torch: Any = importlib.import_module("torch")
    if config.devices not in ("auto", "1"):
        what = f"is {config.devices}, but Keras trains on one device with PyTorch"
        raise UsageError("--devices", what, "Pass --devices auto, or train without KERAS_BACKEND.")
    gpus = _first(config.devices, list(range(min(torch.cuda.device_count(), 1))))
    return Devices(
        names=tuple(map(torch.cuda.get_device_name, gpus)) or ("CPU",),
        precision=choose_precision(config.precision, list(map(torch.cuda.get_device_capability, gpus))),
    )


def _cpu_parts(asked: str) -> int:
    """Returns N of "cpu:N", else 0."""
    return int(asked.removeprefix("cpu:")) if asked.startswith("cpu:") else 0


def _first(asked: str, gpus: list[Any]) -> list[Any]:
    """Returns all GPUs for "auto", else as many as asked for, from the first.

    Raises:
      UsageError: there are fewer.
    """
    if asked == "auto":
        return gpus
    if int(asked) > len(gpus):
        what = f"is {asked}, but {len(gpus)} GPUs were found"
        raise UsageError("--devices", what, "Pass --devices auto to use all GPUs; nvidia-smi lists them.")
    return gpus[: int(asked)]


def _started_already(asked: str) -> UsageError:
    what = f"is {asked}, but {keras.config.backend()} has started with other devices in this process"
    return UsageError("--devices", what, "Start a new process for it.")


def place_in_cluster() -> tuple[int, int]:
    """Returns the index of this worker and the number of workers, from TF_CONFIG; (0, 1) without it.

    Raises:
      UsageError: TF_CONFIG is not in TensorFlow's format, or names a task that does not train.
    """
    text = os.environ.get("TF_CONFIG", "{}")
    try:
        settings = json.loads(text)
        cluster = {job: settings.get("cluster", {}).get(job, []) for job in ("chief", "worker")}
        num_workers = sum(map(len, cluster.values()))
        if num_workers < 2:
            return 0, 1
        job, index = settings["task"]["type"], int(settings["task"]["index"])
        cluster[job][index]  # KeyError for a parameter server or an evaluator, IndexError for an index out of range
        return index + (len(cluster["chief"]) if job == "worker" else 0), num_workers
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        what = f"is {text!r}, in which this process is none of the workers"
        fix = 'Its format: {"cluster": {"worker": ["ada:2222", "bob:2222"]}, "task": {"type": "worker", "index": 0}}.'
        raise UsageError("TF_CONFIG", what, fix) from None


def _refuse_tensorflow_only_options(config: TrainConfig) -> None:
    backend = keras.config.backend()
    for option, asked in (("--deterministic", config.deterministic), ("TF_CONFIG", place_in_cluster() != (0, 1))):
        if asked:
            raise UsageError(option, f"has no effect on {backend}", "Leave it out, or unset KERAS_BACKEND.")
