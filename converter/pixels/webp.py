"""WebP: the chunks of a file, without decoding a pixel."""

from __future__ import annotations

import struct
from typing import NamedTuple

from converter.errors import DataError
from converter.pixels.signatures import RESTORE

_ANIMATED = 0x02  # flag of a VP8X chunk


class WebpHeader(NamedTuple):
    """Size (height, width) of a WebP file in pixels, and whether its compression is lossy."""

    size: tuple[int, int]
    is_lossy: bool


def check_webp(data: bytes, name: str) -> WebpHeader:
    """Walks through the chunks of a WebP file and returns its header.

    Raises:
      DataError: it is truncated or damaged, or an animation.

    Source: Google's WebP container specification; RFC 6386, section 9.1 (VP8); RFC 9649, section 3.4 (VP8L).
    """

    def refuse(what: str) -> DataError:
        return DataError(name, what, RESTORE, "E_DAMAGED")

    if len(data) < 12 or (end := 8 + struct.unpack_from("<I", data, 4)[0]) > len(data):
        raise refuse("is truncated: its end is missing")
    canvas: tuple[int, int] | None = None
    images: list[WebpHeader] = []
    position = 12
    while position + 8 <= end:
        kind, length = struct.unpack_from("<4sI", data, position)
        body = data[position + 8 : position + 18]
        if position + 8 + length > end:
            raise refuse(f"is truncated: a chunk at byte {position} declares {length} bytes")
        if kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and length >= 10 and body[0] & _ANIMATED):
            raise DataError(name, "is an animation", "Save one frame of it.", "E_FORMAT")
        if kind == b"VP8X" and length >= 10:
            canvas = _number(body[7:10]) + 1, _number(body[4:7]) + 1
        elif kind == b"VP8 " and length >= 10 and body[3:6] == b"\x9d\x01\x2a":
            images.append(WebpHeader((_number(body[8:10]) & 0x3FFF, _number(body[6:8]) & 0x3FFF), True))
        elif kind == b"VP8L" and length >= 5 and body[0] == 0x2F:
            bits = _number(body[1:5])
            images.append(WebpHeader(((bits >> 14 & 0x3FFF) + 1, (bits & 0x3FFF) + 1), False))
        position += 8 + length + length % 2
    if len(images) != 1 or canvas not in (None, images[0].size):
        raise refuse(f"is damaged: it holds {len(images)} images of its size instead of one")
    return images[0]


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little")
