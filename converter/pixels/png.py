"""PNG: the chunks of a file, and damage in them that decoders do not detect. No pixel is decoded here.

Each chunk of a PNG has a checksum, and none of our decoders verifies it.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from converter.errors import DataError
from converter.limits import INFLATE_BYTES
from converter.pixels.signatures import PNG_SIGNATURE, RESTORE

PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # per pixel, by PNG colour type
_PLAIN_SAMPLES = frozenset({(8, 0), (8, 2)})  # (bit depth, colour type)
_PLAIN_CHUNKS = frozenset({b"IHDR", b"IDAT", b"IEND", b"pHYs", b"gAMA", b"sRGB", b"cHRM", b"sBIT", b"bKGD", b"tIME"})
_ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def check_png(data: bytes, name: str) -> tuple[int, int]:
    """Verifies the chunks of a PNG file and returns its (bit depth, colour type).

    Raises:
      DataError: a chunk is truncated, its CRC-32 is wrong, or the header or the end is missing.

    Source: W3C PNG specification, sections 5.3 (chunk layout) and 11.2.1 (IHDR).
    """

    def refuse(what: str) -> DataError:
        return DataError(name, what, RESTORE, "E_DAMAGED")

    view = memoryview(data)
    position = len(PNG_SIGNATURE)
    header: tuple[int, int] | None = None
    while position + 12 <= len(view):
        (length,) = struct.unpack_from(">I", view, position)
        end = position + 12 + length
        if end > len(view):
            raise refuse(f"is truncated: a chunk at byte {position} declares {length} bytes")
        kind = bytes(view[position + 4 : position + 8])
        (stored,) = struct.unpack_from(">I", view, end - 4)
        if zlib.crc32(view[position + 4 : end - 4]) != stored:
            raise refuse(f"is damaged: wrong checksum of the chunk at byte {position}")
        if header is None:
            if kind != b"IHDR" or length != 13:
                raise refuse("is not a PNG: it does not begin with a header chunk")
            header = view[position + 16], view[position + 17]
        elif kind == b"IHDR":
            raise refuse("has two headers")  # decoders use the last one
        if kind == b"IEND":
            return header
        position = end
    raise refuse("is truncated: its last chunk is missing")


def png_header(data: bytes) -> tuple[int, int]:
    """Returns the (bit depth, colour type) of a PNG file that passed `check_png`."""
    return data[24], data[25]


def png_is_interlaced(data: bytes) -> bool:
    """Returns whether a PNG file that passed `check_png` is interlaced."""
    return data[28] == 1


def png_is_plain(data: bytes) -> bool:
    """Returns whether a PNG file that passed `check_png` has only 8-bit grey or RGB pixels, not interlaced.

    Transparency would change their meaning, and text chunks may have an orientation.
    """
    return (
        png_header(data) in _PLAIN_SAMPLES
        and not png_is_interlaced(data)
        and {kind for kind, _ in _png_chunks(data)} <= _PLAIN_CHUNKS
    )


def check_png_rows(data: bytes, size: tuple[int, int], name: str) -> None:
    """Refuses a PNG with too few rows: decoders silently leave the missing ones 0, and 0 may be a class.

    Args:
      data: of a file that passed `check_png`.
      size: (height, width) in pixels.
      name: of the file, for messages.

    Raises:
      DataError: rows are missing, or cannot be inflated.

    Source: W3C PNG specification, sections 7.2 (rows), 8.2 (Adam7) and 10.1 (zlib stream).
    """
    height, width = size
    depth, color_type = png_header(data)
    expected = 0
    for left, top, right_step, down_step in _ADAM7 if png_is_interlaced(data) else [(0, 0, 1, 1)]:
        columns, rows = -(-(width - left) // right_step), -(-(height - top) // down_step)
        if columns > 0:
            expected += max(0, rows) * (1 + (columns * depth * PNG_SAMPLES[color_type] + 7) // 8)
    inflater = zlib.decompressobj()
    found = 0
    for kind, chunk in _png_chunks(data):
        content = chunk[8:-4] if kind == b"IDAT" else b""
        try:
            while found < expected:
                part = inflater.decompress(content, INFLATE_BYTES)
                found += len(part)
                content = inflater.unconsumed_tail
                if len(part) < INFLATE_BYTES:  # less than the maximum: nothing is left
                    break
        except zlib.error:
            raise DataError(name, "is damaged: its pixels cannot be inflated", RESTORE, "E_DAMAGED") from None
    if found < expected:
        raise DataError(name, "is truncated: it has too few rows", RESTORE, "E_DAMAGED")


def strip_png(data: bytes) -> bytes | None:
    """Returns an 8-bit RGB PNG file without metadata; None for any other PNG, or one with a transparent colour.

    Args:
      data: of a file that passed `check_png`.
    """
    chunks = list(_png_chunks(data))
    if png_header(data) != (8, 2) or b"tRNS" in dict(chunks):
        return None
    return PNG_SIGNATURE + b"".join(chunk for kind, chunk in chunks if kind in (b"IHDR", b"IDAT", b"IEND"))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields (type, all bytes of the chunk) of a PNG file that passed `check_png`, up to its end."""
    position, kind = len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        yield kind, data[position : position + 12 + length]
        position += 12 + length
