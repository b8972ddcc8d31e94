"""Train: from a TrainConfig to a run folder with the best model, its scores and its images."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.errors import MachineError, UsageError
from converter.pages.parts import counted
from converter.schema import IGNORE_INDEX
from converter.system.console import log, set_verbosity
from trainer.backend import keras
from trainer.choices.recipes import options_text
from trainer.config import TrainConfig
from trainer.evaluation.records import Sample, draw_predictions, read_samples, warn_if_collapsed
from trainer.failures import step_errors
from trainer.learning.metrics import Scores
from trainer.learning.optimizers import ValidateAverage
from trainer.learning.step import ClassMaps
from trainer.models import MODELS, encoder_of
from trainer.models.load import load_model
from trainer.models.published import how_to_get
from trainer.run.callbacks import (
    LEARNED,
    EpochBar,
    EpochScores,
    FreezeEncoder,
    KeepState,
    Pictures,
    ReduceLROnPlateau,
    SaveBest,
    StopAtBadLoss,
    StopWhenLearned,
    StopWithoutProgress,
)
from trainer.run.info import read_run, seal_of_records, write_config
from trainer.run.options import changed_text
from trainer.run.pace import Pace
from trainer.run.runs import (
    BEST,
    PREDICTIONS,
    check_run_files,
    create_run,
    held,
    keep_metrics,
    kept_log,
    log_to_file,
)
from trainer.run.state import load_state, read_facts
from trainer.run.tensorboard import TensorBoardLog
from trainer.setup import TrainingSetup, prepare, splits_of
from trainer.timing import fit_to_time


@dataclass(frozen=True)
class TrainReport:
    """The result of a training run.

    Attributes:
      run: its run folder; of several workers, only the first one keeps it.
      best_epoch: the epoch of best.keras, counted from 1.
      scores: the validation scores of that epoch.
    """

    run: Path
    best_epoch: int
    scores: Scores


def train(config: TrainConfig, run: Path | None = None) -> TrainReport:
    """Trains a model and writes everything about it into a run folder.

    Args:
      config: all options.
      run: an interrupted run to resume, to the same weights as without the interruption; None for a new one.

    Raises:
      UsageError: as `setup.prepare`; the loss diverged, or the run cannot be resumed.
      DataError: a shard differs from its manifest, or the state of the run is damaged.
      MachineError: ImageNet weights cannot be found or downloaded, memory or disk is full, another worker was lost.
    """
    if run is not None:
        check_run_files(run)
    facts = {} if run is None else read_facts(run)
    started = time.monotonic()
    with contextlib.ExitStack() as stack:
        before = stack.enter_context(kept_log())
        setup = prepare(config, resumes=bool(facts))
        while setup.config.time is not None:
            try:
                setup = fit_to_time(setup, started)
                continue
            except MachineError as error:
                half = _half_of_the_batch(setup, error)
            setup = setup.having(batch=half)  # after the error, whose traceback holds what the step had on the device
        samples = read_samples(setup.folder, setup.val_split, setup.val_records.numbers)
        _check_labelled(setup, samples)
        if not setup.devices.is_chief:
            # Every worker does the same, since computing a score takes all of them; what the others write is discarded.
            log.info("The first worker writes the run folder and reports the progress.")
            set_verbosity(-1)
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            setup = dataclasses.replace(setup, config=dataclasses.replace(setup.config, runs=folder))
            run = run and Path(shutil.copytree(run, folder / run.name))
        is_new = run is None
        if run is None:
            run = create_run(setup.config, setup.manifest)  # only after all checks have passed
        stack.enter_context(held(run))
        if not is_new:
            facts = read_facts(run)  # now that no other process writes it
            _check_resumable(run, facts, setup)
        stack.enter_context(log_to_file(run, before))
        if not is_new:
            done = facts.get("epoch", 0)
            log.info("Resuming: %d of %d epochs are done.", done, setup.config.epochs)
            write_config(run, setup.config, setup.manifest)  # with another --epochs, or records that were moved
        _log_start(setup, run)
        try:
            best = _fit_in_memory(setup, run, facts, samples=samples)
        except BaseException as error:
            if not isinstance(error, UsageError):  # which would only occur again
                log.info("Training ended early (%s). Resume it: segconv train --resume %s", type(error).__name__, run)
            raise
        assert best.best is not None  # noqa: S101 - fit has run at least one epoch
        report = TrainReport(run, best.epoch, best.best)
        _finish(setup, report)
    return report


def _fit_in_memory(setup: TrainingSetup, run: Path, facts: dict[str, Any], *, samples: list[Sample]) -> SaveBest:
    """Runs the remaining epochs, halving the batch whenever the device is out of memory.

    Raises:
      SegconvError: as `step_errors`.
    """
    while True:
        try:
            with step_errors(setup):
                return _fit(setup, run, facts, samples=samples)
        except MachineError as error:
            half = _half_of_the_batch(setup, error)
        setup = setup.having(batch=half)  # after the error, whose traceback holds what the step had on the device
        write_config(run, setup.config, setup.manifest)
        facts = read_facts(run)


def _half_of_the_batch(setup: TrainingSetup, error: MachineError) -> int:
    """Returns half of the batch; raises the error where that is no remedy for it."""
    batch, replicas = setup.config.batch, setup.devices.num_replicas
    half = batch // 2
    # One of several workers would continue with another batch than the rest.
    if error.code != "E_MEMORY" or setup.devices.num_workers > 1 or half < replicas or half % replicas:
        raise error
    log.warning("The device is out of memory with batches of %d: continuing with batches of %d.", batch, half)
    return half


def _fit(setup: TrainingSetup, run: Path, facts: dict[str, Any], *, samples: list[Sample]) -> SaveBest:
    """Runs the remaining epochs, and draws the predictions of the best one."""
    config, trainer, devices = setup.config, setup.trainer, setup.devices
    epoch = facts.get("epoch", 0)
    if facts:
        load_state(run, trainer)
        if facts["batch"] != config.batch:  # the schedule counts steps, and their number has changed
            optimizer: Any = getattr(trainer.optimizer, "inner_optimizer", trainer.optimizer)
            optimizer.iterations.assign(epoch * setup.steps_per_epoch)
    keep_metrics(run, epoch)
    batches, val = setup.train_batches(epoch), setup.val_batches()
    scores = EpochScores(run, setup.manifest.class_names, config.epochs, input_wait=batches.wait)
    best = SaveBest(scores)
    callbacks: list[keras.callbacks.Callback] = [
        ValidateAverage(),
        StopAtBadLoss(
            run,
            setup.batch_names,
            steps=setup.steps_per_epoch,
            learning_rate=config.learning_rate,
            num_devices=1 if devices.strategy is None else devices.num_replicas,
        ),
        scores,
        best,
        StopWithoutProgress(config.stop_patience),
    ]
    if config.schedule == "plateau":
        callbacks.append(ReduceLROnPlateau(config.plateau_patience, config.warmup))
    if config.freeze:
        callbacks.append(FreezeEncoder(config.freeze))
    if config.overfit:
        callbacks.append(StopWhenLearned())
    pictures = _image_callback(setup, run, samples)
    callbacks.append(pictures)
    if config.tensorboard:
        callbacks.append(TensorBoardLog(run))
    state = KeepState(run, callbacks, facts, batch=config.batch)
    callbacks.append(state)
    bar = EpochBar()
    has_bar = sys.stderr.isatty() and log.isEnabledFor(logging.INFO)
    callbacks[:0] = [bar, Pace(config.batch, has_bar=True)] if has_bar else [Pace(config.batch, has_bar=False)]
    try:
        trainer.fit(
            devices.distribute(batches.dataset),
            validation_data=devices.distribute(val.dataset),
            initial_epoch=epoch,
            epochs=config.epochs,
            steps_per_epoch=setup.steps_per_epoch,
            validation_steps=val.steps,
            callbacks=callbacks,
            verbose=0,
            shuffle=False,  # the dataset is shuffled already
        )
    finally:
        bar.close()
        state.close()
    # Drawn with what is compiled already; a model of its own would be compiled once more.
    trainer.net.set_weights(load_model(run / BEST, config.model).get_weights())
    pictures.draw()
    return best


def _image_callback(setup: TrainingSetup, run: Path, samples: list[Sample]) -> Pictures:
    """Returns the callback that redraws the images of a run."""
    maps = ClassMaps(setup.trainer.net, setup.config.tta)

    def draw() -> None:
        draw_predictions(maps, setup.val_records, samples, run / PREDICTIONS)

    return Pictures(run, f"{setup.manifest.name}, {setup.config.model}", draw)


def _check_resumable(run: Path, facts: dict[str, Any], setup: TrainingSetup) -> None:
    """Checks that an interrupted run can be resumed.

    Raises:
      UsageError: it was trained on other records, has ended, or has lost its best model.
      DataError: its config.json or best.keras is damaged.
    """
    if read_run(run).records != seal_of_records(setup.manifest):
        what = f"was trained on other records than {setup.config.data} holds now"
        fix = f"Rebuild those records, or start a new run: segconv train --config {run}"
        raise UsageError(run, what, fix, "E_RESUME")
    if not facts:
        return
    load_model(run / BEST, setup.config.model)  # checked now, not after the last epoch
    before = read_run(run).config
    if before.schedule != "plateau" and before.epochs != setup.config.epochs:
        end = f"falls to 0 at epoch {before.epochs}"
        what = f"is {setup.config.epochs}, but the learning rate ({before.schedule}) {end}"
        new = f"--config {run} --weights {run / BEST} --epochs {setup.config.epochs}"
        fix = f"Leave it out, or start a new run: segconv train {new}"
        raise UsageError("--epochs", f"{what}: it would jump", fix, "E_RESUME")
    if facts["stopped"] or facts["epoch"] >= setup.config.epochs:
        fix = f"Evaluate it: segconv evaluate {run}"
        if not facts["stopped"] and before.schedule == "plateau":
            fix += "; or pass more --epochs"
        raise UsageError(run, f"ended after epoch {facts['epoch']}", fix, "E_RESUME")


def _check_labelled(setup: TrainingSetup, samples: list[Sample]) -> None:
    """Raises UsageError where the few records of an overfit run have no labelled pixel."""
    if setup.config.overfit and all((sample.mask == IGNORE_INDEX).all() for sample in samples):
        what = f"is {setup.config.overfit}, but these records have only ignored pixels"
        raise UsageError("--overfit", what, "Pass --overfit with a larger number.", "E_EMPTY_SPLIT")


def _log_start(setup: TrainingSetup, run: Path) -> None:
    """Logs the run, its records, its model and its devices."""
    config, manifest = setup.config, setup.manifest
    records = " and ".join(f"{manifest.splits[split].records} {split} records" for split in splits_of(config))
    log.info("Run %s", run)
    log.info(
        "Dataset %s: %d classes (%s), %s (height x width), %s",
        *(manifest.name, manifest.num_classes, ", ".join(manifest.class_names)),
        *(_size_text(setup), records),
    )
    left = setup.num_train % config.batch
    log.info(
        "Model %s: %.2f M parameters, %s of %d records per epoch%s, maximum of %s, %s at %g (%s), loss %s",
        *(config.model, setup.trainer.net.count_params() / 1e6),
        *(counted(setup.steps_per_epoch, "step"), config.batch),
        f" ({left} records left out, different ones in each)" if left else "",
        *(counted(config.epochs, "epoch"), config.optimizer, config.learning_rate, config.schedule, config.loss),
    )
    log.info("Devices: %s", setup.devices.describe())
    if config.recipe:
        log.info("Recipe %s: %s", config.recipe, options_text(config.recipe) or "the defaults")
    if changed := changed_text(config):
        log.info("Different from the recipe: %s", changed)
    if config.overfit:
        log.info("Overfit check: training and validating on the first %d training records.", setup.num_train)
    encoder = encoder_of(config.model, config.encoder)
    if encoder is not None and config.weights == "imagenet":
        log.info("The encoder %s starts from ImageNet weights.", encoder)
    elif encoder is not None and config.weights == "none":
        log.info("The encoder %s starts from random weights; for ImageNet weights, %s.", encoder, how_to_get(encoder))
    elif Path(config.weights).suffix == ".keras":
        log.info("The model starts from %s.", config.weights)
    if config.freeze >= config.epochs:
        log.info("The encoder is not trained: --freeze is %d.", config.freeze)
    elif config.freeze:
        log.info("The encoder is trained from epoch %d on.", config.freeze + 1)
    is_heavy = config.model in MODELS and not MODELS[config.model].is_light
    if is_heavy and set(setup.devices.names) == {"CPU"}:
        log.info("No GPU was found: %s is slow without one, --model unet_small is not.", config.model)


def _size_text(setup: TrainingSetup) -> str:
    size = setup.manifest.size
    records = "several sizes" if size is None else f"{size[0]} x {size[1]} pixels"
    return records if setup.config.crop is None else f"{records}, seen in windows of {setup.config.crop}"


def _finish(setup: TrainingSetup, report: TrainReport) -> None:
    """Logs the result and the next command."""
    config, scores = setup.config, report.scores
    warn_if_collapsed(scores, setup.manifest.class_names)
    log.info(
        "Best epoch %d: val mIoU %.4f, val accuracy %.4f. Model, scores and images are in %s",
        *(report.best_epoch, scores.miou, scores.pixel_accuracy, report.run),
    )
    if not config.overfit:
        log.info("Next: segconv evaluate %s", report.run)
    elif scores.pixel_accuracy >= LEARNED:
        log.info(
            "%.1f %% of the pixels were memorised: model, loss and labels fit together.", 100 * scores.pixel_accuracy
        )
    else:
        log.warning(
            "Only %.1f %% of the pixels were memorised. Pass more --epochs. If that does not help, check the labels, "
            "--learning-rate and --loss.",
            100 * scores.pixel_accuracy,
        )
