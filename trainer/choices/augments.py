"""Augments: how strong each random change of an image is. Each field of AugmentConfig is a row of the table.

A row holds the help and the limits of its option, and the function that makes the change. To add one, write one
function in trainer/learning/augment.py and one line in AugmentConfig.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from converter.errors import UsageError

LENS, LIGHT, SENSOR = range(3)  # the order of the changes to the image, after the geometry

# Fill outside of the source, where the mask is ignored. The usual preprocessing maps mid-grey to about 0; the mean of
# each image would hide the border a little better, for one more pass over the pixels and one over the result.
GREY = 127


@dataclass(frozen=True)
class Augmentation:
    """One row: all facts about one change.

    Attributes:
      help: help of its option.
      highest: maximum strength; None for a change that is only on or off.
      unit: unit of the strength.
      change: import string of a function of (image float32 [B, H, W, 3], strengths, draws) to the changed image; rows
        may share one. None for geometry, which is one affine map of image and mask together.
      stage: when it is made: LENS, LIGHT or SENSOR; within a stage, in the order of the rows.
      draws: names of the random numbers, uniform in 0..1, drawn for each record; empty for one with the row's name.
      neutral: the random number that changes nothing; None for a change that `omit` does not concern.
      has_normal: whether a standard normal number is also drawn for each pixel and channel, as NAME_normal.
    """

    help: str
    highest: float | None = None
    unit: str = ""
    change: str | None = None
    stage: int = SENSOR
    draws: tuple[str, ...] = ()
    neutral: float | None = None
    has_normal: bool = False


def _row(help_text: str, highest: float | None = None, unit: str = "", /, **facts: Any) -> Any:
    """Returns a field that is off by default, with its row: a switch without `highest`, else a strength."""
    row = Augmentation(help_text, highest, unit, **facts)
    return dataclasses.field(default=False if highest is None else 0.0, metadata={"row": row})


_COLORS = "trainer.learning.augment:shift_colors"


@dataclass(frozen=True)
class AugmentConfig:
    """How strong each random change is; 0 or False disables it. Every record gets its own random values.

    Attributes:
      flip_horizontal: mirror left and right, in half of the records.
      flip_vertical: mirror up and down, in half of the records.
      quarter_turns: rotate by 0, 90, 180 or 270 degrees.
      rotation: maximum angle, in degrees, either way.
      zoom: enlarge or shrink by a factor of up to 1 + zoom; what is enlarged is a random part of the record.
      aspect: stretch the width relative to the height by a factor of up to 1 + aspect, either way.
      shear: maximum angle, in degrees, either way.
      translation: maximum shift, as a fraction of height and width, either way.
      class_windows: share of the windows, where only a part of a record is seen, that are centred on a pixel of a
        random class: each class of a record with the same probability, however few its pixels.
      copy_paste: share of the records onto which the pixels of a random class of another record of the batch are
        pasted, if they are fewer than a tenth of the image: rare objects occur in more places.
      omit: share of the changes that each record is spared, different ones for each: strong ones, but not all at once.
      brightness: maximum change, as a fraction of the full range, either way.
      contrast: maximum relative change of the distance from the image's mean grey.
      saturation: maximum relative change of the distance from the pixel's own grey.
      hue: maximum rotation of the colours, in degrees, either way.
      noise: maximum standard deviation of Gaussian noise, in grey levels.
      blur: maximum standard deviation of a Gaussian blur, in pixels.
    """

    flip_horizontal: bool = _row("Random horizontal flip.")
    flip_vertical: bool = _row("Random vertical flip.")
    quarter_turns: bool = _row("Random rotation by 0, 90, 180 or 270 degrees.")
    rotation: float = _row("Maximum random rotation, in degrees.", 180, "degrees", neutral=0.5)
    zoom: float = _row(
        "Random zoom, in or out, by a factor of up to 1 + this.",
        9,
        "(1 is twice the size)",
        neutral=0.5,
    )
    aspect: float = _row(
        "Random stretch of the width, by a factor of up to 1 + this.", 9, "(1 is twice the width)", neutral=0.5
    )
    shear: float = _row("Maximum random shear, in degrees.", 60, "degrees", neutral=0.5)
    translation: float = _row(
        "Maximum random shift, as a fraction of the size.",
        1,
        "of height and width",
        draws=("translation_y", "translation_x"),
        neutral=0.5,
    )
    class_windows: float = _row(
        "Share of the windows around a random class, however rare.",
        1,
        "of the records",
        draws=("class_windows", "class_pixel", "window_y", "window_x"),
    )
    copy_paste: float = _row("Share of the records onto which a rare class of another is pasted.", 1, "of the records")
    omit: float = _row("Share of the changes that each record is spared at random.", 1, "of the changes")
    brightness: float = _row(
        "Maximum brightness change, of the full range.",
        1,
        "of the full range",
        change=_COLORS,
        stage=LIGHT,
        neutral=0.5,
    )
    contrast: float = _row(
        "Maximum relative contrast change.", 1, "of the contrast", change=_COLORS, stage=LIGHT, neutral=0.5
    )
    saturation: float = _row(
        "Maximum relative saturation change.", 1, "of the saturation", change=_COLORS, stage=LIGHT, neutral=0.5
    )
    hue: float = _row("Maximum hue rotation, in degrees.", 180, "degrees", change=_COLORS, stage=LIGHT, neutral=0.5)
    noise: float = _row(
        "Maximum std of Gaussian noise, in grey levels.",
        128,
        "grey levels",
        change="trainer.learning.augment:add_noise",
        neutral=0.0,
        has_normal=True,
    )
    blur: float = _row(
        "Maximum std of Gaussian blur, in pixels.",
        8,
        "pixels",
        change="trainer.learning.augment:soften",
        stage=LENS,
        neutral=0.0,
    )

    def __post_init__(self) -> None:
        """Raises UsageError for a strength outside its limits."""
        for name, row in AUGMENTATIONS.items():
            strength = getattr(self, name)
            if row.highest is not None and not 0 <= strength <= row.highest:  # false for NaN, too
                what = f"is {strength!r}, expected 0..{row.highest:g} {row.unit}"
                raise UsageError(f"--{name}", what, f"Pass --{name} 0 to disable it.")


AUGMENTATIONS: dict[str, Augmentation] = {
    field.name: field.metadata["row"] for field in dataclasses.fields(AugmentConfig)
}

# Street scenes have the sky on top: "light" and "strong" mirror left and right only. In views from straight above
# ("nadir") no side is up, and the sun is anywhere.
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
        brightness=0.15,
        contrast=0.3,
        saturation=0.3,
        hue=10,
        noise=5,
        blur=0.7,
    ),
    "auto": AugmentConfig(
        flip_horizontal=True,
        rotation=15,
        zoom=0.75,
        aspect=0.25,
        shear=8,
        translation=0.15,
        brightness=0.25,
        contrast=0.5,
        saturation=0.6,
        hue=20,
        noise=10,
        blur=1.2,
        omit=0.6,
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
