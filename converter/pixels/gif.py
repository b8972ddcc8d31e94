"""GIF: the blocks of a file, without decoding a pixel."""

from __future__ import annotations

import struct

from converter.errors import DataError
from converter.pixels.signatures import RESTORE

_IMAGE, _EXTENSION, _END = 0x2C, 0x21, 0x3B  # first bytes of blocks


def check_gif(data: bytes, name: str) -> tuple[int, int]:
    """Walks through the blocks of a GIF file and returns (height, width) of its one frame, in pixels.

    Raises:
      DataError: it is truncated or damaged, has several frames, or its frame does not cover it.

    Source: GIF89a specification, sections 15 to 27.
    """
    if len(data) < 13:
        raise _refuse(name, "is truncated: its header is missing")
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    position = 13 + _palette_bytes(flags)
    frames = 0
    while position < len(data) and data[position] != _END:
        if data[position] == _IMAGE and position + 11 <= len(data):
            frames += 1
            if frames > 1:
                raise DataError(name, "is an animation", "Save one frame of it.", "E_FORMAT")
            position = _frame(data, position, (height, width), name)
        elif data[position] == _EXTENSION:
            position += 2
        else:
            raise _refuse(name, f"is damaged: no block begins at byte {position}")
        while position < len(data) and data[position]:  # data blocks, the last one of length 0
            position += 1 + data[position]
        position += 1
    if position >= len(data):
        raise _refuse(name, "is truncated: its end is missing")
    if not frames:
        raise _refuse(name, "is damaged: it has no frame")
    return height, width


def _frame(data: bytes, position: int, size: tuple[int, int], name: str) -> int:
    """Returns where the data blocks of a frame begin; refuses one that does not cover the size (height, width)."""
    left, top, width, height, flags = struct.unpack_from("<HHHHB", data, position + 1)
    if (top, left, height, width) != (0, 0, *size) or not height * width:
        what = f"has a frame of {height}x{width} pixels, which does not cover its {size[0]}x{size[1]}"
        raise DataError(name, what, "Save it as PNG.", "E_FORMAT")
    position += 10 + _palette_bytes(flags)
    if position >= len(data) or not 2 <= data[position] <= 8:
        raise _refuse(name, "is damaged: its codes have an invalid length")
    return position + 1


def _refuse(name: str, what: str) -> DataError:
    return DataError(name, what, RESTORE, "E_DAMAGED")


def _palette_bytes(flags: int) -> int:
    return 3 << (flags & 7) + 1 if flags & 0x80 else 0
