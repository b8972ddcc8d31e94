"""Masks: from the numbers or colours in a PNG to class indices.

A mask leaves this module as uint8 [H, W]: 0..num_classes-1, or IGNORE_INDEX (255). Resizing is always nearest:
blending two class indices invents a third class. Values are compared as they are drawn: never by their luminance,
which gives (255, 0, 0) and (76, 76, 76) the same number.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import pack
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from converter.classes import ClassMap, Color
from converter.config import MAX_PIXELS
from converter.errors import DataError
from converter.images import PNG_SIGNATURE, Box, load, open_picture, png_header
from converter.schema import IGNORE_INDEX, MAX_CLASSES

PNG_LEVEL = 1  # zlib level: 4 kB more a mask than level 6, at a third of its cost
MAX_TABLES = 64  # kept at a time: as many as there are different palettes, should every mask have its own
_NUM_VALUES = {"L": 1 << 8, "P": 1 << 8, "I;16": 1 << 16, "RGB": 1 << 24}
_SHOWN_VALUES = 3  # of the unlisted values of a mask, most frequent first
_NOTATION = "Add it to the class map, or add the row `ignore,*`."


@dataclass(frozen=True)
class MaskSource:
    """A mask that is opened but not yet decoded.

    Attributes:
      picture: Pillow's lazy image.
      depth: bits a sample in the file.
      name: for messages.
    """

    picture: ImageFile
    depth: int
    name: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.picture.size[1], self.picture.size[0]


def open_mask(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> MaskSource:
    """Opens a mask.

    Raises:
      DataError: no PNG (JPEG blends values, so no mask can be one), damaged, or too large.
    """
    if not data.startswith(PNG_SIGNATURE):
        mend = "Save masks as PNG: JPEG changes values at every edge."
        raise DataError(name, "is no PNG file", mend, "E_FORMAT")
    picture = open_picture(data, name, max_pixels)
    return MaskSource(picture, png_header(data)[0], name)


class MaskValue(NamedTuple):
    """One value that a mask may hold.

    Attributes:
      mode: "L", "P", "I;16" or "RGB".
      depth: bits a sample in the file.
      number: the sample as it stands in the file, or the colour packed as 0xBBGGRR.
      color: (red, green, blue) that it is drawn in.
    """

    mode: str
    depth: int
    number: int
    color: Color

    def __str__(self) -> str:
        """The value in the notation of classes.csv."""
        if self.mode == "RGB":
            return "#{:02X}{:02X}{:02X}".format(*self.color)
        return f"p{self.number}" if self.mode == "P" else str(self.number)


class ValueCounter:
    """Counts the values of whole masks, without a class map."""

    def count(self, source: MaskSource) -> dict[MaskValue, int]:
        """Returns the number of pixels of each value that stands in a mask.

        Raises:
          DataError: the mask is damaged, or has a mode whose values cannot be told exactly.
        """
        picture = _plain(source)
        colors = _palette(picture)
        counts: dict[MaskValue, int] = {}
        for number, count in zip(*np.unique(_values(picture), return_counts=True), strict=True):
            value = int(number)
            color = (
                _unpacked(value) if picture.mode == "RGB" else colors[value] if value < len(colors) else (value,) * 3
            )
            counts[MaskValue(picture.mode, source.depth, value, color)] = int(count)
        return counts


class MaskMapper:
    """Maps masks to class indices by one table look-up a pixel; keeps the tables from mask to mask.

    A table holds codes: 0 for a value that is not listed, so that one `all()` finds one, and so that the table of
    all 2**24 colours is memory that is never touched but where a colour is listed. A class index is code + `_zero`.
    """

    def __init__(self, classes: ClassMap) -> None:
        self.classes = classes
        # The index that code 0 would stand for must be neither a class nor IGNORE_INDEX; with 255 classes it needs
        # a ninth bit.
        is_full = classes.num_classes == MAX_CLASSES
        self._dtype: type[np.unsignedinteger] = np.uint16 if is_full else np.uint8
        self._zero = 256 if is_full else classes.num_classes
        self._tables: dict[tuple[str, int, tuple[Color, ...]], np.ndarray] = {}

    def index_of(self, value: MaskValue) -> int | None:
        """Returns the class index or IGNORE_INDEX that a value is mapped to; None where it is not listed.

        Raises:
          ValueError: the value could be meant in two ways; the message says which.
        """
        colors = (value.color,) * (value.number + 1) if value.mode == "P" else ()
        return self._listed(value.mode, value.depth, colors).get(value.number, self.classes.default)

    def map_mask(self, source: MaskSource, size: tuple[int, int]) -> np.ndarray:
        """Decodes a mask, samples it to a size, and maps its values to class indices.

        Args:
          source: an opened mask.
          size: (height, width) in pixels.

        Returns:
          uint8 [height, width]; every value in it stands in the mask and in the class map.

        Raises:
          DataError: a sampled value that the class map does not list, with its count in the whole mask and the
            nearest class; or a mode whose values cannot be told exactly.
        """
        picture = _plain(source)
        # Nearest sampling and look-up commute: the smaller of the two pictures is looked up.
        shrinks = size[0] * size[1] < source.size[0] * source.size[1]
        if shrinks:
            picture = resize_nearest(picture, size)
        mask = self._look_up(picture, source)
        if not shrinks and source.size != size:
            mask = np.asarray(resize_nearest(Image.fromarray(mask), size))
        return mask

    def _look_up(self, picture: Image.Image, source: MaskSource) -> np.ndarray:
        table = self._table(picture, source)
        codes = table.take(_values(picture))
        if not codes.all():
            raise self._unlisted(source, table)
        codes += self._dtype(self._zero)  # wraps around, on purpose
        return codes.astype(np.uint8, copy=False).reshape(picture.size[1], picture.size[0])

    def _table(self, picture: Image.Image, source: MaskSource) -> np.ndarray:
        """Returns the codes of all values that a picture of this mode, depth and palette can hold."""
        colors = _palette(picture)
        key = (picture.mode, source.depth, colors)
        if key not in self._tables:
            if len(self._tables) >= MAX_TABLES:
                self._tables.clear()
            try:
                self._tables[key] = self._encode(self._listed(*key), _NUM_VALUES[picture.mode])
            except ValueError as error:
                mend = "Write the numbers in the file into the class map, or save the mask as 8-bit grey or RGB."
                raise DataError(source.name, str(error), mend, "E_MASK_VALUE") from None
        return self._tables[key]

    def _encode(self, listed: dict[int, int], num_values: int) -> np.ndarray:
        default = self.classes.default
        table = np.zeros(num_values, self._dtype)  # pages of zeros cost nothing until they are written
        if default is not None:
            table.fill(self._code(default))
        for value, index in listed.items():
            table[value] = self._code(index)
        return table

    def _code(self, index: int) -> int:
        return (index - self._zero) % (1 << 8 * self._dtype().itemsize)

    def _listed(self, mode: str, depth: int, colors: tuple[Color, ...]) -> dict[int, int]:
        """Returns value -> class index for all values of a mode that the class map lists.

        Raises:
          ValueError: a value could be meant in two ways: an entry of a palette belongs to one class by its number and
            to another by its colour; or a sample of few bits is drawn as a level that is listed while it is not.
        """
        classes = self.classes
        if mode == "P":
            listed: dict[int, int] = {}
            for entry, color in enumerate(colors):
                found = {classes.grey.get(entry), classes.rgb.get(color)} - {None}
                if entry in classes.palette:
                    found = {classes.palette[entry]}
                if len(found) > 1:
                    names = " or ".join(sorted(repr(classes.name_of(index)) for index in found if index is not None))
                    raise ValueError(f"palette entry {entry}, colour {color}, may be {names}")
                listed.update((entry, index) for index in found if index is not None)
            return listed
        if mode == "RGB":
            # A grey level k and the colour (k, k, k) are the same drawing; no other colour is ever taken for grey.
            grey = {_packed((level, level, level)): index for level, index in classes.grey.items() if level < 256}
            return grey | {_packed(color): index for color, index in classes.rgb.items()}
        levels = {color[0]: index for color, index in classes.rgb.items() if len(set(color)) == 1}
        if depth < 8:
            step = _step(depth)
            for sample in range(1, 1 << depth):
                if sample not in classes.grey and sample * step in levels | classes.grey:
                    raise ValueError(f"has {depth}-bit samples: a {sample} there is drawn as {sample * step}")
        # A level means the same as a colour only where both have 8 bits.
        listed = levels | classes.grey if depth == 8 else classes.grey
        return {level: index for level, index in listed.items() if level < _NUM_VALUES[mode]}

    def _unlisted(self, source: MaskSource, table: np.ndarray) -> DataError:
        """Returns the error for a mask with unlisted values, counted over the whole mask."""
        picture = _plain(source)
        colors = _palette(picture)
        values = _values(picture)
        found, counts = np.unique(values[table.take(values) == 0], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        shown = [self._describe(int(found[i]), int(counts[i]), picture.mode, colors) for i in order[:_SHOWN_VALUES]]
        more = f" and {len(found) - _SHOWN_VALUES} more" if len(found) > _SHOWN_VALUES else ""
        plural = "s" if len(found) > 1 else ""
        what = f"holds {len(found)} unlisted value{plural}: {'; '.join(shown)}{more}"
        return DataError(source.name, what, _NOTATION, "E_MASK_VALUE")

    def _describe(self, value: int, count: int, mode: str, colors: tuple[Color, ...]) -> str:
        """Returns one unlisted value with its count and the nearest class, as "12 (345 pixels, nearest: 'road' 11)"."""
        classes = self.classes
        color = _unpacked(value) if mode == "RGB" else colors[value] if value < len(colors) else (value,) * 3
        candidates = list(classes.rgb.items()) + [((level,) * 3, index) for level, index in classes.grey.items()]
        text = str(color) if mode == "RGB" else f"palette entry {value} {color}" if colors else str(value)
        pixels = f"{count} pixel{'s' if count > 1 else ''}"
        if not candidates:
            return f"{text} ({pixels})"
        nearest, index = min(candidates, key=lambda item: _distance(item[0], color))
        shown = str(nearest[0]) if len(set(nearest)) == 1 and mode != "RGB" else str(nearest)
        text = f"{text} ({pixels}, nearest: {classes.name_of(index)!r} {shown})"
        # Masks that some tool made grey: say so instead of leaving the user to wonder where 76 comes from.
        drawn = next((c for c in classes.rgb if len(set(c)) > 1 and _luminance(c) == value), None)
        return f"{text}, the grey of {drawn}: these masks were converted to grey" if drawn and mode == "L" else text


def resize_nearest(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Returns the picture sampled to (height, width): row i takes row floor((i + 0.5) * old / new), columns alike.

    Where that is a whole number before the floor, Pillow's rounding may take the row before it.

    Source: Pillow's Resampling.NEAREST.
    """
    return picture.resize((size[1], size[0]), Image.Resampling.NEAREST)


def pad_mask(mask: np.ndarray, box: Box, size: tuple[int, int]) -> np.ndarray:
    """Returns uint8 [height, width] with `mask` in `box` and IGNORE_INDEX around it."""
    if mask.shape == size:
        return mask
    padded = np.full(size, IGNORE_INDEX, np.uint8)
    padded[box.top : box.top + box.height, box.left : box.left + box.width] = mask
    return padded


def encode_png(mask: np.ndarray) -> bytes:
    """Returns a PNG file, mode L, 8 bit, of a class-index mask uint8 [H, W].

    Its rows are not filtered: filters predict brightness, which class indices do not have, and cost most of the time
    of reading and writing one.

    Source: W3C PNG specification, sections 5.3 and 7.2.
    """
    height, width = mask.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter type, 0 for none
    rows[:, 1:] = mask

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(rows.data, PNG_LEVEL)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def decode_mask(data: bytes, name: str) -> np.ndarray:
    """Returns the class indices of a stored mask, uint8 [H, W].

    Raises:
      DataError: the bytes are no whole 8-bit PNG of mode L.
    """
    source = open_mask(data, name)
    if source.picture.mode != "L" or source.depth != 8:
        raise DataError(name, "is no 8-bit index mask", "Build the dataset again.", "E_MASK_MODE")
    load(source.picture, name)
    return np.asarray(source.picture)


def count_classes(mask: np.ndarray, num_classes: int) -> tuple[list[int], int]:
    """Returns (pixels per class index, pixels that hold IGNORE_INDEX) of a uint8 [H, W] mask."""
    histogram = Image.fromarray(mask).histogram()  # several times faster than numpy.bincount, which widens first
    return histogram[:num_classes], histogram[IGNORE_INDEX]


def _plain(source: MaskSource) -> Image.Image:
    """Decodes a mask to L, P, I;16 or RGB with the very numbers that stand in the file."""
    picture, name = source.picture, source.name
    mode = picture.mode
    if source.depth == 16 and mode != "I;16":  # Pillow opens them with 8 bits and drops the low bytes
        raise DataError(name, "has 16 bits a channel", "Save it with 8 bits a channel.", "E_MASK_MODE")
    load(picture, name)
    if mode in ("RGBA", "LA"):
        if picture.getchannel("A").getextrema() != (255, 255):
            raise DataError(name, "is partly transparent", "Save it without an alpha channel.", "E_MASK_MODE")
        return picture.convert("RGB" if mode == "RGBA" else "L")
    if mode == "1" or (mode == "L" and source.depth < 8):
        # Pillow stretches samples of 1, 2 and 4 bits to 0..255; the file's own numbers come back exactly.
        step = _step(source.depth)
        return picture.convert("L").point([value // step for value in range(256)])
    if mode not in ("L", "P", "I;16", "RGB"):
        raise DataError(name, f"has mode {mode}", "Save it as 8-bit grey, palette or RGB.", "E_MASK_MODE")
    return picture


def _palette(picture: Image.Image) -> tuple[Color, ...]:
    """Returns the colours of a palette picture, () for any other."""
    if picture.mode != "P":
        return ()
    flat = picture.getpalette("RGB") or []
    return tuple(zip(flat[0::3], flat[1::3], flat[2::3], strict=True))


def _values(picture: Image.Image) -> np.ndarray:
    """Returns the values of a picture as numbers: [H * W] samples, or colours packed as 0xBBGGRR."""
    if picture.mode != "RGB":
        return np.asarray(picture).ravel()
    # RGBX is one little-endian uint32 a pixel without a copy through three channels; X is padding.
    return np.frombuffer(picture.tobytes("raw", "RGBX"), "<u4") & 0xFFFFFF


def _step(depth: int) -> int:
    """Returns the factor by which Pillow stretches grey samples of 1, 2 or 4 bits to 0..255."""
    return 255 // ((1 << depth) - 1)


def _packed(color: Color) -> int:
    return color[0] | color[1] << 8 | color[2] << 16


def _unpacked(value: int) -> Color:
    return value & 0xFF, value >> 8 & 0xFF, value >> 16


def _distance(a: Color, b: Color) -> int:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def _luminance(color: Color) -> int:
    """Returns the grey that Pillow's convert("L") makes of a colour (ITU-R 601-2 luma, in 16-bit fixed point)."""
    red, green, blue = color
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
