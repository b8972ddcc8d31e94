"""Bombs: small files that ask for much memory or time; no fuzzer of short inputs meets them, so they are made here."""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Callable

from picture_bytes import chunk, saved
from PIL import Image

from converter.dataset.parse import parse_manifest
from converter.pixels.decode import load
from converter.pixels.images import open_image
from converter.pixels.jpeg import strip_jpeg
from converter.pixels.signatures import PNG_SIGNATURE
from converter.pixels.tiff import check_tiff
from converter.sources.lists.resolve import resolve
from converter.sources.lists.text import read_split_list
from fuzz.seeds import seeds
from fuzz.targets import rules, written


def png_of_too_many_rows() -> None:
    """128 MB of rows in a picture of one pixel."""
    deflater = zlib.compressobj(1)
    rows = b"".join(deflater.compress(bytes(1 << 20)) for _ in range(128)) + deflater.flush()
    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    chunks = chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b"")
    open_image(PNG_SIGNATURE + b"".join(chunks), "p.png")


def jpeg_of_fill_bytes() -> None:
    """4 MB of fill bytes between two segments."""
    data = seeds("jpeg")[0]
    strip_jpeg(data[:2] + b"\xff" * (4 << 20) + data[2:])


@functools.cache
def many_scans() -> bytes:
    data = saved(Image.new("L", (7000, 7000)), "JPEG", progressive=True)
    scan = data[data.rfind(b"\xff\xda") : -2]
    return data[:-2] + 300 * scan + data[-2:]


def jpeg_of_too_many_scans() -> None:
    """300 scans over 49 million pixels; a progressive JPEG has some ten."""
    photo = open_image(many_scans(), "p.jpg")
    load(photo.picture, "p.jpg")


def tiff_of_strips_on_the_same_bytes() -> None:
    """4,000 strips that all are the same 8 MB."""
    rows, strip = 4000, zlib.compress(b"\0") + bytes(8 << 20)
    places = 8 + 2 + 12 * 9 + 4
    tags = {256: 1, 257: rows, 258: 8, 259: 8, 262: 1, 273: places, 277: 1, 278: 1, 279: places + 4 * rows}
    data = b"II*\0" + struct.pack("<LH", 8, len(tags))
    for tag, value in tags.items():
        data += struct.pack("<HHLL", tag, 4, rows if tag in (273, 279) else 1, value)
    offsets = struct.pack(f"<{rows}L", *[places + 8 * rows] * rows)
    data += bytes(4) + offsets + struct.pack(f"<{rows}L", *[len(strip)] * rows) + strip
    check_tiff(data, "p.tif")


def list_of_short_lines() -> None:
    """13 million lines of one letter, 26 MB: more than a list may have."""
    listed = read_split_list("train", written("train.txt", b"a\n" * (13 << 20)), "train.txt")
    resolve(listed, rules(listed.num_fields))


def manifest_of_a_long_split() -> None:
    """A split whose name has 4 million characters."""
    text = seeds("manifest")[0].decode()
    parse_manifest(text.replace('"train"', '"' + "-" * (4 << 20) + '"'), "manifest.json")


BOMBS: tuple[Callable[[], None], ...] = (
    png_of_too_many_rows,
    jpeg_of_fill_bytes,
    jpeg_of_too_many_scans,
    tiff_of_strips_on_the_same_bytes,
    list_of_short_lines,
    manifest_of_a_long_split,
)
