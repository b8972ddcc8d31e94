"""Canvas: what the model looks at of a photograph that is read by windows, without holding it."""

from __future__ import annotations

import numpy as np

from converter.pixels.geometry import Box, overlap_of
from converter.sources.rasters import Raster
from trainer.choices.augments import GREY
from trainer.prediction.views import View

READ_PIXELS = 4_000_000  # of the file, at a time


class RasterCanvas:
    """The canvas that `paint` would return of a raster file; its windows are read when they are asked for."""

    def __init__(self, raster: Raster, view: View) -> None:
        """Takes an open file, and where it is on the canvas."""
        self._raster = raster
        self._view = view

    @property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, 3)."""
        return (*self._view.canvas, 3)

    def __getitem__(self, index: tuple[slice, slice]) -> np.ndarray:
        """Returns rows and columns of it, uint8 [h, w, 3].

        Raises:
          DataError: this part of the file is damaged.
        """
        view = self._view
        (top, bottom, _), (left, right, _) = (part.indices(n) for part, n in zip(index, view.canvas, strict=True))
        box = Box(top - view.corner[0], left - view.corner[1], bottom - top, right - left)
        inside = overlap_of(box, view.scaled)
        seen = Box(box.top + inside.top, box.left + inside.left, inside.height, inside.width)
        if seen == box:
            return scaled_pixels(self._raster, box, view.scaled)
        part = np.full((box.height, box.width, 3), GREY, np.uint8)
        part[: max(0, view.fitted[0] - top), : max(0, view.fitted[1] - left)] = 0
        if seen.height and seen.width:
            pixels = scaled_pixels(self._raster, seen, view.scaled)
            part[inside.top : inside.top + inside.height, inside.left : inside.left + inside.width] = pixels
        return part


def scaled_pixels(raster: Raster, box: Box, scaled: tuple[int, int]) -> np.ndarray:
    """Returns a part of a raster file after scaling, uint8 [height, width, 3], by reading some rows at a time.

    Args:
      raster: open.
      box: in pixels after scaling.
      scaled: (height, width) of all of it after scaling.

    Raises:
      DataError: this part of the file is damaged.
    """
    down, right = (old / new for old, new in zip(raster.size, scaled, strict=True))
    step = max(1, int(READ_PIXELS / (down * right * box.width)))
    rows = [
        np.asarray(raster.scaled_image(Box(top, box.left, min(step, box.top + box.height - top), box.width), scaled))
        for top in range(box.top, box.top + box.height, step)
    ]
    return rows[0] if len(rows) == 1 else np.concatenate(rows)
