"""Config: every option of a training run, with its default.

Standard library only: `segconv train --help` reads the defaults from here without loading TensorFlow.
"""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.config import parse_size
from converter.errors import UsageError
from trainer.choices.augments import AUGMENTATIONS, AUGMENTS, AugmentConfig
from trainer.choices.encoders import ENCODERS
from trainer.choices.losses import CLASS_WEIGHTS, LOSSES
from trainer.choices.optimizers import OPTIMIZERS
from trainer.choices.recipes import RECIPES
from trainer.models import MODELS

MODEL_NAMES = tuple(MODELS)
ENCODER_NAMES = tuple(ENCODERS)
LOSS_NAMES = tuple(LOSSES)
CLASS_WEIGHT_NAMES = tuple(CLASS_WEIGHTS)
OPTIMIZER_NAMES = tuple(OPTIMIZERS)
AUGMENT_NAMES = tuple(AUGMENTS)
OWN_MODEL = re.compile(r"[\w.]+:\w+")  # package.module:function
SCHEDULE_NAMES = ("plateau", "cosine", "poly")
PRECISION_NAMES = ("auto", "float32", "bfloat16", "float16")
CACHE_NAMES = ("auto", "on", "off")
SHUFFLE_NAMES = ("full", "shards")
TTA_NAMES = ("none", "flips", "scales")
AUTO = "auto"
TIME = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)([smh])")
SECONDS_OF = {"s": 1, "m": 60, "h": 3600}
SMALLEST_WINDOW = 32  # pixels: the smallest input of the models

CHOICES = {
    "--loss": LOSS_NAMES,
    "--class-weights": CLASS_WEIGHT_NAMES,
    "--optimizer": OPTIMIZER_NAMES,
    "--schedule": SCHEDULE_NAMES,
    "--augment": AUGMENT_NAMES,
    "--precision": PRECISION_NAMES,
    "--cache": CACHE_NAMES,
    "--tta": TTA_NAMES,
    "--shuffle": SHUFFLE_NAMES,
}


@dataclass(frozen=True)
class TrainConfig:
    """All options of one training run.

    Attributes:
      data: folder of records that `segconv build` wrote.
      runs: folder in which the run folder is created.
      model: one of MODEL_NAMES, "package.module:function" for a custom model, or "auto" for that of the weights, where
        those are a run's, else encoder_unet where ImageNet weights are at hand, or its encoder is chosen, else
        unet_small.
      encoder: one of ENCODER_NAMES, for a model that takes one; None for the model's own.
      weights: "none" to start from scratch, "imagenet" for the encoder's published weights, "auto" for those where
        they are on this machine, else from scratch; or the path of a `.keras` file (the whole model) or of a `.h5` or
        `.pth` file (the encoder alone) to start from.
      epochs: maximum number of passes over the training records.
      time: about how long to train, such as "30m": `epochs` is then chosen by timing this machine; None to train for
        `epochs`.
      batch: records per step, over all devices together.
      overfit: train and validate on this many records, the first of the training split, to check that the model can
        memorise them; 0 for an ordinary run.
      loss: one of LOSS_NAMES.
      class_weights: one of CLASS_WEIGHT_NAMES: how the loss weights rare classes.
      logit_adjustment: share of log(class weight) that is added to the logits in the loss, so that class weights do
        not make the model predict rare classes on too many pixels.
      aux_loss: weight of the loss of an auxiliary head on the coarsest level of the decoder, in models that have one;
        the head is not saved. 0 disables it.
      label_smoothing: fraction of the target that is spread over all classes.
      optimizer: one of OPTIMIZER_NAMES.
      learning_rate: peak learning rate; None for the optimizer's own, which it then is.
      encoder_rate: learning rate of the encoder, as a share of that of the rest.
      freeze: epochs in which the encoder stays as it is, including the statistics of its batch normalization.
      weight_decay: fraction of a weight subtracted per step and unit of learning rate (adamw only); not of biases,
        nor of the scales and shifts of normalization.
      clip_norm: maximum norm of the gradient of all weights together; 0 disables it.
      ema: decay of the moving average of the weights that is validated and saved; 0 disables it.
      schedule: one of SCHEDULE_NAMES: how the learning rate decreases.
      warmup: epochs over which the learning rate rises from 0.
      plateau_patience: epochs without a lower validation loss before the learning rate is halved (plateau).
      stop_patience: epochs without progress before training stops.
      augment: one of AUGMENT_NAMES: the preset that the strengths came from.
      strengths: strengths of the augmentation.
      precision: one of PRECISION_NAMES; "auto" is bfloat16 or float16 where the GPU is fast at it, else float32.
      devices: "auto" for all local GPUs; a number N for the first N; "cpu:N" for N parts of the CPU, for tests.
      deterministic: whether two runs on the same GPU give the same weights, at some cost.
      cache: one of CACHE_NAMES: whether decoded records stay in memory; "auto" where they fit.
      shuffle: one of SHUFFLE_NAMES: the order of an epoch. "full" draws it over the whole split, "shards" over each
        worker's own shards, which are read from front to back through a buffer.
      tta: one of TTA_NAMES: test-time augmentation in validation.
      tensorboard: whether to write event files for TensorBoard as well.
      crop: size of the windows to train on, "HEIGHTxWIDTH" in pixels, cut from records of any size; validation slides
        such windows over whole records. None to train on whole records, all of one size.
      recipe: name of the recipe whose options are the others' defaults; None where they are those below.
      seed: random seed of the initial weights, the order of the records and the augmentation.
    """

    data: Path = Path("records")
    runs: Path = Path("runs")
    model: str = AUTO
    encoder: str | None = None
    weights: str = "auto"
    epochs: int = 50
    time: str | None = None
    batch: int = 8
    crop: str | None = None
    overfit: int = 0
    loss: str = "crossentropy"
    class_weights: str = "none"
    logit_adjustment: float = 0.0
    aux_loss: float = 0.0
    label_smoothing: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = None  # type: ignore[assignment]
    encoder_rate: float = 1.0
    freeze: int = 0
    weight_decay: float = 0.01
    clip_norm: float = 0.0
    ema: float = 0.0
    schedule: str = "plateau"
    warmup: int = 0
    plateau_patience: int = 5
    stop_patience: int = 10
    augment: str = "light"
    strengths: AugmentConfig = AUGMENTS["light"]
    precision: str = "auto"
    devices: str = "auto"
    deterministic: bool = False
    cache: str = "auto"
    shuffle: str = "full"
    tta: str = "none"
    tensorboard: bool = False
    recipe: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for an invalid option."""
        if not OWN_MODEL.fullmatch(self.model):
            _check_name("--model", self.model, (AUTO, *MODEL_NAMES), " or package.module:function")
        if self.time is not None:
            parse_time(self.time)
        if self.recipe is not None:
            _check_name("--recipe", self.recipe, tuple(RECIPES))
        if self.encoder is not None:
            _check_name("--encoder", self.encoder, ENCODER_NAMES)
        for option, names in CHOICES.items():
            _check_name(option, getattr(self, option[2:].replace("-", "_")), names)
        if self.crop is not None and min(parse_size(self.crop, "--crop")) < SMALLEST_WINDOW:
            what = f"is {self.crop!r}, expected {SMALLEST_WINDOW} pixels or more each way"
            raise UsageError("--crop", what, f"Pass --crop {SMALLEST_WINDOW}x{SMALLEST_WINDOW}.")
        if self.devices != "auto" and not _is_count(self.devices.removeprefix("cpu:")):
            fix = "For example, pass --devices 2 for two GPUs."
            raise UsageError("--devices", f"is {self.devices!r}, expected auto, a number or cpu:N", fix)
        given: float | None = self.learning_rate
        if given is None:
            object.__setattr__(self, "learning_rate", OPTIMIZERS[self.optimizer].learning_rate)
        self._check_numbers()

    @property
    def window(self) -> tuple[int, int] | None:
        """(height, width) of the windows to train on, in pixels; None for whole records."""
        return None if self.crop is None else parse_size(self.crop)

    def _check_numbers(self) -> None:
        for option, number, lowest in (
            ("--epochs", self.epochs, 1),
            ("--batch", self.batch, 1),
            ("--overfit", self.overfit, 0),
            ("--freeze", self.freeze, 0),
            ("--warmup", self.warmup, 0),
            ("--plateau-patience", self.plateau_patience, 1),
            ("--stop-patience", self.stop_patience, 1),
        ):
            if number < lowest:
                raise UsageError(option, f"is {number!r}, expected {lowest} or more", f"Pass {option} {lowest}.")
        if not 0 < self.learning_rate < float("inf"):  # false for NaN, too
            what = f"is {self.learning_rate!r}, expected a number above 0"
            usual = OPTIMIZERS[self.optimizer].learning_rate
            raise UsageError("--learning-rate", what, f"The usual value for {self.optimizer} is {usual:g}.")
        if not 0 <= self.logit_adjustment <= 1:
            what = f"is {self.logit_adjustment!r}, expected 0..1"
            raise UsageError("--logit-adjustment", what, "Pass --logit-adjustment 0 to disable it.")
        if not 0 <= self.encoder_rate <= 1:
            what = f"is {self.encoder_rate!r}, expected 0..1"
            raise UsageError("--encoder-rate", what, "Pass --encoder-rate 1 for the rate of the rest.")
        for option, share, below in (
            ("--label-smoothing", self.label_smoothing, 1),
            ("--weight-decay", self.weight_decay, float("inf")),
            ("--clip-norm", self.clip_norm, float("inf")),
            ("--ema", self.ema, 1),
            ("--aux-loss", self.aux_loss, float("inf")),
        ):
            if not 0 <= share < below:
                what = f"is {share!r}, expected 0 or more" + (" and below 1" if below == 1 else "")
                raise UsageError(option, what, f"Pass {option} 0 to disable it.")
        if not 0 <= self.seed < 2**31:
            raise UsageError("--seed", f"is {self.seed!r}, expected 0..{2**31 - 1}", "For example, pass --seed 0.")


def of_recipe(name: str, *, augment: str | None = None, **choices: Any) -> TrainConfig:
    """Returns the options of a recipe, some of them changed.

    As on the command line, a preset that is given replaces all strengths of the recipe; unlike there, no other option
    follows from one that is changed.
    """
    options = dict(RECIPES[name].options)
    own = {key: options.pop(key) for key in AUGMENTATIONS if key in options}
    preset = augment or options.get("augment", TrainConfig.augment)
    strengths = dataclasses.replace(AUGMENTS[preset], **({} if augment else own))
    return TrainConfig(**options | {"recipe": name, "augment": preset, "strengths": strengths} | choices)


def parse_time(text: str) -> float:
    """Returns the seconds of a duration such as "90s", "30m" or "1.5h".

    Raises:
      UsageError: it is anything else, or not above 0.
    """
    match = TIME.fullmatch(text)
    seconds = float(match[1]) * SECONDS_OF[match[2]] if match else 0.0
    if not seconds:
        raise UsageError("--time", f"is {text!r}, expected a number above 0 and s, m or h", "Pass --time 30m.")
    return seconds


def without_effect(config: TrainConfig) -> dict[str, str]:
    """Returns the options that change nothing beside the others, as "name": "the option that rules them out"."""
    ruled_out = {}
    if not OPTIMIZERS[config.optimizer].has_weight_decay:
        ruled_out["weight_decay"] = f"--optimizer {config.optimizer}"
    if config.class_weights == "none":
        ruled_out["logit_adjustment"] = "--class-weights none"
    if config.model != AUTO and not (config.model in MODELS and MODELS[config.model].has_levels):
        ruled_out["aux_loss"] = f"--model {config.model}"
    if config.schedule != "plateau":
        ruled_out["plateau_patience"] = f"--schedule {config.schedule}"
    strengths = config.strengths
    if config.crop is None and not any(
        getattr(strengths, name) for name in ("zoom", "aspect", "rotation", "quarter_turns")
    ):
        ruled_out["class_windows"] = "--zoom 0 and no --crop"
    if config.batch == 1:
        ruled_out["copy_paste"] = "--batch 1"
    if not any(row.neutral is not None and getattr(strengths, name) for name, row in AUGMENTATIONS.items()):
        ruled_out["omit"] = "all changes disabled"
    if config.overfit:
        names = ("augment", "label_smoothing", "stop_patience", *vars(config.strengths))
        ruled_out |= dict.fromkeys(names, f"--overfit {config.overfit}")
    return ruled_out


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) > 0


def _check_name(option: str, name: str, names: tuple[str, ...], others: str = "") -> None:
    if name not in names:
        what = f"is {name!r}, expected one of: {', '.join(names)}{others}"
        raise UsageError(option, what, f"For example, pass {option} {names[0]}.")
