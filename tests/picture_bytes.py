"""Picture files made by hand, for what no picture library writes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from converter.pixels.signatures import PNG_SIGNATURE


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


def tiff(
    pixels: np.ndarray,
    tags: dict[int, int | tuple[int, ...]] | None = None,
    *,
    bits: int = 8,
    order: str = "<",
    is_big: bool = False,
    compression: int = 1,
    is_planar: bool = False,
    part: tuple[int, int] | None = None,
    is_tiled: bool = False,
) -> bytes:
    """Returns a TIFF written by hand (TIFF 6.0).

    Args:
      pixels: [H, W] or [H, W, samples] unsigned integers.
      tags: stand above those that follow from the rest; () leaves one out.
      bits: a sample.
      order: "<" or ">".
      is_big: writes a BigTIFF.
      compression: 1 none, 5 LZW, 8 deflate, 32773 PackBits.
      is_planar: writes one sample after the other, not one pixel after the other.
      part: (height, width) of a strip or tile; the width of a strip is that of the picture.
      is_tiled: whether parts are tiles.
    """
    samples = pixels.reshape(*pixels.shape[:2], -1)
    height, width, channels = samples.shape
    down, across = part or (height, width)
    parts = []
    for plane in np.moveaxis(samples, 2, 0)[..., None] if is_planar else [samples]:
        for top in range(0, height, down):
            for left in range(0, width, across):
                piece = plane[top : top + down, left : left + across]
                if is_tiled:
                    missing = ((0, down - piece.shape[0]), (0, across - piece.shape[1]), (0, 0))
                    piece = np.pad(piece, missing)
                parts.append(_compressed(_packed_rows(piece, bits, order), compression))
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + ("HHHQ" if is_big else "HL"), *(
        (43, 8, 0, 16) if is_big else (42, 8)
    ))  # fmt: skip
    found: dict[int, int | tuple[int, ...]] = {
        256: width, 257: height, 258: (bits,) * channels, 259: compression, 262: 2 if channels > 2 else 1,
        277: channels, 284: 2 if is_planar else 1,
    }  # fmt: skip
    lengths = tuple(map(len, parts))
    found |= {322: across, 323: down, 324: (0,) * len(parts), 325: lengths} if is_tiled else {
        273: (0,) * len(parts), 278: down, 279: lengths
    }  # fmt: skip
    found |= tags or {}
    found = {tag: value for tag, value in sorted(found.items()) if value != ()}
    word, entry = ("Q", "HHQ") if is_big else ("L", "HHL")
    room = struct.calcsize("=" + word)
    behind = len(head) + struct.calcsize("=" + ("Q" if is_big else "H")) + len(found) * (4 + 2 * room) + room
    start = behind + sum(4 * len(value) for value in found.values() if isinstance(value, tuple))
    offsets = tuple(start + sum(lengths[:k]) for k in range(len(parts)))
    directory, values = struct.pack(order + ("Q" if is_big else "H"), len(found)), b""
    for tag, value in found.items():
        if tag in (273, 324) and value == (0,) * len(parts):
            value = offsets
        numbers = value if isinstance(value, tuple) else (value,)
        kind, code = (3, "H") if tag in (258, 320, 338, 339) else (4, "L")
        raw = struct.pack(f"{order}{len(numbers)}{code}", *numbers)
        if len(raw) > room:
            place, values = behind + len(values), values + raw
            raw = struct.pack(order + word, place)
        directory += struct.pack(order + entry, tag, kind, len(numbers)) + raw.ljust(room, b"\0")
    body = head + directory + bytes(room) + values
    return body.ljust(start, b"\0") + b"".join(parts)


def _packed_rows(samples: np.ndarray, bits: int, order: str) -> bytes:
    rows = samples.reshape(len(samples), -1)
    if bits > 8:
        return rows.astype(f"{order}u{bits // 8}").tobytes()
    places = np.unpackbits(rows.astype(np.uint8)[..., None], axis=2)[..., 8 - bits :]
    return np.packbits(places.reshape(len(rows), -1), axis=1).tobytes()


def _compressed(data: bytes, compression: int) -> bytes:
    if compression == 8:
        return zlib.compress(data)
    if compression == 5:  # by libtiff, as the one row of a grey image
        whole = saved(Image.frombytes("L", (len(data), 1), data), "TIFF", compression="tiff_lzw")
        with Image.open(io.BytesIO(whole)) as picture:
            (start,), (length,) = picture.tag_v2[273], picture.tag_v2[279]
        return whole[start : start + length]
    if compression == 32773:  # runs of bytes as they are
        return b"".join(bytes([len(data[k : k + 128]) - 1]) + data[k : k + 128] for k in range(0, len(data), 128))
    return data


def bmp(indices: np.ndarray, bits: int, colors: list[tuple[int, int, int]], compression: int = 0) -> bytes:
    """Returns a BMP of [H, W] palette indices of 1, 4 or 8 bits, written by hand, from the last row to the first."""
    height, width = indices.shape
    rows = _packed_rows(indices[::-1, :, None], bits, "<")
    stride = (width * bits + 7) // 8
    body = b"".join(rows[k : k + stride].ljust(-(-stride // 4) * 4, b"\0") for k in range(0, len(rows), stride))
    palette = b"".join(bytes([blue, green, red, 0]) for red, green, blue in colors)
    start = 54 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(body), 0, 0, len(colors), 0)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + palette + body
