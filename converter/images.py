"""Images: photograph bytes <-> uint8 [H, W, 3].

A photograph leaves this module upright, RGB, 8 bit, at the stored size, and its JPEG bytes carry no metadata. Bytes
from a file are not trusted: only JPEG and PNG decoders are tried, PNG checksums are walked before a decoder sees them
(decoders do not check them: 4 % of damaged masks came out with other pixels and no error), and a header that
announces too many pixels is refused before memory is spent on it.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile

from converter.config import MAX_PIXELS
from converter.errors import DataError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Photographs in these modes become RGB without a guess. An alpha channel is dropped, never composited: in tiles from
# orthophotos it marks missing ground, or holds infrared.
PHOTO_MODES = frozenset({"RGB", "L", "P", "RGBA", "LA", "CMYK", "1"})
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by PNG colour type
_ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
_INFLATE_BYTES = 1 << 20  # at a time: what a stream claims to hold is only counted, never kept
_ORIENTATION = 0x0112  # EXIF tag
_SWAPS_SIDES = frozenset({5, 6, 7, 8})  # EXIF orientations that lay the photograph on its side
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Box(NamedTuple):
    """Where the picture stands in the stored size: rows top..top+height, columns left..left+width, in pixels."""

    top: int
    left: int
    height: int
    width: int


@dataclass(frozen=True)
class Photo:
    """A photograph that is opened but not yet decoded.

    Attributes:
      picture: Pillow's lazy image, as it lies in the file.
      orientation: EXIF orientation 1..8.
      name: for messages.
    """

    picture: ImageFile
    orientation: int
    name: str

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the upright photograph."""
        width, height = self.picture.size
        return (width, height) if self.orientation in _SWAPS_SIDES else (height, width)

    @property
    def raw_size(self) -> tuple[int, int]:
        """(height, width) as it lies in the file, orientation left alone."""
        return self.picture.size[1], self.picture.size[0]


def check_png(data: bytes, name: str) -> tuple[int, int]:
    """Walks the chunks of a PNG file and returns its (bit depth, colour type).

    Raises:
      DataError: a chunk is cut off, its CRC-32 is wrong, or the header or the end is missing.

    Source: W3C PNG specification, sections 5.3 (chunk layout) and 11.2.1 (IHDR).
    """

    def refuse(what: str) -> DataError:
        return DataError(name, what, "Restore the file from its origin.", "E_DAMAGED")

    view = memoryview(data)
    position = len(PNG_SIGNATURE)
    header: tuple[int, int] | None = None
    while position + 12 <= len(view):
        (length,) = struct.unpack_from(">I", view, position)
        end = position + 12 + length
        if end > len(view):
            raise refuse(f"is cut off: a chunk at byte {position} announces {length} bytes")
        kind = bytes(view[position + 4 : position + 8])
        (stored,) = struct.unpack_from(">I", view, end - 4)
        if zlib.crc32(view[position + 4 : end - 4]) != stored:
            raise refuse(f"is damaged: wrong checksum of the chunk at byte {position}")
        if header is None:
            if kind != b"IHDR" or length != 13:
                raise refuse("is no PNG: it does not begin with a header chunk")
            header = view[position + 16], view[position + 17]
        elif kind == b"IHDR":
            raise refuse("has two headers")  # decoders believe the last one
        if kind == b"IEND":
            return header
        position = end
    raise refuse("is cut off: its last chunk is missing")


def png_header(data: bytes) -> tuple[int, int]:
    """Returns the (bit depth, colour type) of a PNG file that `open_picture` has let through."""
    return data[24], data[25]


def open_picture(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> ImageFile:
    """Opens JPEG or PNG bytes without decoding the pixels.

    Args:
      data: content of the file; not trusted.
      name: of the file, for messages.
      max_pixels: a picture whose header announces more is refused.

    Raises:
      DataError: neither JPEG nor PNG, damaged, an animation, or too large.
    """
    if data.startswith(PNG_SIGNATURE):
        check_png(data, name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of size; max_pixels below is the limit that counts
            picture: ImageFile = Image.open(io.BytesIO(data), formats=["JPEG", "PNG"])
    except Image.DecompressionBombError:
        raise DataError(name, f"has more than {max_pixels} pixels", "Cut it into tiles.", "E_TOO_LARGE") from None
    except (OSError, SyntaxError, ValueError, struct.error, EOFError, KeyError, IndexError) as error:
        what = "is neither a JPEG nor a PNG file that can be opened"
        mend = "Convert it to JPEG or PNG, or restore it from its origin."
        raise DataError(name, what, mend, "E_FORMAT") from error
    width, height = picture.size
    if width * height > max_pixels:
        what = f"has {height}x{width} pixels, more than {max_pixels} in all"
        raise DataError(name, what, "Cut it into tiles.", "E_TOO_LARGE")
    if picture.format == "PNG" and getattr(picture, "n_frames", 1) > 1:
        raise DataError(name, "is an animation", "Save one frame of it.", "E_FORMAT")
    return picture


def load(picture: ImageFile, name: str) -> None:
    """Decodes the pixels of an opened picture.

    Raises:
      DataError: the pixels are cut off or damaged.
    """
    file = picture.fp
    try:
        picture.load()
    except (OSError, SyntaxError, ValueError, struct.error, zlib.error, EOFError, IndexError) as error:
        what = f"is cut off or damaged ({error})"
        raise DataError(name, what, "Restore the file from its origin.", "E_DAMAGED") from None
    if picture.format == "PNG" and isinstance(file, io.BytesIO):
        _check_rows(picture, file.getvalue(), name)


def _check_rows(picture: ImageFile, data: bytes, name: str) -> None:
    """Refuses a PNG with too few rows: decoders leave the missing ones 0 and say nothing, and 0 may be a class.

    The rows are only counted where the last one is 0 throughout, since otherwise it was there.

    Source: W3C PNG specification, sections 7.2 (rows), 8.2 (Adam7) and 10.1 (zlib stream).
    """
    width, height = picture.size
    depth, color_type = png_header(data)
    is_interlaced = data[len(PNG_SIGNATURE) + 20] == 1
    last_row = picture.crop((0, height - 1, width, height)).tobytes()
    if last_row.strip(b"\0") and not is_interlaced:
        return
    passes = _ADAM7 if is_interlaced else [(0, 0, 1, 1)]
    expected = 0
    for left, top, right_step, down_step in passes:
        columns, rows = -(-(width - left) // right_step), -(-(height - top) // down_step)
        if columns > 0:
            expected += max(0, rows) * (1 + (columns * depth * _SAMPLES[color_type] + 7) // 8)
    inflater = zlib.decompressobj()
    found = 0
    for chunk in _image_data(data):
        while chunk:
            found += len(inflater.decompress(chunk, _INFLATE_BYTES))
            chunk = inflater.unconsumed_tail
    if found + len(inflater.flush()) < expected:
        raise DataError(name, "is cut off: it has too few rows", "Restore the file from its origin.", "E_DAMAGED")


def _image_data(data: bytes) -> Iterator[bytes]:
    """Yields the content of the IDAT chunks of a PNG file whose chunks were walked before."""
    position = len(PNG_SIGNATURE)
    while position + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, position)
        if data[position + 4 : position + 8] == b"IDAT":
            yield data[position + 8 : position + 8 + length]
        position += 12 + length


def open_photo(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> Photo:
    """Opens a photograph and reads its orientation.

    Raises:
      DataError: as `open_picture`; or a mode that does not become RGB without a guess, such as 16 bit.
    """
    picture = open_picture(data, name, max_pixels)
    # Pillow opens 16-bit RGB as RGB and drops the low bytes; only the header tells.
    deep = data.startswith(PNG_SIGNATURE) and png_header(data)[0] == 16
    if deep or picture.mode not in PHOTO_MODES:
        what = f"has {'16 bits a channel' if deep else f'mode {picture.mode}'}"
        raise DataError(name, what, "Convert it to 8-bit RGB.", "E_IMAGE_MODE")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's word on damaged EXIF
            orientation = picture.getexif().get(_ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, struct.error, KeyError, TypeError, ZeroDivisionError):
        orientation = 1  # damaged EXIF is no reason to lose the pixels
    return Photo(picture, orientation if orientation in _TRANSPOSE else 1, name)


def place(source: tuple[int, int], size: tuple[int, int], fit: str) -> Box:
    """Returns where a picture of size `source` stands in a stored picture of `size`; both (height, width).

    "pad": the largest box of the source's aspect ratio, centred. "stretch": all of it.
    """
    if fit == "stretch":
        return Box(0, 0, *size)
    scale = min(size[0] / source[0], size[1] / source[1])
    height = min(size[0], max(1, round(source[0] * scale)))
    width = min(size[1], max(1, round(source[1] * scale)))
    return Box((size[0] - height) // 2, (size[1] - width) // 2, height, width)


def render(photo: Photo, size: tuple[int, int], fit: str) -> Image.Image:
    """Decodes a photograph, brings it to the stored size and sets it upright.

    Returns:
      RGB picture of size (height, width) in pixels; 0 where it is padding.

    Raises:
      DataError: the pixels are cut off or damaged.
    """
    box = place(photo.size, size, fit)
    swap = photo.orientation in _SWAPS_SIDES
    target = (box.height, box.width) if swap else (box.width, box.height)  # (width, height), as it lies in the file
    picture = photo.picture
    # JPEG can be decoded at 1/2, 1/4 or 1/8 for less than the full price; only where that is still at least the
    # target, and `area` is what the reduced pixels cover, in fractions where the sides do not divide.
    drafted = picture.draft(None, target) if picture.format == "JPEG" else None
    area = drafted[1] if drafted else (0, 0, *picture.size)
    load(picture, photo.name)
    picture.info.pop("transparency", None)  # alpha is dropped; Pillow would warn that a palette has some
    upright: Image.Image = picture if picture.mode == "RGB" else picture.convert("RGB")
    if upright.size != target or area != (0, 0, *upright.size):
        upright = upright.resize(target, Image.Resampling.BILINEAR, box=area)
    if photo.orientation != 1:
        upright = upright.transpose(_TRANSPOSE[photo.orientation])
    if (box.height, box.width) == size:
        return upright
    padded = Image.new("RGB", (size[1], size[0]))
    padded.paste(upright, (box.left, box.top))
    return padded


def encode_jpeg(image: Image.Image, quality: int) -> bytes:
    """Returns baseline JPEG bytes, 4:2:0, without metadata."""
    image.info.clear()  # or Pillow would carry the source's comment, EXIF and colour profile along
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return buffer.getvalue()


def decode_image(data: bytes, name: str) -> np.ndarray:
    """Returns the pixels of a stored photograph, uint8 [H, W, 3].

    Raises:
      DataError: the bytes are no whole picture.
    """
    picture = open_picture(data, name)
    load(picture, name)
    return np.asarray(picture if picture.mode == "RGB" else ImageOps.exif_transpose(picture).convert("RGB"))
