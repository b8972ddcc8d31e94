"""Losses: the loss functions by name, and how they weight rare classes.

To add one, write one function in trainer/learning/ and one line here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LossParts:
    """One loss: the sum of a mean over pixels and a mean over classes, either of which may be absent.

    Attributes:
      pixel: import string of a function of target and logits, float32 [B, H, W, num_classes], to the loss of every
        pixel, float32 [B, H, W]. Class weights apply to its mean.
      region: import string of a function of truth [B, H, W, num_classes], valid [B, H, W] and probabilities
        [B, H, W, num_classes], all float32, to a scalar.
      is_smoothed: whether label smoothing applies: the pixel loss has a logarithm of every class.
      hardest: the share of the pixels that count in the mean, those with the largest loss.
    """

    pixel: str | None = None
    region: str | None = None
    is_smoothed: bool = False
    hardest: float = 1.0

    @property
    def is_weighted(self) -> bool:
        """Whether class weights apply: a mean over classes already gives each class the same weight."""
        return self.pixel is not None


_CROSSENTROPY = "trainer.learning.losses:crossentropy"
_DICE = "trainer.learning.losses:dice"
_LOVASZ = "trainer.learning.losses:lovasz"
LOSSES: dict[str, LossParts] = {
    "crossentropy": LossParts(pixel=_CROSSENTROPY, is_smoothed=True),
    "binary_crossentropy": LossParts(pixel="trainer.learning.losses:binary_crossentropy", is_smoothed=True),
    "focal": LossParts(pixel="trainer.learning.losses:focal"),
    "dice": LossParts(region=_DICE),
    "ohem": LossParts(pixel=_CROSSENTROPY, is_smoothed=True, hardest=0.25),
    "crossentropy_dice": LossParts(pixel=_CROSSENTROPY, region=_DICE, is_smoothed=True),
    "lovasz": LossParts(region=_LOVASZ),
    "crossentropy_lovasz": LossParts(pixel=_CROSSENTROPY, region=_LOVASZ, is_smoothed=True),
}

# Import string of a function of (pixels of each class, images in which it occurs), float64 each, of the
# classes that occur, to their weights; None for no weights.
CLASS_WEIGHTS: dict[str, str | None] = {
    "none": None,
    "balanced": "trainer.learning.class_weights:balanced",
    "enet": "trainer.learning.class_weights:enet",
    "median": "trainer.learning.class_weights:median",
}
