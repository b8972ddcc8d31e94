"""Augments: how strong each random change of an image is. Each field of AugmentConfig is a row of the table.

A row says what the command line shows and takes, and which function makes the change. To add one is one function in
trainer/learning/augment.py and one line in AugmentConfig.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from converter.errors import UsageError

LENS, LIGHT, SENSOR = range(3)  # the order in which an image is changed, once it has been moved with its mask


@dataclass(frozen=True)
class Augmentation:
    """One row: facts about one change.

    Attributes:
      help: of its option.
      highest: strength that it may have at most; None for a change that is only on or off.
      unit: of the strength.
      change: import string of a function of (image float32 [B, H, W, 3], strengths, draws) to the image, changed; rows
        may share one. None for geometry, which is one affine map of image and mask together.
      stage: when it is made: LENS, LIGHT or SENSOR; within a stage, in the order of the rows.
      draws: names of the numbers, uniform in 0..1, that are drawn for each record; empty for one of the row's own name.
      has_normal: whether a number is drawn for each pixel and channel as well, standard normal, as NAME_normal.
    """

    help: str
    highest: float | None = None
    unit: str = ""
    change: str | None = None
    stage: int = SENSOR
    draws: tuple[str, ...] = ()
    has_normal: bool = False


def _row(help_text: str, highest: float | None = None, unit: str = "", /, **facts: Any) -> Any:
    """Returns a field that is off by default, with its row: a switch without `highest`, else a strength."""
    row = Augmentation(help_text, highest, unit, **facts)
    return dataclasses.field(default=False if highest is None else 0.0, metadata={"row": row})


_COLORS = "trainer.learning.augment:shift_colors"


@dataclass(frozen=True)
class AugmentConfig:
    """How strong each random change is; 0 or False turns it off. Each record of each batch has its own draw.

    Attributes:
      flip_horizontal: mirror left and right, in half of the records.
      flip_vertical: mirror up and down, in half of the records.
      quarter_turns: turn by 0, 90, 180 or 270 degrees.
      rotation: turn by up to so many degrees, either way.
      zoom: enlarge or shrink by a factor of up to 1 + zoom.
      aspect: stretch the width against the height by a factor of up to 1 + aspect, either way.
      shear: slant by up to so many degrees, either way.
      translation: shift by up to this share of height and width, either way.
      crop: cut off up to this share of height and width at a random place, and enlarge what is left.
      brightness: add up to this share of the full range, either way.
      contrast: change the distance from the mean grey by up to this share.
      saturation: change the distance from the own grey by up to this share.
      hue: turn the colours by up to so many degrees, either way.
      noise: add Gaussian noise of a standard deviation up to so many grey levels.
      blur: blur by a Gaussian of a standard deviation up to so many pixels.
    """

    flip_horizontal: bool = _row("Mirror left and right by chance.")
    flip_vertical: bool = _row("Mirror up and down by chance.")
    quarter_turns: bool = _row("Turn by 0, 90, 180 or 270 degrees by chance.")
    rotation: float = _row("Turn by up to so many degrees.", 180, "degrees")
    zoom: float = _row("Enlarge or shrink by up to 1 + this.", 9, "(1 is twice the size)")
    aspect: float = _row("Stretch width against height by up to 1 + this.", 9, "(1 is twice the width)")
    shear: float = _row("Slant by up to so many degrees.", 60, "degrees")
    translation: float = _row(
        "Shift by up to this share of the size.", 1, "of height and width", draws=("translation_y", "translation_x")
    )
    crop: float = _row(
        "Cut off up to this share of the size, and enlarge the rest.",
        0.95,
        "of height and width",
        draws=("crop", "crop_y", "crop_x"),
    )
    brightness: float = _row(
        "Add up to this share of the full range.", 1, "of the full range", change=_COLORS, stage=LIGHT
    )
    contrast: float = _row(
        "Change the contrast by up to this share.", 1, "of the contrast", change=_COLORS, stage=LIGHT
    )
    saturation: float = _row(
        "Change the saturation by up to this share.", 1, "of the saturation", change=_COLORS, stage=LIGHT
    )
    hue: float = _row("Turn the colours by up to so many degrees.", 180, "degrees", change=_COLORS, stage=LIGHT)
    noise: float = _row(
        "Add noise of up to so many grey levels.",
        128,
        "grey levels",
        change="trainer.learning.augment:add_noise",
        has_normal=True,
    )
    blur: float = _row(
        "Blur by a Gaussian of up to so many pixels.",
        8,
        "pixels",
        change="trainer.learning.augment:soften",
        stage=LENS,
    )

    def __post_init__(self) -> None:
        """Raises UsageError for a strength that has no meaning."""
        for name, row in AUGMENTATIONS.items():
            strength = getattr(self, name)
            if row.highest is not None and not 0 <= strength <= row.highest:  # false for not-a-number, too
                what = f"is {strength!r}, expected 0..{row.highest:g} {row.unit}"
                raise UsageError(f"--{name}", what, f"Pass --{name} 0 to turn it off.")


AUGMENTATIONS: dict[str, Augmentation] = {
    field.name: field.metadata["row"] for field in dataclasses.fields(AugmentConfig)
}

# A street has its sky above, so "light" and "strong" mirror left and right only; seen from straight above ("nadir"),
# no side is up, and the sun stands anywhere.
AUGMENTS: dict[str, AugmentConfig] = {
    "none": AugmentConfig(),
    "light": AugmentConfig(flip_horizontal=True, zoom=0.25, translation=0.1, brightness=0.1, contrast=0.1),
    "strong": AugmentConfig(
        flip_horizontal=True,
        rotation=10,
        zoom=0.25,
        aspect=0.2,
        shear=5,
        translation=0.1,
        crop=0.3,
        brightness=0.15,
        contrast=0.3,
        saturation=0.3,
        hue=10,
        noise=5,
        blur=0.7,
    ),
    "nadir": AugmentConfig(
        flip_horizontal=True,
        flip_vertical=True,
        quarter_turns=True,
        zoom=0.1,
        brightness=0.1,
        contrast=0.1,
    ),
}
