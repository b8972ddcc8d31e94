"""PNM: PBM, PGM and PPM files -> the numbers in them. Pillow would scale them to its own range."""

from __future__ import annotations

import math
import re
from typing import NamedTuple

import numpy as np

from converter.errors import DataError
from converter.limits import MAX_PNM_HEADER_BYTES
from converter.pixels.pillow import refuse_large
from converter.pixels.signatures import RESTORE

_GAP = rb"(?:[ \t\n\v\f\r]|#[^\r\n]*[\r\n])"
_NUMBER = re.compile(_GAP + rb"+([0-9]{1,9})(?=[ \t\n\v\f\r#])")
_COMMENT = re.compile(rb"#[^\r\n]*")
_BITMAPS, _COLORS, _PLAIN = (b"P1", b"P4"), (b"P3", b"P6"), (b"P1", b"P2", b"P3")


class PnmFile(NamedTuple):
    """The content of a PNM file.

    Attributes:
      samples: uint8 or uint16 as in the file, [H, W] of a PGM or [H, W, 3] of a PPM; bool [H, W] of a PBM, where True
        is white: every program shows and saves it so, though the file has 0 for white.
      maximum: the number that means white.
    """

    samples: np.ndarray
    maximum: int


def read_pnm(data: bytes, name: str, max_pixels: int) -> PnmFile:
    """Reads a PBM, PGM or PPM file, raw or plain.

    Args:
      data: content of the file, which begins with P1 to P6; not trusted.
      name: of the file, for messages.
      max_pixels: maximum number of pixels that the header may declare.

    Raises:
      DataError: damaged, truncated, several images in one file, or too large.

    Source: Netpbm's pbm(5), pgm(5) and ppm(5).
    """
    magic = data[:2]
    width, height, *rest, position = _header(data, 2 if magic in _BITMAPS else 3, name)
    maximum = rest[0] if rest else 1
    if not (width and height and 0 < maximum < 65536):
        raise _refuse(name, f"is damaged: {height}x{width} pixels of 0..{maximum}")
    refuse_large((height, width), name, max_pixels)
    shape = (height, width, 3) if magic in _COLORS else (height, width)
    samples, rest_of_file = (_plain if magic in _PLAIN else _raw)(data, position, shape, maximum, name)
    if rest_of_file.strip():
        if re.match(rb"\s*P[1-6]\s", rest_of_file):
            raise DataError(name, "has several images", "Save one of them.", "E_FORMAT")
        raise _refuse(name, f"is damaged: {len(rest_of_file)} bytes follow its pixels")
    if samples.max() > maximum:
        raise _refuse(name, f"is damaged: it holds {samples.max():g}, but declares 0..{maximum}")
    if magic in _BITMAPS:
        return PnmFile(samples == 0, 1)
    return PnmFile(samples.astype(np.uint8 if maximum < 256 else np.uint16, copy=False), maximum)


def scaled_to_white(file: PnmFile) -> np.ndarray:
    """Returns the samples of a file of at most 8 bits as levels 0..255, uint8."""
    table: np.ndarray = np.rint(np.minimum(np.arange(256) / file.maximum, 1) * 255).astype(np.uint8)
    levels: np.ndarray = table[file.samples.astype(np.uint8)]
    return levels


def _refuse(name: str, what: str) -> DataError:
    return DataError(name, what, RESTORE, "E_DAMAGED")


def _header(data: bytes, count: int, name: str) -> list[int]:
    """Returns the numbers of a header, and where the samples begin: one white space after the last number."""
    numbers, position = [], 2
    for _ in range(count):
        found = _NUMBER.match(data, position, MAX_PNM_HEADER_BYTES)
        if found is None:
            raise _refuse(name, "is truncated or damaged: its header is incomplete")
        numbers.append(int(found[1]))
        position = found.end()
    if comment := _COMMENT.match(data, position):  # its end is that white space
        position = comment.end()
    return [*numbers, position + 1]


def _raw(data: bytes, position: int, shape: tuple[int, ...], maximum: int, name: str) -> tuple[np.ndarray, bytes]:
    """Returns (samples of a raw file, bytes after them)."""
    is_bitmap = data[:2] in _BITMAPS
    dtype = np.dtype(">u2" if maximum > 255 else np.uint8)
    stored = (shape[0], (shape[1] + 7) // 8) if is_bitmap else shape
    count = math.prod(stored)
    end = position + count * dtype.itemsize
    if end > len(data):
        raise _refuse(name, f"is truncated: {end - len(data)} bytes of its pixels are missing")
    samples: np.ndarray = np.frombuffer(data, dtype, count, position).reshape(stored)
    return (np.unpackbits(samples, axis=1, count=shape[1]) if is_bitmap else samples), data[end:]


def _plain(data: bytes, position: int, shape: tuple[int, ...], maximum: int, name: str) -> tuple[np.ndarray, bytes]:
    """Returns (samples of a plain file, b""): numbers in decimal digits; those of a bitmap need no space."""
    del maximum  # checked by the caller
    text = _COMMENT.sub(b"", data[position:])
    count = math.prod(shape)
    if text.translate(None, b"0123456789 \t\n\v\f\r"):
        raise _refuse(name, "is damaged: not all of its samples are numbers")
    if data[:2] in _BITMAPS:
        samples = np.frombuffer(text.translate(None, b" \t\n\v\f\r"), np.uint8) - 48
    else:
        # float32 is exact up to 2**24, far above the largest maximum; a longer number stays too large.
        samples = np.fromstring(text.decode(), np.float32, sep=" ") if text.strip() else np.zeros(0, np.float32)
    if len(samples) != count:
        raise _refuse(name, f"is truncated or damaged: it has {len(samples)} samples instead of {count}")
    return samples.reshape(shape), b""
