"""Picture files made by hand, for what no picture library writes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from converter.images import PNG_SIGNATURE


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(size: tuple[int, int], depth: int, color_type: int, rows: bytes, interlaced: int = 0) -> bytes:
    """Returns a PNG written by hand; `rows` hold the samples, each row after its filter byte."""
    header = struct.pack(">IIBBBBB", size[1], size[0], depth, color_type, 0, 0, interlaced)
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def saved(picture: Image.Image | np.ndarray, kind: str = "PNG", **options: object) -> bytes:
    if isinstance(picture, np.ndarray):
        picture = Image.fromarray(picture)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()
