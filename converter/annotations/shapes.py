"""Shapes: what an annotation says of one object: outlines, runs of pixels, or values in a mask file.

Coordinates are (x, y) in pixels, from the upper left corner of the picture, as float64; pixel (0, 0) is the square from
(0, 0) to (1, 1). One rule of edges holds for all formats: a point is the pixel that it lies in, and an outline covers
the pixels of its points, those on the lines between them, and what these enclose. A hole takes its own edge away.

Source: Pillow's ImageDraw, which cuts the fractions off, and which labelme draws with as well.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ImageDraw

Points = NDArray[np.float64]  # [N, 2]: x and y


class Area(NamedTuple):
    """A rectangle of whole pixels."""

    left: int
    top: int
    width: int
    height: int

    def within(self, size: tuple[int, int]) -> Area:
        """Returns the part of it in a picture of size (height, width)."""
        left, top = max(self.left, 0), max(self.top, 0)
        right, bottom = min(self.left + self.width, size[1]), min(self.top + self.height, size[0])
        return Area(left, top, max(right - left, 0), max(bottom - top, 0))

    @property
    def slices(self) -> tuple[slice, slice]:
        """The index of its pixels in an array [H, W]."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


@dataclass(frozen=True)
class Outline:
    """An object by its border.

    Attributes:
      kind: "polygon", "line", or "box" or "ellipse", whose one part is two opposite corners around it.
      parts: points of each part; the object is all of them together.
      holes: points of each hole, which is taken away from all parts.
      width: of a line, in pixels.
    """

    kind: str
    parts: tuple[Points, ...]
    holes: tuple[Points, ...] = ()
    width: int = 1

    def scaled(self, size: tuple[int, int]) -> Outline:
        """Returns it in pixels, where its coordinates are shares of a picture of size (height, width)."""
        parts, holes = (tuple(in_pixels(ring, size) for ring in rings) for rings in (self.parts, self.holes))
        return replace(self, parts=parts, holes=holes)

    @functools.cached_property
    def _bounds(self) -> tuple[float, float, float, float]:
        """The smallest x and y of all parts, then the largest."""
        ring = self.parts[0] if len(self.parts) == 1 else np.concatenate(self.parts)
        low: list[float] = ring.min(axis=0).tolist()
        high: list[float] = ring.max(axis=0).tolist()
        return low[0], low[1], high[0], high[1]

    def leaves(self, size: tuple[int, int]) -> bool:
        """Returns whether a point lies outside a picture of size (height, width)."""
        left, top, right, bottom = self._bounds
        return left < 0 or top < 0 or right > size[1] or bottom > size[0]

    def area(self, size: tuple[int, int]) -> Area:
        """Returns a rectangle that holds every pixel of it in a picture of size (height, width)."""
        left, top = (math.floor(value) - self.width for value in self._bounds[:2])
        right, bottom = (math.floor(value) + self.width + 1 for value in self._bounds[2:])
        return Area(left, top, right - left, bottom - top).within(size)

    def draw(self, pen: ImageDraw.ImageDraw) -> None:
        """Draws it with 1 on a picture of zeros."""
        for ring in self.parts:
            xy = _corners(ring)
            if self.kind == "polygon":
                pen.polygon(xy, fill=1)
            elif self.kind == "line":
                pen.line(xy, fill=1, width=self.width)
            elif self.kind == "box":
                pen.rectangle(xy, fill=1)
            else:
                pen.ellipse(xy, fill=1)
        for ring in self.holes:
            pen.polygon(_corners(ring), fill=0)


def in_pixels(shares: Points, size: tuple[int, int]) -> Points:
    """Returns shares of a picture of size (height, width) in pixels, to a hundredth.

    They are written with some six digits: 7 of 12 pixels come back as 6.999996, whose pixel is another one.
    """
    return np.round(shares * np.array([size[1], size[0]], np.float64), 2)


def _corners(ring: Points) -> list[int]:
    """Returns the pixels that points lie in, as Pillow takes them: x, y, x, y, ..."""
    flat: list[int] = ring.astype(np.int64).ravel().tolist()
    return flat


@dataclass(frozen=True)
class Runs:
    """An object by the lengths of its runs of pixels.

    Attributes:
      counts: int64 [N], pixels outside and inside the object in turn, outside first; their sum is that of the area.
      area: the rectangle that the runs fill.
      is_by_column: they run down the columns, as in COCO, not along the rows.
    """

    counts: NDArray[np.int64]
    area: Area
    is_by_column: bool = False

    def pixels(self) -> NDArray[np.bool_]:
        """Returns the pixels of the area, bool [H, W]."""
        flat = np.repeat(np.arange(len(self.counts)) % 2 == 1, self.counts)
        width, height = self.area.width, self.area.height
        return flat.reshape(width, height).T if self.is_by_column else flat.reshape(height, width)

    @classmethod
    def of(cls, pixels: NDArray[np.bool_], left: int = 0, top: int = 0) -> Runs:
        """Returns the runs of pixels, bool [H, W], whose upper left corner is at (left, top)."""
        flat = np.concatenate([[False], pixels.ravel(), [False]])
        edges = np.flatnonzero(flat[1:] != flat[:-1])
        counts = np.diff(np.concatenate([[0], edges, [pixels.size]])).astype(np.int64)
        return cls(counts, Area(left, top, pixels.shape[1], pixels.shape[0]))


class InFile(NamedTuple):
    """An object by the pixels of a mask file of the size of the picture.

    Attributes:
      path: of the mask, relative to the source folder.
      value: of its pixels, a colour as 0xBBGGRR; None for all that are not 0 (or black).
    """

    path: str
    value: int | None = None


Shape = Outline | Runs | InFile


class Drawable(NamedTuple):
    """One object of a picture.

    Attributes:
      label: name of its class, as annotated.
      shape: where it is.
      is_under: lies under all others whatever the order, as the crowds of COCO.
    """

    label: str
    shape: Shape
    is_under: bool = False
