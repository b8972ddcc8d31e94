"""Mapper: the values of a mask -> class indices, by one table look-up per pixel.

A mask leaves this module as uint8 [H, W]: 0..num_classes-1, or IGNORE_INDEX (255). Values are corrected only if the
user sets a tolerance, and corrected pixels are counted.
"""

from __future__ import annotations

import mmap

import numpy as np
from PIL import Image

from converter.classes.class_map import ClassMap
from converter.classes.listed import listed_index, listed_indices
from converter.classes.nearest import NearestColors
from converter.classes.unlisted import unlisted_values
from converter.errors import DataError
from converter.limits import MAX_CLASSES, MAX_TABLES
from converter.pixels.colors import Color
from converter.pixels.geometry import cut, pad_mask, place
from converter.pixels.masks import MaskValue, OpenMask, drawn_color, palette_of, plain_picture, values_of
from converter.pixels.resample import resize_nearest, sample_nearest, vote

_NUM_VALUES = {"L": 1 << 8, "P": 1 << 8, "I;16": 1 << 16, "RGB": 1 << 24}
_LISTED, _CORRECTED = 1 << 8, 2 << 8  # kinds of codes in tables of 16 bits


class MaskMapper:
    """Maps masks to class indices by one table look-up per pixel; caches the tables between masks.

    A table contains codes. 0 means unlisted: one `all()` detects it, and the table of all 2**24 colours only touches
    memory where a colour is listed. Tables have 8 bits if that is enough, and a class index is code + `_zero`. With 255
    classes or a tolerance they have 16 bits: the lower 8 are the class index, the upper ones say whether the value was
    corrected.

    Attributes:
      classes: which mask value is which class.
      tolerance: levels; 0 corrects nothing. An unlisted 8-bit value is corrected to the nearest listed colour (squared
        distance) of those that differ by at most that many levels in every channel. It stays unlisted if two classes
        are equally near. A palette entry is corrected by its colour, if the class map lists colours, never by its
        number. The tolerance is applied before `*`.
      corrected_pixels: number of corrected pixels in all source masks.
    """

    def __init__(self, classes: ClassMap, tolerance: int = 0) -> None:
        self.classes = classes
        self.tolerance = tolerance
        self.corrected_pixels = 0
        # The index that code 0 would mean must be neither a class nor IGNORE_INDEX.
        self._is_wide = tolerance > 0 or classes.num_classes == MAX_CLASSES
        self._zero = 0 if self._is_wide else classes.num_classes
        self._tables: dict[tuple[str, int, tuple[Color, ...]], np.ndarray] = {}
        self._nearest = NearestColors(classes, tolerance)

    def index_of(self, value: MaskValue) -> int | None:
        """Returns the class index or IGNORE_INDEX that a value is mapped to; None if it is unlisted.

        Raises:
          ValueError: the value is ambiguous; the message says how.
        """
        index = listed_index(self.classes, value.mode, value.depth, value.number, value.color)
        if index is None and self._nearest.corrects(value.mode, value.depth):
            nearest = int(self._nearest.indices_of(value.mode, np.array([value.color]))[0])
            index = nearest if nearest >= 0 else None
        return self.classes.default if index is None else index

    def map_mask(
        self, source: OpenMask, size: tuple[int, int], fit: str = "pad", resample: str = "nearest"
    ) -> np.ndarray:
        """Decodes a mask, maps its values to class indices, and brings it to the stored size.

        Args:
          source: an opened mask.
          size: (height, width) in pixels.
          fit: "pad", "stretch" or "crop", as in `place`.
          resample: "nearest" or "vote". With vote, with a tolerance, or if the mask is enlarged, every value of the
            mask must be listed; else only the sampled ones.

        Returns:
          uint8 [height, width]; every index in it is that of a value in the mask, or IGNORE_INDEX as padding.

        Raises:
          DataError: an unlisted value, with its count in the whole mask and the nearest class; a mode whose values are
            not exact; a mask rotated by its own orientation tag; or a JPEG without a tolerance.
        """
        crop, box = place(source.size, size, fit)
        target = box.height, box.width
        if resample == "nearest" and not self.tolerance and target[0] * target[1] < crop.height * crop.width:
            # Nearest sampling and look-up commute: the smaller of the two arrays is looked up.
            mask = self._look_up(sample_nearest(source, crop, target), source)
        else:
            mask = cut(self._look_up(plain_picture(source, self.tolerance), source), crop)
            if resample == "vote":
                mask = vote(mask, target)
            elif mask.shape != target:
                mask = np.asarray(resize_nearest(Image.fromarray(mask), target))
        return pad_mask(mask, box, size)

    def _look_up(self, mask_image: Image.Image, source: OpenMask) -> np.ndarray:
        table = self._table(mask_image, source)
        values = values_of(mask_image)
        codes = table.take(values)
        if not codes.all() and self._nearest.corrects(mask_image.mode, source.depth):
            self._correct(np.unique(values[codes == 0]), table, mask_image)
            codes = table.take(values)
        if not codes.all():
            raise self._unlisted(source, table)
        if self.tolerance:
            self.corrected_pixels += int(np.count_nonzero(codes & _CORRECTED))
        mask = codes.astype(np.uint8, copy=False)
        mask += np.uint8(self._zero)  # wraps around, on purpose
        return mask.reshape(mask_image.size[1], mask_image.size[0])

    def _table(self, mask_image: Image.Image, source: OpenMask) -> np.ndarray:
        """Returns the codes of all values that a mask of this mode, depth and palette can have."""
        colors = palette_of(mask_image)
        key = (mask_image.mode, source.depth, colors)
        if key not in self._tables:
            if len(self._tables) >= MAX_TABLES:
                self._tables.clear()
            try:
                listed = listed_indices(self.classes, *key)
            except ValueError as error:
                fix = "List the numbers in the file in the class map, or save the mask as 8-bit grey or RGB."
                raise DataError(source.name, str(error), fix, "E_MASK_VALUE") from None
            dtype = np.dtype(np.uint16 if self._is_wide else np.uint8)
            # Fresh zero pages from mmap cost nothing until written; np.zeros may clear reused memory instead.
            table = np.frombuffer(mmap.mmap(-1, _NUM_VALUES[mask_image.mode] * dtype.itemsize), dtype)
            if self.classes.default is not None and not self._nearest.corrects(mask_image.mode, source.depth):
                table.fill(self._code(self.classes.default))
            for value, index in listed.items():
                table[value] = self._code(index)
            self._tables[key] = table
        return self._tables[key]

    def _code(self, index: int) -> int:
        return _LISTED | index if self._is_wide else (index - self._zero) % 256

    def _correct(self, values: np.ndarray, table: np.ndarray, mask_image: Image.Image) -> None:
        """Writes the codes of unlisted values into a table: of the nearest class, else of the default, else nothing."""
        if mask_image.mode == "RGB":
            colors = np.stack([values & 0xFF, values >> 8 & 0xFF, values >> 16], axis=1)
        else:
            palette = palette_of(mask_image)
            colors = np.array([drawn_color(int(value), mask_image.mode, palette) for value in values])
        nearest = self._nearest.indices_of(mask_image.mode, colors)
        table[values[nearest >= 0]] = _CORRECTED | nearest[nearest >= 0]
        if self.classes.default is not None:
            table[values[nearest < 0]] = self._code(self.classes.default)

    def _unlisted(self, source: OpenMask, table: np.ndarray) -> DataError:
        """Returns the error for a mask with unlisted values, counted over the whole mask."""
        mask_image = plain_picture(source, self.tolerance)
        values = values_of(mask_image)
        found, counts = np.unique(values[table.take(values) == 0], return_counts=True)
        if self._nearest.corrects(mask_image.mode, source.depth):  # the sampled part may lack some of them
            self._correct(found, table, mask_image)
            is_left = table[found] == 0
            found, counts = found[is_left], counts[is_left]
        return unlisted_values(self.classes, source.name, mask_image, found, counts)
