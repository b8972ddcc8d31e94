"""Train: from a TrainConfig to a run folder with the best model, its scores and its pictures."""

from __future__ import annotations

import dataclasses
import logging
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.console import log
from converter.errors import MachineError, UsageError
from converter.manifest import Manifest
from trainer.augment import build_augment
from trainer.backend import keras, tf
from trainer.callbacks import (
    EpochBar,
    EpochScores,
    KeepState,
    Pictures,
    SaveBest,
    StopAtBadLoss,
    StopWithoutProgress,
)
from trainer.class_weights import class_weights
from trainer.config import AUGMENTS, TrainConfig
from trainer.data import Batches, batch_names, eval_batches, open_records, train_batches
from trainer.devices import Devices, is_out_of_memory, prepare_devices
from trainer.evaluate import Sample, draw_predictions, read_samples, warn_if_collapsed
from trainer.losses import build_loss
from trainer.metrics import Scores
from trainer.models import PRETRAINED, build_model
from trainer.optimizers import ValidateAverage, build_optimizer
from trainer.runs import (
    PREDICTIONS,
    create_run,
    keep_metrics,
    log_to_file,
    read_run,
    seal_of_records,
    write_config,
)
from trainer.state import load_state, read_facts
from trainer.step import ClassMaps, SegTrainer
from trainer.tensorboard import TensorBoardLog, require_tensorboard

SPLITS = ("train", "val")
OVERFIT_ROUNDS = 10  # passes over the few records that count as one epoch: each epoch ends in a validation
OVERFIT_ACCURACY = 0.99  # share of valid pixels that a sound model and loss learn by heart


@dataclass(frozen=True)
class TrainReport:
    """What a training run came to.

    Attributes:
      run: its run folder.
      best_epoch: the epoch of best.keras, counted from 1.
      scores: the validation scores of that epoch.
    """

    run: Path
    best_epoch: int
    scores: Scores


def train(config: TrainConfig, run: Path | None = None) -> TrainReport:
    """Trains a model and leaves all there is to know of it in a run folder.

    Args:
      config: all choices.
      run: an interrupted run to go on with, to the same weights as without the interruption; None for a new one.

    Raises:
      UsageError: the records have no train or val split, the weights do not fit, the loss diverged, or the run
        cannot go on.
      DataError: a shard is not the one that was built, or the state of the run is damaged.
      MachineError: ImageNet weights cannot be had, memory or disk is full.
    """
    config = _overfitting(config)
    if config.tensorboard:
        require_tensorboard()
    manifest = open_records(config.data, _splits(config))
    facts = {} if run is None else _facts_to_go_on(run, config, manifest)
    samples = read_samples(config.data, _splits(config)[-1], config.overfit)
    devices = prepare_devices(config)
    trainer = _build_trainer(config, manifest, devices)
    if run is None:
        run = create_run(config, manifest)  # not before all that can be refused was refused
    with log_to_file(run):
        _log_start(config, manifest, trainer.net, run)
        log.info("Devices: %s", devices.describe())
        while True:
            try:
                best = _fit(config, manifest, trainer, run=run, facts=facts, devices=devices, samples=samples)
                break
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                config = _smaller(config, run, error, devices.num_replicas)
            write_config(run, config, manifest)
            facts = read_facts(run)
            trainer = _build_trainer(config, manifest, devices)
        assert best.best is not None  # noqa: S101 - fit has run one epoch at least, or facts has the best
        report = TrainReport(run, best.epoch, best.best)
        _log_end(config, manifest, report)
    return report


def dry_run(config: TrainConfig) -> str:
    """Takes one batch through everything, writes nothing, and returns what a run would need, for people.

    Raises:
      The same as `train`.
    """
    config = _overfitting(config)
    manifest = open_records(config.data, _splits(config))
    devices = prepare_devices(config)
    trainer = _build_trainer(config, manifest, devices)
    batches, val = _batches(config, manifest, first_epoch=0)
    try:
        logs = trainer.fit(
            batches.dataset,
            validation_data=val.dataset,
            steps_per_epoch=1,
            validation_steps=1,
            verbose=0,
            shuffle=False,
        ).history
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        raise _out_of_memory(Path("segconv train"), config, error) from error
    parts = memory_parts(trainer, config.batch // devices.num_replicas)
    rows = [f"  {name:<12}{size / 1e6:9,.1f} MB" for name, size in parts.items()]
    return "\n".join(
        [
            f"{config.model}, {config.batch} records of {'x'.join(map(str, manifest.common_size(config.data)))}, "
            f"{devices.describe()}",
            f"one step went through: loss {logs['loss'][0]:.4f}, val loss {logs['val_loss'][0]:.4f}",
            "memory per device, estimated:",
            *rows,
            f"  {'together':<12}{sum(parts.values()) / 1e6:9,.1f} MB",
            f"an epoch is {_steps_per_epoch(config, manifest)} steps; nothing was written",
        ]
    )


def memory_parts(trainer: SegTrainer, batch: int) -> dict[str, int]:
    """Returns the bytes that a training step keeps, by what they hold.

    Activations are those of all layers, since the backward pass may need each: an upper estimate, of which a
    compiler that fuses layers spares some.
    """
    weights = sum(_bytes(variable.shape, variable.dtype) for variable in trainer.net.variables)
    gradients = sum(_bytes(variable.shape, variable.dtype) for variable in trainer.net.trainable_variables)
    optimizer = sum(_bytes(variable.shape, variable.dtype) for variable in trainer.optimizer.variables)
    outputs = [
        tensor
        for layer in trainer.net.layers
        for node in layer._inbound_nodes  # Keras has no other way to the outputs of a layer that is used twice
        for tensor in node.output_tensors
    ]
    activations = batch * sum(_bytes(tensor.shape[1:], tensor.dtype) for tensor in outputs)
    return {"weights": weights, "gradients": gradients, "optimizer": optimizer, "activations": activations}


def _bytes(shape: tuple[int, ...], dtype: str) -> int:
    return math.prod(shape) * keras.backend.standardize_dtype(dtype).endswith("16") * 2 or math.prod(shape) * 4


def _splits(config: TrainConfig) -> tuple[str, ...]:
    """Returns the split to train on and the one to validate on; both are the same records in an overfit run."""
    return ("train",) if config.overfit else SPLITS


def _overfitting(config: TrainConfig) -> TrainConfig:
    """Returns the choices of an overfit run: what keeps a model from learning by heart is off."""
    if not config.overfit:
        return config
    return dataclasses.replace(
        config,
        batch=min(config.batch, config.overfit),
        augment="none",
        strengths=AUGMENTS["none"],
        stop_patience=config.epochs,
    )


def _build_trainer(config: TrainConfig, manifest: Manifest, devices: Devices) -> SegTrainer:
    """Returns the compiled trainer, every variable of which is made; the same seed gives the same ones."""
    keras.utils.set_random_seed(config.seed)
    size, num_classes = manifest.common_size(config.data), manifest.num_classes
    weights = class_weights(config.class_weights, manifest.splits["train"], size)
    loss = build_loss(config.loss, num_classes, class_weights=weights, label_smoothing=config.label_smoothing)
    steps = _steps_per_epoch(config, manifest)
    with devices.scope():
        net = build_model(config.model, size, num_classes, encoder=config.encoder, weights=config.weights)
        trainer = SegTrainer(net, num_classes, loss, build_augment(config.strengths, config.seed))
        # "auto" compiles the step with XLA on a GPU, and not on a CPU, where it costs more than it gains.
        trainer.compile(build_optimizer(config, steps), jit_compile="auto")
        trainer.optimizer.build(trainer.trainable_variables)
    return trainer


def _steps_per_epoch(config: TrainConfig, manifest: Manifest) -> int:
    records = manifest.splits["train"].records
    if config.overfit:
        return OVERFIT_ROUNDS * max(1, min(config.overfit, records) // config.batch)
    return max(1, records // config.batch)


def _batches(config: TrainConfig, manifest: Manifest, first_epoch: int) -> tuple[Batches, Batches]:
    """Returns the batches to train on and to validate on."""
    rounds = OVERFIT_ROUNDS if config.overfit else 1
    batches = train_batches(
        manifest,
        config.data,
        "train",
        batch=config.batch,
        seed=config.seed,
        first_epoch=first_epoch * rounds,
        epochs=config.epochs * rounds,
        cache=config.cache,
        records=config.overfit,
    )
    split = _splits(config)[-1]
    val = eval_batches(manifest, config.data, split, batch=config.batch, cache=config.cache, records=config.overfit)
    return batches, val


def _fit(
    config: TrainConfig,
    manifest: Manifest,
    trainer: SegTrainer,
    *,
    run: Path,
    facts: dict[str, Any],
    devices: Devices,
    samples: list[Sample],
) -> SaveBest:
    """Runs the epochs that are left."""
    epoch = facts.get("epoch", 0)
    if facts:
        load_state(run, trainer)
    keep_metrics(run, epoch)
    batches, val = _batches(config, manifest, epoch)
    rounds = OVERFIT_ROUNDS if config.overfit else 1

    def names(epoch: int, step: int) -> list[str]:
        part, step = divmod(step, batches.steps)
        return batch_names(
            manifest,
            config.data,
            "train",
            batch=config.batch,
            seed=config.seed,
            epoch=epoch * rounds + part,
            step=step,
            records=config.overfit,
        )

    scores = EpochScores(run, manifest.class_names, config.epochs, input_wait=batches.wait)
    best = SaveBest(scores)
    callbacks = [
        ValidateAverage(),
        StopAtBadLoss(run, names, devices.num_replicas),
        scores,
        best,
        StopWithoutProgress(config.stop_patience),
        *_plateau(config),
        _pictures(config, manifest, trainer, run=run, samples=samples),
        *([TensorBoardLog(run)] if config.tensorboard else []),
    ]
    callbacks.append(KeepState(run, callbacks, facts))
    if sys.stderr.isatty() and log.isEnabledFor(logging.INFO):
        callbacks.insert(0, EpochBar())
    trainer.fit(
        batches.dataset,
        validation_data=val.dataset,
        initial_epoch=epoch,
        epochs=config.epochs,
        steps_per_epoch=_steps_per_epoch(config, manifest),
        validation_steps=val.steps,
        callbacks=callbacks,
        verbose=0,
        shuffle=False,  # the dataset shuffles itself
    )
    return best


def _plateau(config: TrainConfig) -> list[keras.callbacks.Callback]:
    if config.schedule != "plateau":
        return []
    return [keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=config.plateau_patience)]


def _pictures(
    config: TrainConfig, manifest: Manifest, trainer: SegTrainer, *, run: Path, samples: list[Sample]
) -> Pictures:
    maps = ClassMaps(trainer.net)

    def draw() -> None:
        draw_predictions(maps, manifest, _splits(config)[-1], samples, run / PREDICTIONS)

    return Pictures(run, f"{manifest.name}, {config.model}", draw)


def _facts_to_go_on(run: Path, config: TrainConfig, manifest: Manifest) -> dict[str, Any]:
    """Returns the facts of an interrupted run.

    Raises:
      UsageError: it was trained on other records, or has ended.
      DataError: its config.json or state.npz is damaged.
    """
    facts = read_facts(run)
    if read_run(run).records != seal_of_records(manifest):
        what = f"was trained on other records than {config.data} holds now"
        mend = f"Build those records again, or train anew: segconv train --config {run}"
        raise UsageError(run, what, mend, "E_RESUME")
    if facts.get("stopped") or facts.get("epoch", 0) >= config.epochs:
        what = f"has ended after {facts['epoch']} epochs"
        mend = "Pass --epochs with more, or train anew: segconv train"
        if facts["stopped"]:
            what += ", the last of them without progress"
            mend = f"Score it: segconv evaluate {run}"
        raise UsageError(run, what, mend, "E_RESUME")
    return facts


def _smaller(config: TrainConfig, run: Path, error: Exception, num_replicas: int) -> TrainConfig:
    """Returns the choices with half of the batch, after the device ran out of memory.

    Raises:
      MachineError: there is no smaller batch.
    """
    half = config.batch // 2
    if half < num_replicas or half % num_replicas:
        raise _out_of_memory(run, config, error) from error
    log.warning("The device is out of memory with batches of %d: going on with batches of %d.", config.batch, half)
    return dataclasses.replace(config, batch=half)


def _out_of_memory(where: Path, config: TrainConfig, error: Exception) -> MachineError:
    what = f"the device is out of memory with batches of {config.batch}"
    mend = "Pass a smaller --batch, or --model unet_small, or build smaller records."
    return MachineError(where, what, mend, "E_MEMORY")


def _log_start(config: TrainConfig, manifest: Manifest, net: keras.Model, run: Path) -> None:
    """Logs what is going to be trained on what."""
    records = {split: manifest.splits[split].records for split in _splits(config)}
    log.info("Run %s", run)
    log.info(
        "Dataset %s: %d classes (%s), %d x %d pixels (height x width), %s",
        *(manifest.name, manifest.num_classes, ", ".join(manifest.class_names)),
        *(*manifest.common_size(config.data), " and ".join(f"{n} {split} records" for split, n in records.items())),
    )
    batch = min(config.batch, records["train"])
    left = 0 if config.overfit else records["train"] % batch
    log.info(
        "Model %s: %.2f M parameters, %d steps of %d records per epoch%s, at most %d epochs, %s at %g (%s), loss %s",
        *(config.model, net.count_params() / 1e6, _steps_per_epoch(config, manifest), batch),
        f" (each leaves {left} others out)" if left else "",
        *(config.epochs, config.optimizer, config.learning_rate, config.schedule, config.loss),
    )
    if config.overfit:
        log.info("Overfit check: trains and validates on the first %d training records.", config.overfit)
    if config.model in PRETRAINED and config.weights == "none":
        log.info("The encoder starts from scratch; --weights imagenet starts it from what it learned on ImageNet.")
    if config.model != "unet_small" and not tf.config.list_physical_devices("GPU"):
        log.info("No GPU was found: %s takes long without one, --model unet_small does not.", config.model)


def _log_end(config: TrainConfig, manifest: Manifest, report: TrainReport) -> None:
    """Logs what came of it, and what is next."""
    warn_if_collapsed(report.scores, manifest.class_names)
    log.info(
        "Best epoch %d: val mIoU %.4f, val accuracy %.4f. Model, scores and pictures lie in %s",
        *(report.best_epoch, report.scores.miou, report.scores.pixel_accuracy, report.run),
    )
    if not config.overfit:
        log.info("Next: segconv evaluate %s", report.run)
    elif report.scores.pixel_accuracy >= OVERFIT_ACCURACY:
        log.info("The records were learned by heart: model, loss and labels fit together.")
    else:
        log.warning(
            "After %d epochs only %.1f %% of the pixels are learned by heart: train for more --epochs, and look at "
            "the labels, at --learning-rate and at --loss where that does not help.",
            config.epochs,
            100 * report.scores.pixel_accuracy,
        )
