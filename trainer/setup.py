"""Setup: from a TrainConfig to all that the first step needs: manifest, devices, trainer and batches.

Invalid options are refused here, before a run folder is created.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from converter.dataset.cache import local_copy
from converter.dataset.manifest import Manifest
from converter.dataset.pieces import Part
from converter.errors import DataError, UsageError
from converter.system.console import log
from trainer.backend import keras
from trainer.choices.augments import AUGMENTS
from trainer.choices.encoders import ENCODERS
from trainer.config import AUTO, TrainConfig
from trainer.devices import Devices, Share, place_in_cluster, prepare_devices
from trainer.input.batches import Batches, batch_names, eval_batches, train_batches
from trainer.input.reading import InputConfig
from trainer.input.records import open_records
from trainer.learning.augment import build_augment
from trainer.learning.class_weights import class_weights
from trainer.learning.losses import build_loss
from trainer.learning.optimizers import build_optimizer
from trainer.learning.sliding import num_windows
from trainer.learning.step import SegTrainer, StepOptions
from trainer.models import MODELS, encoder_of
from trainer.models.build import build_model
from trainer.models.frozen import encoder_in
from trainer.models.published import find_published, how_to_get
from trainer.models.transfer import ClassNames
from trainer.run.info import CONFIG, read_run, size_of
from trainer.run.tensorboard import require_tensorboard

PRETRAINED, FROM_SCRATCH = "encoder_unet", "unet_small"  # the models that "auto" stands for
OVERFIT_ROUNDS = 20  # passes over the few records that count as one epoch, since each epoch ends with a validation


@dataclass(frozen=True)
class TrainingSetup:
    """Everything that a training run works with.

    Attributes:
      config: all options, adjusted to the records.
      manifest: manifest of the records.
      devices: the devices that train.
      trainer: compiled, with all variables created.
    """

    config: TrainConfig
    manifest: Manifest
    devices: Devices
    trainer: SegTrainer

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the model's input, in pixels."""
        return size_of(self.config, self.manifest)

    @property
    def val_split(self) -> str:
        """Name of the split to validate on."""
        return splits_of(self.config)[-1]

    @property
    def num_train(self) -> int:
        """Number of records to train on."""
        return _num_train(self.config, self.manifest)

    @property
    def steps_per_epoch(self) -> int:
        """Number of steps between two validations."""
        return _rounds(self.config) * (self.num_train // self.config.batch)

    def train_batches(self, first_epoch: int) -> Batches:
        """Returns the batches of all epochs from `first_epoch` on, counted from 0."""
        rounds = _rounds(self.config)
        return train_batches(
            self.train_records,
            seed=self.config.seed,
            first_epoch=first_epoch * rounds,
            epochs=self.config.epochs * rounds,
        )

    @property
    def train_records(self) -> InputConfig:
        """The records to train on."""
        return self._input("train")

    def val_batches(self) -> Batches:
        """Returns the batches of one validation."""
        return eval_batches(self.val_records)

    @cached_property
    def val_records(self) -> InputConfig:
        """The records to validate on, in batches with no more windows than a training batch has records, or of one."""
        records = self._input(self.val_split)
        share = self.config.batch // num_windows(self.trainer.net, records.size)
        replicas = self.devices.num_replicas
        return dataclasses.replace(records, batch=max(1, share // replicas) * replicas)

    def batch_names(self, epoch: int, step: int) -> list[str]:
        """Returns the names of the images in one training batch; epoch and step count from 0."""
        part, step = divmod(step, self.num_train // self.config.batch)
        epoch = epoch * _rounds(self.config) + part
        return batch_names(self.train_records, seed=self.config.seed, epoch=epoch, step=step)

    @property
    def folder(self) -> Path:
        """Local folder of the records: the config's, or a copy of what is at its address."""
        return local_copy(self.config.data, splits_of(self.config), _part_of(self.config))

    def _input(self, split: str) -> InputConfig:
        config = self.config
        return InputConfig(
            self.manifest, self.folder, split, config.batch, config.cache, config.overfit, self.devices.share
        )

    def having(self, **choices: Any) -> TrainingSetup:
        """Returns the same setup with other options, which do not concern the records, and an untrained trainer."""
        config = dataclasses.replace(self.config, **choices)
        return TrainingSetup(config, self.manifest, self.devices, _build_trainer(config, self.manifest, self.devices))


def prepare(config: TrainConfig, *, resumes: bool = False) -> TrainingSetup:
    """Returns everything that a training run works with.

    Args:
      config: all options.
      resumes: whether the weights will come from a saved state: config.weights is then not read.

    Raises:
      UsageError: the records have no train or val split, an option does not fit the others or this machine, or what
        it needs is not installed.
      DataError: a shard differs from its manifest.
      MachineError: ImageNet weights cannot be found or downloaded.
    """
    if config.tensorboard:
        require_tensorboard()
    splits, part = splits_of(config), _part_of(config)
    folder = local_copy(config.data, splits, part, on_demand=config.shuffle == "shards")
    manifest = open_records(folder, splits, any_size=config.crop is not None, part=part)
    devices = prepare_devices(config)
    config = _with_model(_fitted(config, manifest, devices.num_replicas), devices)
    start = dataclasses.replace(config, weights="none") if resumes else config
    return TrainingSetup(config, manifest, devices, _build_trainer(start, manifest, devices))


def splits_of(config: TrainConfig) -> tuple[str, ...]:
    """Returns the split to train on and the one to validate on; both are the same records in an overfit run."""
    return ("train",) if config.overfit else ("train", "val")


def _part_of(config: TrainConfig) -> Part:
    """Returns the part of each split that this process reads, before there are devices."""
    return Share(*place_in_cluster(), has_own_shards=config.shuffle == "shards").part


def _rounds(config: TrainConfig) -> int:
    return OVERFIT_ROUNDS if config.overfit else 1


def _num_train(config: TrainConfig, manifest: Manifest) -> int:
    records = manifest.splits["train"].records
    return min(config.overfit, records) if config.overfit else records


def _fitted(config: TrainConfig, manifest: Manifest, num_replicas: int) -> TrainConfig:
    """Returns the config with a batch no larger than the split; for an overfit run, without augmentation and the like.

    Raises:
      UsageError: there is only one class, or fewer records than devices.
    """
    num_train = _num_train(config, manifest)
    if manifest.num_classes < 2:
        what = f"has one class, {manifest.class_names[0]!r}, so there is nothing to distinguish"
        raise UsageError(config.data, what, "Build it with a class map that also lists the background.", "E_CLASSES")
    if num_train < num_replicas:
        what = f"is {num_train}, fewer than the {num_replicas} devices that share a batch"
        raise UsageError("number of training records", what, "Pass fewer --devices.", "E_EMPTY_SPLIT")
    if config.overfit:
        config = dataclasses.replace(
            config, augment="none", strengths=AUGMENTS["none"], label_smoothing=0.0, stop_patience=config.epochs
        )
    if config.window and manifest.size and any(a > b for a, b in zip(config.window, manifest.size, strict=True)):
        size = "x".join(map(str, manifest.size))
        log.warning("--crop %s is larger than the records of %s: the rest of a window is padding.", config.crop, size)
    fitted = dataclasses.replace(config, batch=min(config.batch, num_train // num_replicas * num_replicas))
    if fitted.batch < config.batch:
        log.info("Batches of %d: there are %d training records.", fitted.batch, num_train)
    if fitted.strengths.copy_paste and fitted.batch == num_replicas and config.batch > 1:
        log.warning("--copy-paste has no effect: a device has one record of a batch of %d.", fitted.batch)
    return fitted


def _with_model(config: TrainConfig, devices: Devices) -> TrainConfig:
    """Returns the config with the model and the weights that "auto" stands for, so that the run can be repeated."""
    run = Path(config.weights).parent
    if config.model == AUTO and Path(config.weights).suffix == ".keras" and (run / CONFIG).exists():
        other = read_run(run).config
        return dataclasses.replace(config, model=other.model, encoder=config.encoder or other.encoder)
    model = PRETRAINED if config.model == AUTO else config.model
    encoder = encoder_of(model, config.encoder)
    # Several workers start from scratch, since another one may not have the weights that this one has.
    at_hand = encoder is not None and devices.num_workers == 1 and find_published(encoder) is not None
    weights = ("imagenet" if at_hand else "none") if config.weights == "auto" else config.weights
    if config.model == AUTO and weights == "none" and config.encoder is None:
        model = FROM_SCRATCH
        if config.weights == "auto":
            log.info("--model auto is %s: %s.", model, _why_from_scratch(devices.num_workers))
    return dataclasses.replace(config, model=model, weights=weights)


def _why_from_scratch(num_workers: int) -> str:
    encoder = encoder_of(PRETRAINED, None)
    assert encoder is not None  # noqa: S101 - the pretrained model has one
    if num_workers > 1:
        return f"several workers start from random weights; pass --weights imagenet if each has those of {encoder}"
    return f"ImageNet weights of {encoder} are not on this machine; for a better model, {how_to_get(encoder)}"


def _encoder_variables(config: TrainConfig, net: keras.Model) -> list[keras.Variable]:
    """Returns the trainable variables of the encoder.

    Raises:
      UsageError: it has a learning rate of its own, or is frozen, and there is none.
    """
    encoder = encoder_in(net)
    for option, value, is_off in (
        ("--encoder-rate", config.encoder_rate, config.encoder_rate == 1),
        ("--freeze", config.freeze, config.freeze == 0),
    ):
        if encoder is None and not is_off:
            what = f"is {value}, but {config.model} has no encoder apart from the rest"
            fix = "Leave it out, or pass --model encoder_unet."
            if config.model not in MODELS:
                fix = f"Leave it out, or name that part of your model as one of these: {', '.join(ENCODERS)}."
            raise UsageError(option, what, fix)
    return [] if encoder is None else encoder.trainable_variables


def _build_trainer(config: TrainConfig, manifest: Manifest, devices: Devices) -> SegTrainer:
    """Returns the compiled trainer with all variables created; the same seed gives the same values."""
    keras.utils.set_random_seed(config.seed)
    size, num_classes = size_of(config, manifest), manifest.num_classes
    weights = class_weights(config.class_weights, manifest.splits["train"])
    loss = build_loss(
        config.loss,
        num_classes,
        class_weights=weights,
        label_smoothing=config.label_smoothing,
        logit_adjustment=config.logit_adjustment,
    )
    has_levels = config.model in MODELS and MODELS[config.model].has_levels
    steps = _rounds(config) * (_num_train(config, manifest) // config.batch)
    with devices.scope():
        names = ClassNames(manifest.class_names, _classes_of(config.weights))
        net = build_model(config.model, size, num_classes, encoder=config.encoder, weights=config.weights, names=names)
        if not net.trainable_variables:
            raise UsageError(
                f"--model {config.model}", "has no trainable weight", "Add a layer with trainable weights."
            )
        trainer = SegTrainer(
            net,
            num_classes,
            loss,
            build_augment(config.strengths, config.seed, config.window),
            options=StepOptions(config.ema, config.tta, config.aux_loss if has_levels else 0.0),
        )
        # "auto" compiles the step with XLA on a GPU, but not on a CPU, where it costs more than it gains.
        trainer.compile(build_optimizer(config, steps, _encoder_variables(config, net)), jit_compile="auto")
        trainer.optimizer.build(trainer.trainable_variables)
    return trainer


def _classes_of(weights: str) -> tuple[str, ...] | None:
    """Returns the class names of the run that a `.keras` file is in; None where it is in none."""
    path = Path(weights)
    if path.suffix == ".keras" and (path.parent / CONFIG).exists():
        with contextlib.suppress(DataError):  # of another program
            return read_run(path.parent).classes
    return None
