"""Options: every option of a prediction, with its default. Standard library only: `--help` reads them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from converter.errors import UsageError
from converter.limits import MAX_PIXELS

AUTO, FIT = "auto", "fit"
MIN_SCALE, MAX_SCALE = 1 / 64, 64
# What can be saved of a photograph, and the extension of its files; a folder of each is in the output folder.
SUFFIXES = {
    "index": ".png",
    "color": ".png",
    "overlay": ".png",
    "confidence": ".png",
    "probabilities": ".npy",
    "polygons": ".json",
    "geotiff": ".tif",
    "geojson": ".geojson",
}
KINDS = tuple(SUFFIXES)
ON_ERROR = ("fail", "skip")


@dataclass(frozen=True)
class PredictConfig:
    """All options of a prediction.

    Attributes:
      run: run folder of the model, or an exported ONNX file.
      inputs: what to predict, as `find_photographs` takes it.
      out: output folder.
      save: those of KINDS that are saved of each photograph.
      scale: "auto", "fit" or a factor, as `view_of` takes it.
      batch: windows per step; None for the run's.
      tta: one of TTA_NAMES; None for the run's.
      on_error: what to do with a photograph that cannot be read: "fail" stops there, "skip" leaves it out.
      pixel_size: side of a pixel, in metres, of photographs whose files do not say it; None where it is not known.
      max_pixels: maximum number of pixels of a photograph; a TIFF with more is read by windows.
      overwrite: whether predictions of another model, or with other options, are replaced.
    """

    run: Path
    inputs: tuple[str, ...]
    out: Path
    save: tuple[str, ...] = KINDS[:1]
    scale: str = AUTO
    batch: int | None = None
    tta: str | None = None
    on_error: str = ON_ERROR[0]
    pixel_size: float | None = None
    max_pixels: int = MAX_PIXELS
    overwrite: bool = False

    def __post_init__(self) -> None:
        parse_scale(self.scale)
        unknown = [name for name in self.save if name not in KINDS]
        if unknown or not self.save:
            what = f"is {','.join(self.save)!r}, expected one or more of {', '.join(KINDS)}"
            raise UsageError("--save", what, "For example, pass --save index,overlay.")
        if self.pixel_size is not None and not 0 < self.pixel_size < float("inf"):
            what = f"is {self.pixel_size!r}, expected a number of metres above 0"
            raise UsageError("--pixel-size", what, "For 20 cm, pass --pixel-size 0.2.")


def parse_scale(text: str) -> str | float:
    """Returns "auto", "fit", or the factor of a scale.

    Raises:
      UsageError: it is anything else, or a factor beyond MIN_SCALE..MAX_SCALE.
    """
    if text in (AUTO, FIT):
        return text
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not MIN_SCALE <= factor <= MAX_SCALE:
        what = f"is {text!r}, expected auto, fit, or a factor within {MIN_SCALE:.3f}..{MAX_SCALE:.0f}"
        raise UsageError("--scale", what, "Pass --scale 0.5 to look at photographs at half their size.")
    return factor
