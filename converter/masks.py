"""Masks: from the numbers or colours in a picture file to class indices.

A mask leaves this module as uint8 [H, W]: 0..num_classes-1, or IGNORE_INDEX (255). It is never blended: that would
invent a third class between two; a target pixel takes the class of one source pixel, or the one with the most area.
Values are compared as they are drawn: never by their luminance, which gives (255, 0, 0) and (76, 76, 76) the same
number. Only where the user names a tolerance is a value taken for another one, and then it is counted.
"""

from __future__ import annotations

import functools
import mmap
import zlib
from dataclasses import dataclass
from struct import pack
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.ImageFile import ImageFile

from converter.classes import ClassMap, Color, greys_of, luminance
from converter.config import MAX_PIXELS
from converter.containers import PNG_SIGNATURE
from converter.errors import DataError
from converter.images import Box, decoded, decoded_fast, open_picture, orientation_of, place
from converter.schema import IGNORE_INDEX, MAX_CLASSES

PNG_LEVEL = 1  # zlib level: 4 kB more a mask than level 6, at a third of its cost
MAX_TABLES = 64  # kept at a time: as many as there are different palettes, should every mask have its own
_NUM_VALUES = {"L": 1 << 8, "P": 1 << 8, "I;16": 1 << 16, "RGB": 1 << 24}
_SHOWN_VALUES = 3  # of the unlisted values of a mask, most frequent first
_NOTATION = "Add it to the class map, or add the row `ignore,*`."
_CHUNK = 1 << 20  # pixels or pairs of colours that are worked on at a time
_COUNTED_COLORS = 1 << 16  # at most, without sorting: masks that were saved as JPEG have some ten thousand
_LISTED, _CORRECTED = 1 << 8, 2 << 8  # kinds of codes in tables of 16 bits


@dataclass(frozen=True)
class MaskSource:
    """A mask that is opened but not yet decoded.

    Attributes:
      picture: Pillow's lazy image.
      depth: bits a sample in the file.
      name: for messages.
      orientation: 1..8 as the file has it; None where only the decoded mask can tell.
      is_lossy: whether it is a JPEG, which has other values than were drawn at every edge.
    """

    picture: ImageFile
    depth: int
    name: str
    orientation: int | None = None
    is_lossy: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.picture.size[1], self.picture.size[0]


def open_mask(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> MaskSource:
    """Opens a mask.

    Raises:
      DataError: no PNG, TIFF, BMP or JPEG, damaged, or too large.
    """
    source = open_picture(data, name, max_pixels, as_numbers=True)
    return MaskSource(source.picture, source.depth, name, source.orientation, source.is_lossy)


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
    """Counts the values of whole masks, without a class map.

    Attributes:
      tolerance: as of MaskMapper; 0 refuses masks that are compressed as JPEG.
    """

    def __init__(self, tolerance: int = 0) -> None:
        self.tolerance = tolerance

    def count(self, source: MaskSource) -> dict[MaskValue, int]:
        """Returns the number of pixels of each value that stands in a mask, most frequent first.

        Raises:
          DataError: the mask is damaged, has a mode whose values cannot be told exactly, or is a JPEG while there is
            no tolerance.
        """
        return self.count_most_frequent(source, None)[0]

    def count_most_frequent(self, source: MaskSource, limit: int | None) -> tuple[dict[MaskValue, int], int, int]:
        """Returns (pixels of the `limit` most frequent values, number of other values, pixels of those).

        A photograph that is given as a mask has millions of values, which nobody wants to hold.

        Raises:
          DataError: as `count`.
        """
        picture = _plain(source, self.tolerance)
        numbers, counts = _counted(picture)
        order = np.lexsort((numbers, -counts))
        shown, others = order[:limit], order[len(order[:limit]) :]
        colors = _palette(picture)
        found: dict[MaskValue, int] = {}
        for number, count in zip(numbers[shown].tolist(), counts[shown].tolist(), strict=True):
            color = _drawn(number, picture.mode, colors)
            found[MaskValue(picture.mode, source.depth, number, color)] = count
        return found, len(others), int(counts[others].sum())


class MaskMapper:
    """Maps masks to class indices by one table look-up a pixel; keeps the tables from mask to mask.

    A table holds codes: 0 for a value that is not listed, so that one `all()` finds one, and so that the table of
    all 2**24 colours is memory that is never touched but where a colour is listed. Tables are of 8 bits where that
    is enough, and a class index is code + `_zero`; with 255 classes or a tolerance they are of 16 bits, the lower
    8 are the class index and the upper ones tell whether the value was corrected.

    Attributes:
      classes: which mask value is which class.
      tolerance: levels; 0 corrects nothing. A value of 8 bits that is not listed is taken for the nearest listed
        colour (squared distance) of those that differ by at most so much in every channel, and stays unlisted where
        two classes are equally near. A palette entry is corrected by its colour, where the class map lists colours;
        never by its number. This comes before `*`.
      corrected_pixels: pixels of the source masks, all of them, that were taken for a class so.
    """

    def __init__(self, classes: ClassMap, tolerance: int = 0) -> None:
        self.classes = classes
        self.tolerance = tolerance
        self.corrected_pixels = 0
        # The index that code 0 would stand for must be neither a class nor IGNORE_INDEX.
        self._is_wide = tolerance > 0 or classes.num_classes == MAX_CLASSES
        self._zero = 0 if self._is_wide else classes.num_classes
        self._tables: dict[tuple[str, int, tuple[Color, ...]], np.ndarray] = {}
        self._candidates: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def index_of(self, value: MaskValue) -> int | None:
        """Returns the class index or IGNORE_INDEX that a value is mapped to; None where it is not listed.

        Raises:
          ValueError: the value could be meant in two ways; the message says which.
        """
        index = self._index(value.mode, value.depth, value.number, value.color)
        if index is None and self._corrects(value.mode, value.depth):
            nearest = int(self._nearest(value.mode, np.array([value.color]))[0])
            index = nearest if nearest >= 0 else None
        return self.classes.default if index is None else index

    def map_mask(
        self, source: MaskSource, size: tuple[int, int], fit: str = "pad", resample: str = "nearest"
    ) -> np.ndarray:
        """Decodes a mask, maps its values to class indices, and brings it to the stored size.

        Args:
          source: an opened mask.
          size: (height, width) in pixels.
          fit: "pad", "stretch" or "crop", as in `place`.
          resample: "nearest" or "vote". With vote, with a tolerance, and where the mask grows, every value of the
            mask has to be listed; else those that are sampled.

        Returns:
          uint8 [height, width]; every value in it stands in the mask and in the class map, or is IGNORE_INDEX where
          it is padding.

        Raises:
          DataError: a value that the class map does not list, with its count in the whole mask and the nearest class;
            a mode whose values cannot be told exactly; a mask that is turned by its own orientation; or a JPEG while
            there is no tolerance.
        """
        crop, box = place(source.size, size, fit)
        target = box.height, box.width
        if resample == "nearest" and not self.tolerance and target[0] * target[1] < crop.height * crop.width:
            # Nearest sampling and look-up commute: the smaller of the two pictures is looked up.
            mask = self._look_up(_sampled(source, crop, target), source)
        else:
            mask = cut(self._look_up(_plain(source, self.tolerance), source), crop)
            if resample == "vote":
                mask = vote(mask, target)
            elif mask.shape != target:
                mask = np.asarray(resize_nearest(Image.fromarray(mask), target))
        return _padded(mask, box, size)

    def _look_up(self, picture: Image.Image, source: MaskSource) -> np.ndarray:
        table = self._table(picture, source)
        values = _values(picture)
        codes = table.take(values)
        if not codes.all() and self._corrects(picture.mode, source.depth):
            self._correct(np.unique(values[codes == 0]), table, picture)
            codes = table.take(values)
        if not codes.all():
            raise self._unlisted(source, table)
        if self.tolerance:
            self.corrected_pixels += int(np.count_nonzero(codes & _CORRECTED))
        mask = codes.astype(np.uint8, copy=False)
        mask += np.uint8(self._zero)  # wraps around, on purpose
        return mask.reshape(picture.size[1], picture.size[0])

    def _table(self, picture: Image.Image, source: MaskSource) -> np.ndarray:
        """Returns the codes of all values that a picture of this mode, depth and palette can hold."""
        colors = _palette(picture)
        key = (picture.mode, source.depth, colors)
        if key not in self._tables:
            if len(self._tables) >= MAX_TABLES:
                self._tables.clear()
            try:
                listed = self._listed(*key)
            except ValueError as error:
                mend = "Write the numbers in the file into the class map, or save the mask as 8-bit grey or RGB."
                raise DataError(source.name, str(error), mend, "E_MASK_VALUE") from None
            dtype = np.dtype(np.uint16 if self._is_wide else np.uint8)
            # Pages of zeros cost nothing until they are written, as long as they are new and not cleared by somebody.
            table = np.frombuffer(mmap.mmap(-1, _NUM_VALUES[picture.mode] * dtype.itemsize), dtype)
            if self.classes.default is not None and not self._corrects(picture.mode, source.depth):
                table.fill(self._code(self.classes.default))
            for value, index in listed.items():
                table[value] = self._code(index)
            self._tables[key] = table
        return self._tables[key]

    def _code(self, index: int) -> int:
        return _LISTED | index if self._is_wide else (index - self._zero) % 256

    def _corrects(self, mode: str, depth: int) -> bool:
        """Tells whether values of a mode are taken for their neighbours."""
        return self.tolerance > 0 and (mode == "RGB" or (mode == "L" and depth == 8) or (mode == "P"))

    def _correct(self, values: np.ndarray, table: np.ndarray, picture: Image.Image) -> None:
        """Writes the codes of unlisted values into a table: of the nearest class, else of the default, else none."""
        if picture.mode == "RGB":
            colors = np.stack([values & 0xFF, values >> 8 & 0xFF, values >> 16], axis=1)
        else:
            palette = _palette(picture)
            colors = np.array([_drawn(int(value), picture.mode, palette) for value in values])
        nearest = self._nearest(picture.mode, colors)
        table[values[nearest >= 0]] = _CORRECTED | nearest[nearest >= 0]
        if self.classes.default is not None:
            table[values[nearest < 0]] = self._code(self.classes.default)

    def _nearest(self, mode: str, colors: np.ndarray) -> np.ndarray:
        """Returns the class index of the nearest listed colour within the tolerance, int64 [N]; -1 where there is none.

        Args:
          mode: of the picture.
          colors: [N, 3].
        """
        if mode not in self._candidates:
            drawn = dict(self.classes.rgb)
            if mode != "P":  # where a grey level is the number of an entry
                drawn.update(((level,) * 3, index) for level, index in self.classes.grey.items() if level < 256)
            if mode == "L":
                drawn = {color: index for color, index in drawn.items() if len(set(color)) == 1}
            listed, indices = np.array([*drawn], np.int32).reshape(-1, 3), np.array([*drawn.values()], np.int64)
            self._candidates[mode] = listed, indices
        listed, indices = self._candidates[mode]
        nearest = np.full(len(colors), -1, np.int64)
        if not len(listed):
            return nearest
        step = max(1, _CHUNK // len(listed))
        for start in range(0, len(colors), step):
            apart = np.abs(colors[start : start + step, None].astype(np.int32) - listed)  # [n, listed, 3]
            squared = np.where(apart.max(axis=2) <= self.tolerance, (apart**2).sum(axis=2), 1 << 20)
            least = squared.min(axis=1, keepdims=True)
            is_nearest = squared == least
            low = np.where(is_nearest, indices, 256).min(axis=1)
            high = np.where(is_nearest, indices, -1).max(axis=1)
            nearest[start : start + step] = np.where((least[:, 0] < 1 << 20) & (low == high), low, -1)
        return nearest

    def _listed(self, mode: str, depth: int, colors: tuple[Color, ...]) -> dict[int, int]:
        """Returns value -> class index for all values of a mode that the class map lists.

        Raises:
          ValueError: a value could be meant in two ways.
        """
        classes = self.classes
        if mode == "RGB":
            # A grey level k and the colour (k, k, k) are the same drawing; no other colour is ever taken for grey.
            grey = {_packed((level, level, level)): index for level, index in classes.grey.items() if level < 256}
            return grey | {_packed(color): index for color, index in classes.rgb.items()}
        if depth == 16:
            return dict(classes.grey)
        numbers = range(256 if mode == "P" else 1 << depth)
        found = ((number, self._index(mode, depth, number, _drawn(number, mode, colors))) for number in numbers)
        return {number: index for number, index in found if index is not None}

    def _index(self, mode: str, depth: int, number: int, color: Color) -> int | None:
        """Returns the class index of a value; None where the class map does not list it.

        Raises:
          ValueError: it could be meant in two ways: an entry of a palette belongs to one class by its number and to
            another by its colour; or a sample of few bits is drawn as a level that is listed while it is not.
        """
        classes = self.classes
        if mode == "RGB":
            grey = classes.grey.get(color[0]) if len(set(color)) == 1 else None
            return classes.rgb.get(color, grey)
        if mode == "P":
            if number in classes.palette:
                return classes.palette[number]
            found = {classes.grey.get(number), classes.rgb.get(color)} - {None}
            if len(found) > 1:
                names = " or ".join(sorted(repr(classes.name_of(index)) for index in found if index is not None))
                raise ValueError(f"palette entry {number}, colour {color}, may be {names}")
            return found.pop() if found else None
        if number in classes.grey:
            return classes.grey[number]
        if depth < 8:
            drawn = number * _step(depth)
            if number and (drawn in classes.grey or (drawn,) * 3 in classes.rgb):
                raise ValueError(f"has {depth}-bit samples: a {number} there is drawn as {drawn}")
            return None
        # A level means the same as a colour only where both have 8 bits.
        return classes.rgb.get((number,) * 3) if depth == 8 else None

    def _unlisted(self, source: MaskSource, table: np.ndarray) -> DataError:
        """Returns the error for a mask with unlisted values, counted over the whole mask."""
        picture = _plain(source, self.tolerance)
        colors = _palette(picture)
        values = _values(picture)
        found, counts = np.unique(values[table.take(values) == 0], return_counts=True)
        if self._corrects(picture.mode, source.depth):  # a sampled part may not have held them all
            self._correct(found, table, picture)
            is_left = table[found] == 0
            found, counts = found[is_left], counts[is_left]
        order = np.argsort(-counts, kind="stable")
        shown = [self._describe(int(found[i]), int(counts[i]), picture.mode, colors) for i in order[:_SHOWN_VALUES]]
        more = f" and {len(found) - _SHOWN_VALUES} more" if len(found) > _SHOWN_VALUES else ""
        plural = "s" if len(found) > 1 else ""
        what = f"holds {len(found)} unlisted value{plural}: {'; '.join(shown)}{more}"
        return DataError(source.name, what, _NOTATION, "E_MASK_VALUE")

    def _describe(self, value: int, count: int, mode: str, colors: tuple[Color, ...]) -> str:
        """Returns one unlisted value with its count and the nearest class, as "12 (345 pixels, nearest: 'road' 11)"."""
        classes = self.classes
        color = _drawn(value, mode, colors)
        candidates = list(classes.rgb.items()) + [((level,) * 3, index) for level, index in classes.grey.items()]
        text = str(color) if mode == "RGB" else f"palette entry {value} {color}" if colors else str(value)
        pixels = f"{count} pixel{'s' if count > 1 else ''}"
        if not candidates:
            return f"{text} ({pixels})"
        nearest, index = min(candidates, key=lambda item: _distance(item[0], color))
        shown = str(nearest[0]) if len(set(nearest)) == 1 and mode != "RGB" else str(nearest)
        text = f"{text} ({pixels}, nearest: {classes.name_of(index)!r} {shown})"
        # Where either side was made grey by some tool: say so instead of leaving the user to wonder what 76 is.
        greys = greys_of(classes)
        if mode == "L" and value in greys:
            return f"{text}, the grey of {greys[value]}: these masks were converted to grey"
        if mode != "L" and len(set(color)) > 1 and not greys and luminance(color) in classes.grey:
            grey = luminance(color)
            return f"{text}: the class map lists greys, these masks are in colour; {grey} is the grey of {color}"
        return text


def resize_nearest(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Returns the picture sampled to (height, width): row i takes row floor((i + 0.5) * old / new), columns alike.

    Where that is a whole number before the floor, Pillow's rounding may take the row before it.

    Source: Pillow's Resampling.NEAREST.
    """
    return picture.resize((size[1], size[0]), Image.Resampling.NEAREST)


@functools.lru_cache
def nearest_rows(old: int, new: int) -> np.ndarray:
    """Returns which of `old` rows `resize_nearest` takes for each of `new`, int64 [new]."""
    ramp = Image.fromarray(np.arange(old, dtype=np.int32)[:, None])
    taken: np.ndarray = np.asarray(resize_nearest(ramp, (new, 1)))[:, 0]
    return taken.astype(np.int64)


def _sampled(source: MaskSource, crop: Box, size: tuple[int, int]) -> Image.Image:
    """Returns the part of a mask in `crop`, sampled to (height, width), with the numbers that stand in the file."""
    pixels = decoded_fast(source.picture)
    if pixels is not None:  # only the rows that are taken become a picture
        picture = Image.fromarray(cut(pixels, crop).take(nearest_rows(crop.height, size[0]), 0))
    else:
        picture = _plain(source, tolerance=0)
        if (crop.height, crop.width) != source.size:
            picture = picture.crop((crop.left, crop.top, crop.left + crop.width, crop.top + crop.height))
    return resize_nearest(picture, size)


def vote(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns a mask of another size, each pixel of it the class with the most area in the mask underneath.

    Target row i of h lies over the source rows from i * H / h to (i + 1) * H / h, columns alike. IGNORE_INDEX wins
    where it covers more than half of that area; else the classes are counted among themselves, and of two with the
    same area the smaller index wins. Areas are whole numbers, in units of 1 / (h * w) source pixels.

    Args:
      mask: class indices and IGNORE_INDEX, uint8 [H, W].
      size: (height, width) in pixels.

    Returns:
      uint8 [height, width]; every value in it occurs in `mask`.
    """
    if mask.shape == size:
        return mask
    rows, columns = (_Cover(old, new) for old, new in zip(mask.shape, size, strict=True))
    # Most target pixels lie over one class alone; only the others are counted.
    voted, high = _reduced(mask, rows, columns, np.minimum), _reduced(mask, rows, columns, np.maximum)
    mixed_rows, mixed_columns = np.nonzero(voted != high)
    classes = np.flatnonzero(np.bincount(mask.ravel(), minlength=256))
    step = max(1, _CHUNK // max(rows.span * columns.span, len(classes)))
    for start in range(0, len(mixed_rows), step):
        i, j = mixed_rows[start : start + step], mixed_columns[start : start + step]
        areas = _areas(mask, classes, rows, columns, (i, j))
        has_ignore = classes[-1] == IGNORE_INDEX
        winner = classes[areas[:, : len(classes) - has_ignore].argmax(axis=1)]  # the first of equals
        if has_ignore:
            winner = np.where(2 * areas[:, -1] > mask.size, IGNORE_INDEX, winner)
        voted[i, j] = winner
    return voted


class _Cover:
    """Which of `old` source rows each of `new` target rows lies over, and by how much; columns alike.

    Attributes:
      starts: first of the source rows, int64 [new].
      ends: the row behind the last one, int64 [new].
      span: the most rows that a target row lies over.
    """

    def __init__(self, old: int, new: int) -> None:
        self.old, self.new = old, new
        edges = np.arange(new + 1) * old  # in units of 1 / new source rows
        self.starts, self.ends = edges[:-1] // new, -(-edges[1:] // new)
        self.span = int((self.ends - self.starts).max())

    def weights(self, targets: np.ndarray) -> np.ndarray:
        """Returns how much of each source row lies under target rows, in units of 1 / new rows, int64 [N, span]."""
        edges = (self.starts[targets, None] + np.arange(self.span + 1)) * self.new
        edges = edges.clip(targets[:, None] * self.old, (targets[:, None] + 1) * self.old)
        return np.diff(edges, axis=1)


def _reduced(mask: np.ndarray, rows: _Cover, columns: _Cover, reduce: np.ufunc) -> np.ndarray:
    """Returns the least or largest value under each target pixel, uint8 [height, width]."""
    for axis, cover in enumerate((rows, columns)):
        reduced = mask.take(cover.starts, axis)
        for offset in range(1, cover.span):
            reduce(reduced, mask.take(np.minimum(cover.starts + offset, cover.ends - 1), axis), out=reduced)
        mask = reduced
    return mask


def _areas(
    mask: np.ndarray, classes: np.ndarray, rows: _Cover, columns: _Cover, targets: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """Returns the area of each class under target pixels, in units of 1 / (h * w) source pixels.

    Args:
      mask: uint8 [H, W].
      classes: those that stand in it, in order.
      rows: the cover of the rows.
      columns: that of the columns.
      targets: rows and columns of N target pixels.

    Returns:
      float64 [N, classes], whole numbers: bincount has no weights of integers, and H * W is far below 2**53.
    """
    place_of = np.zeros(256, np.int64)
    place_of[classes] = np.arange(len(classes))
    heights, widths = rows.weights(targets[0]), columns.weights(targets[1])
    right = np.minimum(columns.starts[targets[1], None] + np.arange(columns.span), mask.shape[1] - 1)
    down = np.minimum(rows.starts[targets[0], None] + np.arange(rows.span), mask.shape[0] - 1)
    first = (np.arange(len(right)) * len(classes))[:, None, None]
    areas = np.zeros(len(right) * len(classes))
    step = max(1, _CHUNK // right.size)  # all rows at once but where a single target pixel lies over a million others
    for start in range(0, rows.span, step):
        part = slice(start, start + step)
        values = place_of[mask[down[:, part, None], right[:, None]]] + first
        weights = heights[:, part, None] * widths[:, None]
        areas += np.bincount(values.ravel(), weights.ravel(), minlength=len(areas))
    return areas.reshape(-1, len(classes))


def _padded(mask: np.ndarray, box: Box, size: tuple[int, int]) -> np.ndarray:
    """Returns uint8 [height, width] with `mask` in `box` and IGNORE_INDEX around it."""
    if mask.shape == size:
        return mask
    padded = np.full(size, IGNORE_INDEX, np.uint8)
    padded[box.top : box.top + box.height, box.left : box.left + box.width] = mask
    return padded


def cut(mask: np.ndarray, box: Box) -> np.ndarray:
    """Returns the part of a mask in `box`."""
    return mask[box.top : box.top + box.height, box.left : box.left + box.width]


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
    if source.picture.format != "PNG" or source.picture.mode != "L" or source.depth != 8:
        raise DataError(name, "is no 8-bit index mask", "Build the dataset again.", "E_MASK_MODE")
    return np.asarray(decoded(source.picture, name))


def count_classes(mask: np.ndarray, num_classes: int) -> tuple[list[int], int]:
    """Returns (pixels per class index, pixels that hold IGNORE_INDEX) of a uint8 [H, W] mask."""
    histogram = Image.fromarray(mask).histogram()  # several times faster than numpy.bincount, which widens first
    return histogram[:num_classes], histogram[IGNORE_INDEX]


def _plain(source: MaskSource, tolerance: int) -> Image.Image:
    """Decodes a mask to L, P, I;16 or RGB with the very numbers that stand in the file."""
    name = source.name
    mode = source.picture.mode
    if source.is_lossy and not tolerance:
        mend = "Save masks as PNG; or name a --tolerance such as 12, which takes values for the nearest listed."
        raise DataError(name, "is compressed as JPEG, which changes values at every edge", mend, "E_FORMAT")
    if source.depth == 16 and not mode.startswith("I;16"):  # Pillow opens them with 8 bits and drops the low bytes
        raise DataError(name, "has 16 bits a channel", "Save it with 8 bits a channel.", "E_MASK_MODE")
    if source.depth == 5:
        raise DataError(name, "has 5 bits a channel", "Save it with 8 bits a channel.", "E_MASK_MODE")
    picture = decoded(source.picture, name)
    orientation = source.orientation or orientation_of(picture)
    if orientation != 1:
        what = f"is turned by its own EXIF orientation {orientation}, which few programs obey in a mask"
        raise DataError(name, what, "Save it as it is to be seen, without EXIF.", "E_MASK_MODE")
    if mode in ("RGBA", "LA"):
        if picture.getchannel("A").getextrema() != (255, 255):
            raise DataError(name, "is partly transparent", "Save it without an alpha channel.", "E_MASK_MODE")
        return picture.convert("RGB" if mode == "RGBA" else "L")
    if mode == "I;16B":
        return Image.fromarray(np.asarray(picture).astype("<u2"))
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


def _counted(picture: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Returns (values of a picture as numbers, pixels of each), int64 [N] both."""
    if picture.mode == "RGB":
        # Pillow counts them in a hash table that is bounded; to sort the pixels costs more than to decode them.
        found = picture.getcolors(_COUNTED_COLORS)
        if found is None:
            numbers, counts = np.unique(_values(picture), return_counts=True)
            return numbers.astype(np.int64), counts
        table = np.array([(count, *color) for count, color in found])  # type: ignore[misc]  # tuples, as it is RGB
        return table[:, 1] | table[:, 2] << 8 | table[:, 3] << 16, table[:, 0]
    every = np.bincount(_values(picture)) if picture.mode == "I;16" else np.asarray(picture.histogram())
    numbers = np.flatnonzero(every)
    return numbers, every[numbers]


def _drawn(number: int, mode: str, colors: tuple[Color, ...]) -> Color:
    """Returns the colour that a value is drawn in; `colors` are those of the palette."""
    return _unpacked(number) if mode == "RGB" else colors[number] if number < len(colors) else (number,) * 3


def _packed(color: Color) -> int:
    return color[0] | color[1] << 8 | color[2] << 16


def _unpacked(value: int) -> Color:
    return value & 0xFF, value >> 8 & 0xFF, value >> 16


def _distance(a: Color, b: Color) -> int:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
