"""Views: how a photograph is laid before the model. All sizes are (height, width) in pixels.

A photograph is resized and laid on a canvas, on which windows of the model's size slide; the smallest canvas is one
window. Around the photograph the canvas is what it was in training: 0 within the size of the records, and GREY, the
padding of windows, beyond it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from converter.pixels.geometry import place, scaled_size
from converter.pixels.images import OpenImage, render
from trainer.choices.augments import GREY
from trainer.prediction.options import AUTO
from trainer.run.info import RunInfo

LARGE = 2  # times the largest photograph of the records: with a side beyond that, a photograph is of another kind

Size = tuple[int, int]


class View(NamedTuple):
    """Where a photograph is on the canvas.

    Attributes:
      size: of the upright photograph.
      scaled: to which all of it is resized.
      corner: (top, left) of the resized photograph on the canvas.
      fitted: part of the canvas, from its top left corner, that is 0 around the photograph.
      canvas: size of the canvas, at least that of the model's input.
    """

    size: Size
    scaled: Size
    corner: tuple[int, int]
    fitted: Size
    canvas: Size

    @property
    def is_identity(self) -> bool:
        """Whether the canvas is the photograph as it is."""
        return self.size == self.scaled == self.canvas


def view_of(info: RunInfo, size: Size, scale: str | float = AUTO) -> View:
    """Returns how the model of a run looks at a photograph.

    "fit": as the records of the run were made: fitted to their size, or at its own size where they keep theirs. With
    fit "crop" the sides that a record would lack stay, and windows slide over them, so that every pixel is predicted.
    A factor: resized by it. "auto": as "fit", but a photograph with a side more than LARGE times as long as any of the
    records' photographs is resized by the factor of the most frequent size among those, so that things in it are as
    large as the model knows them. Where the records are tiles, both are the factor by which their photographs were
    resized: windows slide over a photograph of any size as the tiles were cut.

    Args:
      info: of the run.
      size: of the upright photograph.
      scale: "auto", "fit" or a factor.
    """
    records = info.records_size
    corner = (0, 0)
    if info.fit == "tile" and isinstance(scale, str):
        scaled = scaled_size(size, info.tile_scale)
        fitted = max(scaled[0], (records or scaled)[0]), max(scaled[1], (records or scaled)[1])
    elif not isinstance(scale, str):
        scaled = fitted = scaled_size(size, scale)
    elif records is None:
        scaled = fitted = size
    elif scale == AUTO and _is_large(info, size):
        assert info.photo_size is not None  # noqa: S101 - for mypy: _is_large has looked
        scaled = fitted = _resized(size, _factors(info.photo_size, records, info.fit))
    elif info.fit == "crop":
        scaled = fitted = _resized(size, _factors(size, records, info.fit))
    else:
        box = place(size, records, info.fit).box
        scaled, corner, fitted = (box.height, box.width), (box.top, box.left), records
    canvas = max(fitted[0], info.size[0]), max(fitted[1], info.size[1])
    return View(size, scaled, corner, fitted, canvas)


def paint(image: OpenImage, view: View) -> np.ndarray:
    """Decodes a photograph, once, and returns its canvas, uint8 [H, W, 3], upright.

    Raises:
      DataError: the pixels are truncated or damaged.
    """
    pixels = np.asarray(render(image, view.scaled, "stretch"))
    image.picture.close()  # its pixels, four bytes each: they would stay as long as the image is known
    if view.canvas == view.scaled:
        return pixels
    canvas = np.full((*view.canvas, 3), GREY, np.uint8)
    canvas[: view.fitted[0], : view.fitted[1]] = 0
    top, left = view.corner
    canvas[top : top + view.scaled[0], left : left + view.scaled[1]] = pixels
    return canvas


def _is_large(info: RunInfo, size: Size) -> bool:
    if info.largest_photo is None or info.photo_size is None:
        return False
    return any(side > LARGE * largest for side, largest in zip(size, info.largest_photo, strict=True))


def _factors(size: Size, records: Size, fit: str) -> tuple[float, float]:
    """Returns by what records are smaller than photographs of a size, (vertically, horizontally)."""
    crop, box = place(size, records, fit)
    return box.height / crop.height, box.width / crop.width


def _resized(size: Size, factors: tuple[float, float]) -> Size:
    return max(1, round(size[0] * factors[0])), max(1, round(size[1] * factors[1]))
