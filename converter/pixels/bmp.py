"""BMP: the header of a file."""

from __future__ import annotations

import struct
from typing import NamedTuple

from converter.errors import DataError
from converter.pixels.signatures import RESTORE


class BmpHeader(NamedTuple):
    """Bits per pixel (1, 4, 8: palette indices; 16, 24, 32: colours) and compression method of a BMP file."""

    bits: int
    compression: int


def bmp_header(data: bytes, name: str) -> BmpHeader:
    """Returns the header of a BMP file.

    Raises:
      DataError: it is truncated.

    Source: Microsoft's BITMAPCOREHEADER and BITMAPINFOHEADER.
    """
    if len(data) < 54:
        raise DataError(name, "is truncated: its header is missing", RESTORE, "E_DAMAGED")
    (length,) = struct.unpack_from("<I", data, 14)
    if length == 12:
        return BmpHeader(struct.unpack_from("<H", data, 24)[0], 0)
    return BmpHeader(*struct.unpack_from("<HI", data, 28))
