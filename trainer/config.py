"""Config: every choice that a training run depends on, with its default.

Stdlib only, so that `segconv train --help` costs no TensorFlow; the command line reads its defaults from here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from converter.errors import UsageError
from trainer.choices.augments import AUGMENTS, AugmentConfig
from trainer.choices.encoders import ENCODERS
from trainer.choices.losses import CLASS_WEIGHTS, LOSSES
from trainer.choices.optimizers import OPTIMIZERS
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

CHOICES = {
    "--loss": LOSS_NAMES,
    "--class-weights": CLASS_WEIGHT_NAMES,
    "--optimizer": OPTIMIZER_NAMES,
    "--schedule": SCHEDULE_NAMES,
    "--augment": AUGMENT_NAMES,
    "--precision": PRECISION_NAMES,
    "--cache": CACHE_NAMES,
}


@dataclass(frozen=True)
class TrainConfig:
    """What one training run depends on.

    Attributes:
      data: folder of records that `segconv build` finished.
      runs: folder in which the run makes a folder of its own.
      model: one of MODEL_NAMES, or "package.module:function" for a model of one's own.
      encoder: one of ENCODER_NAMES, for a model that takes one; None for the model's own.
      weights: "none" to start from scratch, "imagenet" for the encoder's published weights, or the path of a
        `.keras` file (the whole model) or a `.h5` file (the encoder alone) to start from.
      epochs: at most so many passes over the training records.
      batch: records per step, over all devices together.
      overfit: train and validate on the first so many training records, to see whether the model can learn them by
        heart; 0 for an ordinary run.
      loss: one of LOSS_NAMES.
      class_weights: one of CLASS_WEIGHT_NAMES: how much a pixel of a rare class counts in the loss.
      label_smoothing: share of the target that is spread over all classes.
      optimizer: one of OPTIMIZER_NAMES.
      learning_rate: at its highest.
      weight_decay: share of a weight that is taken off per step and unit of learning rate (adamw alone).
      clip_norm: longest gradient, all weights together; 0 for no limit.
      ema: decay of the moving average of the weights that is validated and saved; 0 for none.
      schedule: one of SCHEDULE_NAMES: how the learning rate falls.
      warmup: epochs in which the learning rate rises from 0 (cosine and poly).
      plateau_patience: epochs without a lower validation loss after which the learning rate is halved (plateau).
      stop_patience: epochs without progress after which training ends.
      augment: one of AUGMENT_NAMES: where the strengths came from.
      strengths: of the augmentation.
      precision: one of PRECISION_NAMES; "auto" is bfloat16 or float16 where the GPU is fast at it, else float32.
      devices: "auto" for all local GPUs; a number for the first so many; "cpu:N" for N parts of the CPU, to try it.
      deterministic: whether two runs on the same GPU give the same weights, at some cost.
      cache: one of CACHE_NAMES: whether decoded records stay in memory; "auto" where they fit.
      tensorboard: whether to write event files for TensorBoard as well.
      seed: of the initial weights, the order of the records and the augmentation.
    """

    data: Path = Path("records")
    runs: Path = Path("runs")
    model: str = "resnet50_segnet"
    encoder: str | None = None
    weights: str = "none"
    epochs: int = 50
    batch: int = 8
    overfit: int = 0
    loss: str = "crossentropy"
    class_weights: str = "none"
    label_smoothing: float = 0.0
    optimizer: str = "adam"
    learning_rate: float = 1e-3
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
    tensorboard: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for a choice with which no training can start."""
        if not OWN_MODEL.fullmatch(self.model):
            _check_name("--model", self.model, MODEL_NAMES, " or package.module:function")
        if self.encoder is not None:
            _check_name("--encoder", self.encoder, ENCODER_NAMES)
        for option, names in CHOICES.items():
            _check_name(option, getattr(self, option[2:].replace("-", "_")), names)
        if self.devices != "auto" and not _is_count(self.devices.removeprefix("cpu:")):
            fix = "Pass --devices 2 for two GPUs, say."
            raise UsageError("--devices", f"is {self.devices!r}, expected auto, a number or cpu:N", fix)
        self._check_numbers()

    def _check_numbers(self) -> None:
        for option, number, lowest in (
            ("--epochs", self.epochs, 1),
            ("--batch", self.batch, 1),
            ("--overfit", self.overfit, 0),
            ("--warmup", self.warmup, 0),
            ("--plateau-patience", self.plateau_patience, 1),
            ("--stop-patience", self.stop_patience, 1),
        ):
            if number < lowest:
                raise UsageError(option, f"is {number!r}, expected {lowest} or more", f"Pass {option} {lowest}.")
        if not 0 < self.learning_rate < float("inf"):  # false for not-a-number, too
            what = f"is {self.learning_rate!r}, expected a number above 0"
            raise UsageError("--learning-rate", what, "Adam's usual one is 0.001.")
        for option, share, below in (
            ("--label-smoothing", self.label_smoothing, 1),
            ("--weight-decay", self.weight_decay, float("inf")),
            ("--clip-norm", self.clip_norm, float("inf")),
            ("--ema", self.ema, 1),
        ):
            if not 0 <= share < below:
                what = f"is {share!r}, expected 0 or more" + (" and below 1" if below == 1 else "")
                raise UsageError(option, what, f"Pass {option} 0 to turn it off.")
        if self.schedule == "plateau" and self.warmup:
            what = f"is {self.warmup}, but --schedule plateau has no warm-up"
            raise UsageError("--warmup", what, "Pass --schedule cosine or poly.")
        if not 0 <= self.seed < 2**31:
            raise UsageError("--seed", f"is {self.seed!r}, expected 0..{2**31 - 1}", "Pass --seed 0, say.")


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and int(text) > 0


def _check_name(option: str, name: str, names: tuple[str, ...], others: str = "") -> None:
    if name not in names:
        what = f"is {name!r}, expected one of: {', '.join(names)}{others}"
        raise UsageError(option, what, f"Pass {option} {names[0]}, say.")
