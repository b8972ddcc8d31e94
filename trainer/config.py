"""Config: every choice that a training run depends on, with its default.

Stdlib only, so that `segconv train --help` costs no TensorFlow; the command line reads its defaults from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converter.errors import UsageError

MODEL_NAMES = ("resnet50_segnet", "unet", "unet_small")
AUGMENT_NAMES = ("none", "light", "nadir")


@dataclass(frozen=True)
class TrainConfig:
    """What one training run depends on.

    Attributes:
      data: folder of records that `segconv build` finished.
      runs: folder in which the run makes a folder of its own.
      model: one of MODEL_NAMES.
      weights: "none" to start from scratch, "imagenet" for the encoder's published weights, or the path of a
        `.keras` file (the whole model) or a `.h5` file (the encoder alone) to start from.
      epochs: at most so many passes over the training records.
      batch: records per step; the last batch of an epoch may be smaller.
      learning_rate: of Adam, at the start.
      plateau_patience: epochs without a lower validation loss after which the learning rate is halved.
      stop_patience: epochs without progress after which training ends.
      augment: one of AUGMENT_NAMES.
      seed: of the initial weights, the order of the records and the augmentation.
    """

    data: Path = Path("records")
    runs: Path = Path("runs")
    model: str = "resnet50_segnet"
    weights: str = "none"
    epochs: int = 50
    batch: int = 8
    learning_rate: float = 1e-3
    plateau_patience: int = 5
    stop_patience: int = 10
    augment: str = "light"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raises UsageError for a choice with which no training can start."""
        _check_name("--model", self.model, MODEL_NAMES)
        _check_name("--augment", self.augment, AUGMENT_NAMES)
        for option, number in (
            ("--epochs", self.epochs),
            ("--batch", self.batch),
            ("--plateau-patience", self.plateau_patience),
            ("--stop-patience", self.stop_patience),
        ):
            if number < 1:
                raise UsageError(option, f"is {number!r}, expected 1 or more", f"Pass {option} 1 or more.")
        if not 0 < self.learning_rate < float("inf"):  # false for not-a-number, too
            what = f"is {self.learning_rate!r}, expected a number above 0"
            raise UsageError("--learning-rate", what, "Adam's usual one is 0.001.")
        if not 0 <= self.seed < 2**31:
            raise UsageError("--seed", f"is {self.seed!r}, expected 0..{2**31 - 1}", "Pass --seed 0, say.")


def _check_name(option: str, name: str, names: tuple[str, ...]) -> None:
    if name not in names:
        raise UsageError(option, f"is {name!r}, expected one of: {', '.join(names)}", f"Pass {option} {names[0]}, say.")
