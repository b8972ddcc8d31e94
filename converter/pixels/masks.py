"""Masks: the exact numbers or colours of a mask file, and the masks of records, as PNG.

Colours are never compared by luminance, which is the same for (255, 0, 0) and (76, 76, 76). A stored mask is
uint8 [H, W]: 0..num_classes-1, or IGNORE_INDEX (255).
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import pack
from typing import NamedTuple

import numpy as np
from PIL import Image

from converter.errors import DataError
from converter.limits import MAX_PIXELS
from converter.pixels.colors import Color
from converter.pixels.decode import decoded, orientation_of
from converter.pixels.opening import open_image_file
from converter.pixels.signatures import PNG_SIGNATURE
from converter.schema import IGNORE_INDEX

PNG_LEVEL = 1  # zlib level: 4 kB more per mask than level 6, at a third of its cost
_COUNTED_COLORS = 1 << 16  # maximum, without sorting: masks saved as JPEG have about ten thousand


@dataclass(frozen=True)
class OpenMask:
    """A mask that is opened but not yet decoded.

    Attributes:
      picture: Pillow's lazy image; decoded already where Pillow cannot read the numbers of the file.
      depth: bits per sample in the file.
      name: for messages.
      orientation: EXIF orientation 1..8 of the file; None where it is only known after decoding.
      is_lossy: whether its compression is lossy, which changes the values at every edge.
    """

    picture: Image.Image
    depth: int
    name: str
    orientation: int | None = None
    is_lossy: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.picture.size[1], self.picture.size[0]


def open_mask(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> OpenMask:
    """Opens a mask.

    Raises:
      DataError: not a file of a known format, damaged, too large, or numbers that are not whole or beyond 16 bits.
    """
    source = open_image_file(data, name, max_pixels, as_numbers=True)
    return OpenMask(source.picture, source.depth, name, source.orientation, source.is_lossy)


class MaskValue(NamedTuple):
    """One value that a mask may hold.

    Attributes:
      mode: "L", "P", "I;16" or "RGB".
      depth: bits per sample in the file.
      number: the sample as stored in the file, or the colour packed as 0xBBGGRR.
      color: (red, green, blue) to draw it with.
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
      tolerance: as in MaskMapper; 0 refuses masks that are compressed as JPEG.
    """

    def __init__(self, tolerance: int = 0) -> None:
        self.tolerance = tolerance

    def count(self, source: OpenMask) -> dict[MaskValue, int]:
        """Returns the number of pixels of each value in a mask, most frequent first.

        Raises:
          DataError: the mask is damaged, has a mode without exact values, or is a JPEG while the tolerance is 0.
        """
        return self.count_most_frequent(source, None)[0]

    def count_most_frequent(self, source: OpenMask, limit: int | None) -> tuple[dict[MaskValue, int], int, int]:
        """Returns (pixels of the `limit` most frequent values, number of other values, pixels of those).

        A photograph used as a mask has millions of values, too many to keep.

        Raises:
          DataError: as `count`.
        """
        picture = plain_picture(source, self.tolerance)
        numbers, counts = _counted(picture)
        order = np.lexsort((numbers, -counts))
        shown, others = order[:limit], order[len(order[:limit]) :]
        colors = palette_of(picture)
        found: dict[MaskValue, int] = {}
        for number, count in zip(numbers[shown].tolist(), counts[shown].tolist(), strict=True):
            color = drawn_color(number, picture.mode, colors)
            found[MaskValue(picture.mode, source.depth, number, color)] = count
        return found, len(others), int(counts[others].sum())


def encode_png(mask: np.ndarray, palette: bytes = b"") -> bytes:
    """Returns a PNG file, mode L, 8 bit, of a class-index mask uint8 [H, W]; mode P with a palette, 3 bytes a colour.

    Its rows are not filtered: filters predict brightness, which class indices do not have, and would take most of the
    time of reading and writing.

    Source: W3C PNG specification, sections 5.3 and 7.2.
    """
    height, width = mask.shape
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter type, 0 for none
    rows[:, 1:] = mask

    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    header = pack(">IIBBBBB", width, height, 8, 3 if palette else 0, 0, 0, 0)
    colors = chunk(b"PLTE", palette) if palette else b""
    body = zlib.compress(rows.data, PNG_LEVEL)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + colors + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def decode_mask(data: bytes, name: str) -> np.ndarray:
    """Returns the class indices of a stored mask, uint8 [H, W].

    Raises:
      DataError: the bytes are not a complete 8-bit PNG of mode L.
    """
    source = open_mask(data, name)
    if source.picture.format != "PNG" or source.picture.mode != "L" or source.depth != 8:
        raise DataError(name, "is not an 8-bit index mask", "Rebuild the dataset.", "E_MASK_MODE")
    return np.asarray(decoded(source.picture, name))


def count_classes(mask: np.ndarray, num_classes: int) -> tuple[list[int], int]:
    """Returns (pixels per class index, pixels that hold IGNORE_INDEX) of a uint8 [H, W] mask."""
    histogram = Image.fromarray(mask).histogram()  # several times faster than numpy.bincount, which widens first
    return histogram[:num_classes], histogram[IGNORE_INDEX]


def plain_picture(source: OpenMask, tolerance: int) -> Image.Image:
    """Decodes a mask to L, P, I;16 or RGB with the exact numbers of the file."""
    name = source.name
    mode = source.picture.mode
    if source.is_lossy and not tolerance:
        fix = "Save masks as PNG, or pass --tolerance 12, which maps values to the nearest listed one."
        kind = "lossy WebP" if source.picture.format == "WEBP" else "JPEG"
        raise DataError(name, f"is compressed as {kind}, which changes values at every edge", fix, "E_FORMAT")
    if source.depth == 16 and not mode.startswith("I;16"):  # Pillow opens them with 8 bits and drops the low bytes
        raise DataError(name, "has 16 bits per channel", "Save it with 8 bits per channel.", "E_MASK_MODE")
    if source.depth == 5:
        raise DataError(name, "has 5 bits per channel", "Save it with 8 bits per channel.", "E_MASK_MODE")
    picture = decoded(source.picture, name)
    orientation = source.orientation or orientation_of(picture)
    if orientation != 1:
        what = f"has EXIF orientation {orientation}, which few programs apply to a mask"
        raise DataError(name, what, "Save it upright, without EXIF.", "E_MASK_MODE")
    if mode in ("RGBA", "LA"):
        if picture.getchannel("A").getextrema() != (255, 255):
            raise DataError(name, "is partly transparent", "Save it without an alpha channel.", "E_MASK_MODE")
        return picture.convert("RGB" if mode == "RGBA" else "L")
    if mode == "I;16B":
        return Image.fromarray(np.asarray(picture).astype("<u2"))
    if mode == "1" or (mode == "L" and source.depth < 8):
        # Pillow scales samples of 1, 2 and 4 bits to 0..255; this restores the numbers of the file exactly.
        step = step_of(source.depth)
        return picture.convert("L").point([value // step for value in range(256)])
    if mode not in ("L", "P", "I;16", "RGB"):
        raise DataError(name, f"has mode {mode}", "Save it as 8-bit grey, palette or RGB.", "E_MASK_MODE")
    return picture


def palette_of(picture: Image.Image) -> tuple[Color, ...]:
    """Returns the colours of a palette image, () for any other."""
    if picture.mode != "P":
        return ()
    flat = picture.getpalette("RGB") or []
    return tuple(zip(flat[0::3], flat[1::3], flat[2::3], strict=True))


def values_of(picture: Image.Image) -> np.ndarray:
    """Returns the values of an image as numbers: [H * W] samples, or colours packed as 0xBBGGRR."""
    if picture.mode != "RGB":
        return np.asarray(picture).ravel()
    # RGBX is one little-endian uint32 per pixel without a copy through three channels; X is padding.
    return np.frombuffer(picture.tobytes("raw", "RGBX"), "<u4") & 0xFFFFFF


def step_of(depth: int) -> int:
    """Returns the factor by which Pillow scales grey samples of 1, 2 or 4 bits to 0..255."""
    return 255 // ((1 << depth) - 1)


def _counted(picture: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """Returns (values of an image as numbers, pixels of each), int64 [N] both."""
    if picture.mode == "RGB":
        # Pillow counts them in a bounded hash table; sorting the pixels costs more than decoding them.
        found = picture.getcolors(_COUNTED_COLORS)
        if found is None:
            numbers, counts = np.unique(values_of(picture), return_counts=True)
            return numbers.astype(np.int64), counts
        table = np.array([(count, *color) for count, color in found])  # type: ignore[misc]  # tuples, as it is RGB
        return table[:, 1] | table[:, 2] << 8 | table[:, 3] << 16, table[:, 0]
    every = np.bincount(values_of(picture)) if picture.mode == "I;16" else np.asarray(picture.histogram())
    numbers = np.flatnonzero(every)
    return numbers, every[numbers]


def drawn_color(number: int, mode: str, colors: tuple[Color, ...]) -> Color:
    """Returns the colour to draw a value with; `colors` is the palette."""
    return _unpacked(number) if mode == "RGB" else colors[number] if number < len(colors) else (number,) * 3


def packed_color(color: Color) -> int:
    """Returns a colour as one number, 0xBBGGRR."""
    return color[0] | color[1] << 8 | color[2] << 16


def _unpacked(value: int) -> Color:
    return value & 0xFF, value >> 8 & 0xFF, value >> 16
