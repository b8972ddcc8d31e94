"""BMP: what the header of a file says."""

from __future__ import annotations

import struct
from typing import NamedTuple

from converter.errors import DataError
from converter.pixels.signatures import RESTORE


class BmpHeader(NamedTuple):
    """Bits a pixel (1, 4, 8: palette indices; 16, 24, 32: colours) and kind of compression of a BMP file."""

    bits: int
    compression: int


def bmp_header(data: bytes, name: str) -> BmpHeader:
    """Returns the header of a BMP file.

    Raises:
      DataError: it is cut off.

    Source: Microsoft's BITMAPCOREHEADER and BITMAPINFOHEADER.
    """
    if len(data) < 54:
        raise DataError(name, "is cut off: its header is missing", RESTORE, "E_DAMAGED")
    (length,) = struct.unpack_from("<I", data, 14)
    if length == 12:
        return BmpHeader(struct.unpack_from("<H", data, 24)[0], 0)
    return BmpHeader(*struct.unpack_from("<HI", data, 28))
