"""Drawing: the objects of a picture -> its mask of class indices, and what was covered or cut off.

Objects are drawn one after the other, later over earlier. A mask leaves this module as uint8 [H, W]: 0 where nothing
was drawn, else the index of a class, or IGNORE_INDEX.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from converter.annotations.shapes import Area, Drawable, InFile, Outline, Runs
from converter.errors import DataError
from converter.pixels.masks import open_mask, plain_picture, values_of

ORDERS = {
    "file": "in the order of the file",
    "area": "the largest first",
    "class": "in the order of the classes",
}
_Region = tuple[Area, NDArray[np.bool_]]


@dataclass
class Drawn:
    """A mask, and what happened while it was drawn.

    Attributes:
      mask: uint8 [H, W], class indices.
      overlaps: pixels that one class took from another, by (index below, index above).
      objects: number of objects by class index.
      pixels: number of pixels by class index.
      clipped: number of objects that reach out of the picture.
      empty: number of objects that cover no pixel of it.
    """

    mask: NDArray[np.uint8]
    overlaps: Counter[tuple[int, int]] = field(default_factory=Counter)
    objects: Counter[int] = field(default_factory=Counter)
    pixels: Counter[int] = field(default_factory=Counter)
    clipped: int = 0
    empty: int = 0


class Canvas:
    """A picture on which one shape at a time is drawn, to get its pixels.

    Args:
      size: (height, width) in pixels.
      read: returns the content of a mask file; DataError where that fails.
    """

    def __init__(self, size: tuple[int, int], read: Callable[[str], bytes]) -> None:
        self._size = size
        self._read = read
        self._picture = Image.new("L", (size[1], size[0]))
        self._pen = ImageDraw.Draw(self._picture)
        self._file: tuple[str, NDArray[np.int64]] = ("", np.zeros((0, 0), np.int64))

    def pixels(self, shape: Outline | Runs | InFile) -> _Region:
        """Returns (area within the picture, bool [H, W] of that area) of a shape.

        Raises:
          DataError: the mask file of a shape cannot be read, or is not of the size of the picture.
        """
        if isinstance(shape, Outline):
            return self._outlined(shape)
        if isinstance(shape, InFile):
            return _cropped(Area(0, 0, self._size[1], self._size[0]), self._in_file(shape))
        area = shape.area.within(self._size)
        top, left = area.top - shape.area.top, area.left - shape.area.left
        return _cropped(area, shape.pixels()[top : top + area.height, left : left + area.width])

    def _outlined(self, shape: Outline) -> _Region:
        """Returns the pixels of an outline; the canvas is empty again afterwards."""
        area = shape.area(self._size)
        if not area.width or not area.height:
            return area, np.zeros((area.height, area.width), bool)
        edges = (area.left, area.top, area.left + area.width, area.top + area.height)
        shape.draw(self._pen)
        pixels = np.asarray(self._picture.crop(edges)).view(bool)
        self._picture.paste(0, edges)
        return area, pixels

    def _in_file(self, shape: InFile) -> NDArray[np.bool_]:
        """Returns the pixels of a mask file; the file that was read last is kept, since it may hold all objects."""
        if self._file[0] != shape.path:
            picture = plain_picture(open_mask(self._read(shape.path), shape.path), 0)
            if (picture.height, picture.width) != self._size:
                what = f"is {picture.height}x{picture.width} (height x width), and its photograph "
                what += f"{self._size[0]}x{self._size[1]}"
                raise DataError(shape.path, what, "Export it at the size of the photograph.", "E_SIZE")
            self._file = (shape.path, values_of(picture).reshape(self._size))
        values = self._file[1]
        pixels: NDArray[np.bool_] = values != 0 if shape.value is None else values == shape.value
        return pixels


def _cropped(area: Area, pixels: NDArray[np.bool_]) -> _Region:
    """Returns the smallest region that holds all pixels of an area, bool [H, W], that are set."""
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not len(rows):
        return Area(0, 0, 0, 0), pixels[:0, :0]
    top, left = int(rows[0]), int(columns[0])
    inner = Area(left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)
    return inner._replace(left=area.left + left, top=area.top + top), pixels[inner.slices]


def draw(
    objects: Sequence[Drawable], canvas: Canvas, size: tuple[int, int], indices: Mapping[str, int], order: str
) -> Drawn:
    """Returns the mask of a picture.

    Args:
      objects: in the order of the file, in pixels.
      canvas: of this size.
      size: (height, width) in pixels.
      indices: class index of each label.
      order: one of ORDERS; those that lie under all others come first in each of them.

    Raises:
      DataError: as `Canvas.pixels`.
    """
    drawn = Drawn(np.zeros(size, np.uint8))
    drawn.pixels[0] = drawn.mask.size
    for drawable in sorted(objects, key=partial(_rank, canvas=canvas, indices=indices, order=order)):
        area, pixels = canvas.pixels(drawable.shape)
        index, shape = indices[drawable.label], drawable.shape
        drawn.objects[index] += 1
        if isinstance(shape, Outline):
            drawn.clipped += shape.leaves(size)
        elif isinstance(shape, Runs):
            drawn.clipped += shape.area.within(size) != shape.area
        covered = int(np.count_nonzero(pixels))
        if not covered:
            drawn.empty += 1
            continue
        part = drawn.mask[area.slices]
        inside = pixels.view(np.uint8)  # 0 or 1: arithmetic on bytes is several times faster than indexing by bool
        if not part.any():
            np.multiply(inside, np.uint8(index), out=part)
        else:
            below = part * inside
            counts = Image.fromarray(below).histogram()  # several times faster than numpy.bincount, which widens first
            for number in [number for number in drawn.pixels if number and counts[number]]:
                if number != index:
                    drawn.overlaps[number, index] += counts[number]
                drawn.pixels[number] -= counts[number]
                drawn.pixels[0] += counts[number]
            part += np.uint8(index) * inside - below
        drawn.pixels[0] -= covered
        drawn.pixels[index] += covered
    return drawn


def _rank(drawable: Drawable, canvas: Canvas, indices: Mapping[str, int], order: str) -> tuple[bool, int]:
    """Returns the place of an object among the others of its picture; equal ones stay in the order of the file."""
    place = 0
    if order == "class":
        place = indices[drawable.label]
    elif order == "area":  # drawn once more than the others, so that the pixels of one alone are in memory
        place = -int(np.count_nonzero(canvas.pixels(drawable.shape)[1]))
    return not drawable.is_under, place
