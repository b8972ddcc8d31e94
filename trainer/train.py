"""Train: from a TrainConfig to a run folder with the best model, its scores and its pictures."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from pathlib import Path

from converter.console import log
from converter.errors import MachineError
from converter.manifest import Manifest
from trainer.augment import build_augment
from trainer.backend import keras, tf
from trainer.callbacks import EpochBar, EpochScores, SaveBest, StopWithoutProgress
from trainer.config import TrainConfig
from trainer.data import dataset, open_records
from trainer.evaluate import draw_predictions, read_samples, warn_if_collapsed
from trainer.losses import crossentropy
from trainer.metrics import Scores
from trainer.models import PRETRAINED, build_model, load_model
from trainer.runs import BEST, PREDICTIONS, create_run, log_to_file
from trainer.step import SegTrainer

SPLITS = ("train", "val")


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


def train(config: TrainConfig) -> TrainReport:
    """Trains a model and leaves all there is to know of it in a new run folder.

    Raises:
      UsageError: the records have no train or val split, the weights do not fit, or the loss diverged.
      DataError: a shard is not the one that was built.
      MachineError: ImageNet weights cannot be had, memory or disk is full.
    """
    show_bar = sys.stderr.isatty() and log.isEnabledFor(logging.INFO)
    manifest = open_records(config.data, SPLITS)
    samples = read_samples(config.data, "val")
    keras.utils.set_random_seed(config.seed)
    net = build_model(config.model, manifest.common_size(config.data), manifest.num_classes, config.weights)
    run = create_run(config, manifest)  # not before all that can be refused was refused
    with log_to_file(run):
        _log_start(config, manifest, net, run)
        report = _fit(config, manifest, net, run, show_bar=show_bar)
        draw_predictions(load_model(run / BEST), manifest, "val", samples, run / PREDICTIONS)
        warn_if_collapsed(report.scores, manifest.class_names)
        log.info(
            "Best epoch %d: val mIoU %.4f, val accuracy %.4f. Model, scores and pictures lie in %s",
            *(report.best_epoch, report.scores.miou, report.scores.pixel_accuracy, run),
        )
        log.info("Next: segconv evaluate %s", run)
    return report


def _fit(config: TrainConfig, manifest: Manifest, net: keras.Model, run: Path, *, show_bar: bool) -> TrainReport:
    """Runs the epochs."""
    trainer = SegTrainer(net, manifest.num_classes, build_augment(config.augment, config.seed))
    # "auto" compiles the step with XLA on a GPU, and not on a CPU, where it costs more than it gains.
    trainer.compile(keras.optimizers.Adam(config.learning_rate), crossentropy(), jit_compile="auto")
    scores = EpochScores(run, manifest.class_names, config.epochs)
    best = SaveBest(scores)
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=config.plateau_patience)
    callbacks = [scores, best, StopWithoutProgress(config.stop_patience), plateau]
    try:
        trainer.fit(
            dataset(manifest, config.data, "train", batch=config.batch, shuffle=True, seed=config.seed),
            validation_data=dataset(manifest, config.data, "val", batch=config.batch),
            epochs=config.epochs,
            callbacks=[EpochBar(), *callbacks] if show_bar else callbacks,
            verbose=0,
            shuffle=False,  # the dataset shuffles itself
        )
    except tf.errors.ResourceExhaustedError as error:
        what = f"the device is out of memory with batches of {config.batch}"
        raise MachineError(run, what, "Pass a smaller --batch, or --model unet_small.", "E_MEMORY") from error
    assert best.best is not None  # noqa: S101 - fit has run one epoch at least
    return TrainReport(run, best.epoch, best.best)


def _log_start(config: TrainConfig, manifest: Manifest, net: keras.Model, run: Path) -> None:
    """Logs what is going to be trained on what."""
    records = {split: manifest.splits[split].records for split in SPLITS}
    log.info("Run %s", run)
    log.info(
        "Dataset %s: %d classes (%s), %d x %d pixels (height x width), %d training and %d validation records",
        *(manifest.name, manifest.num_classes, ", ".join(manifest.class_names)),
        *(*manifest.common_size(config.data), records["train"], records["val"]),
    )
    steps = -(-records["train"] // config.batch)
    log.info(
        "Model %s: %.2f M parameters, %d steps of %d records per epoch, at most %d epochs, Adam at %g",
        *(config.model, net.count_params() / 1e6, steps, config.batch, config.epochs, config.learning_rate),
    )
    if config.model in PRETRAINED and config.weights == "none":
        log.info("The encoder starts from scratch; --weights imagenet starts it from what it learned on ImageNet.")
    if config.model != "unet_small" and not tf.config.list_physical_devices("GPU"):
        log.info("No GPU was found: %s takes long without one, --model unet_small does not.", config.model)
