"""Containers: what chunks, segments and tags of a picture file say, and damage there that decoders do not see.

Bytes that nobody has checked come in; facts of the header, or the same bytes without metadata, leave. No pixel is
decoded here. A PNG has a checksum in each chunk, and no decoder of ours would look at them; a TIFF has none, but says
how many strips it has, where they lie and how many bytes they must yield.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from converter.config import MAX_PIXELS
from converter.errors import DataError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
JPEG_SIGNATURE = b"\xff\xd8\xff"
BMP_SIGNATURE = b"BM"
MAX_SCANS = 100  # of a JPEG file; progressive ones have some ten
TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_OTHERS = {  # first bytes, in lower case, of what is often found under the name of a picture
    b"gif8": "a GIF", b"<!doctype": "a web page", b"<html": "a web page", b"<?xml": "an XML file", b"<svg": "an SVG",
    b"%pdf": "a PDF", b"version https://git-lfs": "a pointer that `git lfs pull` replaces by the file",
}  # fmt: skip
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by PNG colour type
_PLAIN_SAMPLES = frozenset({(8, 0), (8, 2)})  # (bit depth, colour type)
_PLAIN_CHUNKS = frozenset({b"IHDR", b"IDAT", b"IEND", b"pHYs", b"gAMA", b"sRGB", b"cHRM", b"sBIT", b"bKGD", b"tIME"})
_ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
_INFLATE_BYTES = 1 << 20  # at a time: what a stream claims to hold is only counted, never kept
_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # JPEG markers: baseline, extended, progressive
_SEGMENTS = _FRAMES | {0xC4, 0xDA, 0xDB, 0xDD}  # and Huffman tables, scan, quantization tables, restart interval
_FILLED_MARKER = re.compile(rb"\xff+([^\xff])")  # any number of fill bytes FF may precede it
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither 0, which stands for a byte FF of a scan, nor a restart
_LONE_MARKERS = (b"\xff\x01", b"\xff\xd8")  # without a length
_RESTORE = "Restore the file from its origin."


class Tag:
    """Numbers of the TIFF tags that are looked at (TIFF 6.0, appendix A)."""

    SUBFILE, WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
    FILL_ORDER, STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS, STRIP_BYTES = 266, 273, 274, 277, 278, 279
    PLANAR, TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_BYTES = 284, 322, 323, 324, 325
    EXTRA_SAMPLES, SAMPLE_FORMAT = 338, 339


_KNOWN_TAGS = frozenset(number for names, number in vars(Tag).items() if isinstance(number, int))
_INTEGERS = {1: "B", 3: "H", 4: "L", 16: "Q"}  # TIFF types -> struct codes
_RAW, _JPEG, _DEFLATE = 1, 7, frozenset({8, 32946})
_COMPRESSIONS = _DEFLATE | {_RAW, 2, 3, 4, 5, _JPEG, 32773}  # also CCITT, LZW, PackBits
_MAX_ENTRIES = 4096  # of one tag directory; real files have some twenty
_MAX_PAGES = 64  # a GeoTIFF has some ten overviews
_MAX_STRIPS = 1 << 20  # a million offsets: more cost more memory than the pixels


class BmpHeader(NamedTuple):
    """Bits a pixel (1, 4, 8: palette indices; 16, 24, 32: colours) and kind of compression of a BMP file."""

    bits: int
    compression: int


def other_kind(data: bytes) -> str:
    """Returns in words what a file is that is none of the kinds that are read; "" where its first bytes do not tell."""
    head = data[:64].lstrip().lower()
    if head[:4] == b"riff" and head[8:12] == b"webp":
        return "a WebP"
    if head[4:8] == b"ftyp":
        return "an AVIF or HEIC, or a film"
    return next((kind for start, kind in _OTHERS.items() if head.startswith(start)), "")


# ---- PNG


def check_png(data: bytes, name: str) -> tuple[int, int]:
    """Walks the chunks of a PNG file and returns its (bit depth, colour type).

    Raises:
      DataError: a chunk is cut off, its CRC-32 is wrong, or the header or the end is missing.

    Source: W3C PNG specification, sections 5.3 (chunk layout) and 11.2.1 (IHDR).
    """

    def refuse(what: str) -> DataError:
        return DataError(name, what, _RESTORE, "E_DAMAGED")

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
    """Returns the (bit depth, colour type) of a PNG file that `check_png` has let through."""
    return data[24], data[25]


def png_is_interlaced(data: bytes) -> bool:
    """Tells whether a PNG file that `check_png` has let through comes in seven passes."""
    return data[28] == 1


def png_is_plain(data: bytes) -> bool:
    """Tells whether a PNG file that `check_png` has let through is nothing but grey or RGB pixels of 8 bits, in order.

    Transparency would change what they mean, and words may hold an orientation.
    """
    return (
        png_header(data) in _PLAIN_SAMPLES
        and not png_is_interlaced(data)
        and {kind for kind, _ in _png_chunks(data)} <= _PLAIN_CHUNKS
    )


def check_png_rows(data: bytes, size: tuple[int, int], name: str) -> None:
    """Refuses a PNG with too few rows: decoders leave the missing ones 0 and say nothing, and 0 may be a class.

    Args:
      data: that `check_png` has let through.
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
            expected += max(0, rows) * (1 + (columns * depth * _SAMPLES[color_type] + 7) // 8)
    inflater = zlib.decompressobj()
    found = 0
    for kind, chunk in _png_chunks(data):
        content = chunk[8:-4] if kind == b"IDAT" else b""
        try:
            while found < expected:
                part = inflater.decompress(content, _INFLATE_BYTES)
                found += len(part)
                content = inflater.unconsumed_tail
                if len(part) < _INFLATE_BYTES:  # with fewer than it may give, it has none left
                    break
        except zlib.error:
            raise DataError(name, "is damaged: its pixels cannot be inflated", _RESTORE, "E_DAMAGED") from None
    if found < expected:
        raise DataError(name, "is cut off: it has too few rows", _RESTORE, "E_DAMAGED")


def strip_png(data: bytes) -> bytes | None:
    """Returns an 8-bit RGB PNG file without its metadata; None where it is another kind, or has a transparent colour.

    Args:
      data: that `check_png` has let through.
    """
    chunks = list(_png_chunks(data))
    if png_header(data) != (8, 2) or b"tRNS" in dict(chunks):
        return None
    return PNG_SIGNATURE + b"".join(chunk for kind, chunk in chunks if kind in (b"IHDR", b"IDAT", b"IEND"))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields (kind, whole chunk) of a PNG file whose chunks were walked before, up to its end."""
    position, kind = len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        yield kind, data[position : position + 12 + length]
        position += 12 + length


# ---- JPEG


def check_jpeg(data: bytes, name: str) -> None:
    """Refuses a JPEG file of very many scans: each takes a decoder over all pixels again, and may have but 75 bytes.

    Raises:
      DataError: it has more than MAX_SCANS before its first end.

    Source: ITU T.81, annex B.1.1 (markers; fill bytes; what follows a scan).
    """
    if _count(data, b"\xff\xda") <= MAX_SCANS:  # nearly all; further pictures and films behind the first count here
        return
    position, scans = 2, 0
    while (found := _MARKER.search(data, position)) and found[0] != b"\xff\xd9":
        position = found.end()
        scans += found[0] == b"\xff\xda"
        if scans > MAX_SCANS:
            raise DataError(name, f"has more than {MAX_SCANS} scans", "Save it again.", "E_DAMAGED")
        if found[0] not in _LONE_MARKERS:
            position += int.from_bytes(data[position : position + 2])


def _count(data: bytes, pair: bytes) -> int:
    """Returns how often two bytes follow one another; bytes.count takes far longer where the first one is frequent."""
    (number,) = np.frombuffer(pair, np.uint16)
    # As numbers of two bytes each, those from even places on and those from odd ones.
    numbers = [np.frombuffer(data, np.uint16, (len(data) - start) // 2, start) for start in (0, 1)]
    return sum(int(np.count_nonzero(part == number)) for part in numbers)


def strip_jpeg(data: bytes) -> bytes | None:
    """Returns a JPEG file without metadata: from its first byte to its first end, less comments and application data.

    What decides on colours stays: the JFIF header, without thumbnail, and Adobe's. Dropped are EXIF, colour profile,
    further pictures behind the first, and all else.

    Returns:
      None where the file is not what every reader takes for RGB alike: 8 bit, baseline or progressive, YCbCr.

    Source: ITU T.81, annex B (markers); T.871, section 10 (JFIF); the rules of IJG's libjpeg on the colour space.
    """
    kept, position = [data[:2]], 2
    is_jfif, adobe, components = False, -1, b""
    while found := _FILLED_MARKER.match(data, position):
        marker, position = found[1][0], found.end() - 2
        if marker == 0xD9:
            is_ycc = is_jfif or adobe == 1 or (adobe < 0 and components == b"\1\2\3")
            return b"".join([*kept, b"\xff\xd9"]) if len(components) == 3 and is_ycc else None
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4])
        body = data[position + 4 : end]
        if marker == 0xE0 and body.startswith(b"JFIF\0") and len(body) >= 14 and not is_jfif:
            is_jfif = True
            kept.append(b"\xff\xe0\0\x10" + body[:12] + b"\0\0")
        elif marker == 0xEE and body.startswith(b"Adobe") and len(body) >= 12 and adobe < 0:
            adobe = body[11]
            kept.append(b"\xff\xee\0\x0e" + body[:12])
        elif marker in _SEGMENTS:
            if marker in _FRAMES:
                if components or len(body) < 6 or body[0] != 8:
                    return None
                components = body[6::3]
            end = _end_of_scan(data, end) if marker == 0xDA else end
            kept.append(data[position:end])
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE):
            return None  # lossless, arithmetic, hierarchical: few readers know them
        position = end
    return None


def _end_of_scan(data: bytes, position: int) -> int:
    """Returns where the entropy-coded bytes from `position` on end: at the next marker but a restart."""
    while (position := data.find(b"\xff", position)) >= 0:
        if position + 1 >= len(data) or not (data[position + 1] == 0 or 0xD0 <= data[position + 1] <= 0xD7):
            return position
        position += 2
    return len(data)


# ---- BMP


def bmp_header(data: bytes, name: str) -> BmpHeader:
    """Returns the header of a BMP file.

    Raises:
      DataError: it is cut off.

    Source: Microsoft's BITMAPCOREHEADER and BITMAPINFOHEADER.
    """
    if len(data) < 54:
        raise DataError(name, "is cut off: its header is missing", _RESTORE, "E_DAMAGED")
    (length,) = struct.unpack_from("<I", data, 14)
    if length == 12:
        return BmpHeader(struct.unpack_from("<H", data, 24)[0], 0)
    return BmpHeader(*struct.unpack_from("<HI", data, 28))


# ---- TIFF


@dataclass(frozen=True)
class TiffHeader:
    """What the tags of a TIFF file say.

    Attributes:
      order: "<" or ">", as `struct` has it.
      size: (height, width) in pixels, as they lie in the file.
      bits: a sample.
      samples: a pixel.
      compression: TIFF's number for it.
      photometric: TIFF's number for what the samples mean; 0 is white at zero.
      extra: TIFF's numbers for what the samples beyond the colours mean.
      orientation: 1..8, as in EXIF.
      values: tag -> (type, position of its value in the file), of tags with one value.
    """

    order: str
    size: tuple[int, int]
    bits: int
    samples: int
    compression: int
    photometric: int
    extra: tuple[int, ...]
    orientation: int
    values: dict[int, tuple[int, int]]

    @property
    def is_lossy(self) -> bool:
        """Whether the samples are those of a JPEG."""
        return self.compression == _JPEG

    def replaced(self, data: bytes, tag: int, value: int) -> bytes:
        """Returns the bytes of the file with another value of a tag that has one value."""
        kind, position = self.values[tag]
        changed = bytearray(data)
        struct.pack_into(self.order + _INTEGERS[kind], changed, position, value)
        return bytes(changed)


class _Directory:
    """One directory of tags (IFD) of a TIFF file; every method raises DataError for what cannot be."""

    def __init__(self, data: bytes, position: int | None, name: str) -> None:
        """Reads the directory at a position; None is the first one."""
        self.data, self.name = data, name
        self.order = "<" if data[:2] == b"II" else ">"
        self.is_big = data[2:4] in (b"+\0", b"\0+")
        head, entry, self.word = ("Q", "HHQ8s", 8) if self.is_big else ("H", "HHL4s", 4)
        if position is None:
            (position,) = self.unpack(head if self.is_big else "L", self.word)
        (count,) = self.unpack(head, position)
        if not 0 < count <= _MAX_ENTRIES:
            raise self.refuse(f"is damaged: a directory of {count} tags")
        first = position + struct.calcsize("=" + head)
        step = struct.calcsize("=" + entry)
        self.entries: dict[int, tuple[int, int, int]] = {}  # tag -> (type, number of values, where they lie)
        for place in range(first, first + step * count, step):
            tag, kind, length, _ = self.unpack(entry, place)
            if tag not in _KNOWN_TAGS:
                continue
            if tag in self.entries:
                raise self.refuse(f"is damaged: tag {tag} stands there twice")  # decoders disagree on which counts
            at = place + step - self.word
            code = _INTEGERS.get(kind)
            if code and length * struct.calcsize("=" + code) > self.word:
                (at,) = self.unpack("Q" if self.is_big else "L", at)
            self.entries[tag] = kind, length, at
        (self.next,) = self.unpack("Q" if self.is_big else "L", first + step * count)

    def refuse(self, what: str) -> DataError:
        return DataError(self.name, what, _RESTORE, "E_DAMAGED")

    def unpack(self, code: str, position: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self.order + code, self.data, position)
        except (struct.error, OverflowError):
            raise self.refuse("is cut off: its tags lie beyond its end") from None

    def all(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Returns the values of a tag, all of them integers."""
        if tag not in self.entries:
            return default
        kind, length, at = self.entries[tag]
        if kind not in _INTEGERS or not 0 < length <= _MAX_STRIPS:
            raise self.refuse(f"is damaged: tag {tag} has {length} values of type {kind}")
        return self.unpack(f"{length}{_INTEGERS[kind]}", at)

    def one(self, tag: int, default: int | None = None) -> int:
        """Returns the value of a tag that has one."""
        values = self.all(tag, () if default is None else (default,))
        if len(values) != 1:
            raise self.refuse(f"is damaged: tag {tag} has {len(values)} values instead of one")
        return values[0]


def check_tiff(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> TiffHeader:
    """Reads the tags of a TIFF file, and holds what they say against the bytes that are there.

    Raises:
      DataError: the tags are damaged or contradict each other, a strip or tile is missing, short, shared or
        (deflate) has a wrong checksum; or it holds several pages, too many pixels, or numbers that are no unsigned
        integers of 1, 2, 4, 8 or 16 bits.

    Source: TIFF 6.0; the BigTIFF design of libtiff.
    """
    if len(data) < 16:
        raise DataError(name, "is cut off: its header is missing", _RESTORE, "E_DAMAGED")
    tags = _Directory(data, None, name)
    _refuse_pages(tags)
    size = tags.one(Tag.LENGTH), tags.one(Tag.WIDTH)
    if size[0] * size[1] > max_pixels:
        what = f"has {size[0]}x{size[1]} pixels, more than {max_pixels} in all"
        raise DataError(name, what, "Cut it into tiles.", "E_TOO_LARGE")
    header = TiffHeader(
        order=tags.order,
        size=size,
        bits=max(tags.all(Tag.BITS, (1,))),
        samples=tags.one(Tag.SAMPLES, 1),
        compression=tags.one(Tag.COMPRESSION, _RAW),
        photometric=tags.one(Tag.PHOTOMETRIC),
        extra=tags.all(Tag.EXTRA_SAMPLES),
        orientation=tags.one(Tag.ORIENTATION, 1),
        values={tag: (kind, at) for tag, (kind, length, at) in tags.entries.items() if length == 1},
    )
    is_planar = tags.one(Tag.PLANAR, 1) == 2
    if found := _unread(tags, header, is_planar=is_planar):
        mend = "Save it as 8-bit grey, palette or RGB, with LZW or Deflate compression or none."
        raise DataError(name, f"is a TIFF file that holds {found}, which is not read", mend, "E_FORMAT")
    _check_strips(tags, header, header.samples if is_planar else 1, max_pixels)
    return header


def _unread(tags: _Directory, header: TiffHeader, *, is_planar: bool) -> str:
    """Returns in words what a TIFF file holds that is not read, or that Pillow would read wrongly; "" for nothing."""
    bits, formats = set(tags.all(Tag.BITS, (1,))), set(tags.all(Tag.SAMPLE_FORMAT, (1,)))
    colors = {2: 3, 5: 4, 6: 3, 8: 3}.get(header.photometric, 1)
    is_float = 3 in formats
    found = {
        "big-endian numbers in the large form (BigTIFF)": tags.is_big and tags.order == ">",
        f"{'floating-point' if is_float else 'signed'} numbers of {header.bits} bits": formats != {1},
        f"numbers of {' and '.join(map(str, sorted(bits)[:4]))} bits": bits not in ({1}, {2}, {4}, {8}, {16}),
        f"compression {header.compression}": header.compression not in _COMPRESSIONS,
        "YCbCr samples outside a JPEG": header.photometric == 6 and not header.is_lossy,
        "colours multiplied by their alpha channel": 1 in header.extra,
        "planes that its tags do not explain": is_planar and header.samples != colors + len(header.extra),
    }
    return next((what for what, is_so in found.items() if is_so), "")


def _refuse_pages(tags: _Directory) -> None:
    """Refuses a TIFF file with further pictures; smaller copies of the first (overviews) are none."""
    page = tags
    for _ in range(_MAX_PAGES):
        if not page.next:
            return
        page = _Directory(tags.data, page.next, tags.name)
        if not page.one(Tag.SUBFILE, 0) & 1:
            break
    raise DataError(tags.name, "has several pages", "Save one page of it.", "E_FORMAT")


def _check_strips(tags: _Directory, header: TiffHeader, planes: int, max_pixels: int) -> None:
    """Refuses a TIFF file whose strips or tiles are not all there."""
    height, width = header.size
    if Tag.TILE_OFFSETS in tags.entries:
        offsets, lengths = tags.all(Tag.TILE_OFFSETS), tags.all(Tag.TILE_BYTES)
        across, down = tags.one(Tag.TILE_WIDTH), tags.one(Tag.TILE_LENGTH)
    else:
        offsets, lengths = tags.all(Tag.STRIP_OFFSETS), tags.all(Tag.STRIP_BYTES)
        across, down = width, min(height, tags.one(Tag.ROWS, height))
    if not (across and down) or across * down > max(max_pixels, 1 << 20):
        raise tags.refuse(f"is damaged: it has tiles of {down}x{across} pixels")
    rows, columns = -(-height // down), -(-width // across)
    if not rows * columns * planes == len(offsets) == len(lengths):
        raise tags.refuse(f"has {len(offsets)} strips or tiles instead of {rows * columns * planes}")
    row_bytes = (across * header.bits * (header.samples // planes) + 7) // 8
    for number, (offset, length) in enumerate(zip(offsets, lengths, strict=True)):
        if not 0 < length <= len(tags.data) - offset:
            raise tags.refuse(f"is cut off: strip or tile {number} is missing")
    if sum(lengths) > len(tags.data):  # a small file could ask for any amount of work
        raise tags.refuse("is damaged: its strips or tiles share their bytes")
    for number, (offset, length) in enumerate(zip(offsets, lengths, strict=True)):
        # Only the last strip has fewer rows; a tile is always whole.
        is_last = columns == 1 and Tag.TILE_OFFSETS not in tags.entries and number % rows == rows - 1
        expected = row_bytes * (height - down * (rows - 1) if is_last else down)
        strip = memoryview(tags.data)[offset : offset + length]
        if not _is_whole(strip, header.compression, expected, row_bytes * down):
            raise tags.refuse(f"is cut off or damaged: strip or tile {number} is not whole")


def _is_whole(strip: memoryview, compression: int, least: int, most: int) -> bool:
    """Tells whether a strip holds from `least` to `most` bytes, as far as can be told without a decoder."""
    if compression == _RAW:
        return len(strip) >= least
    if compression == _JPEG:
        return bytes(strip[-64:]).rstrip(b"\0").endswith(b"\xff\xd9")
    return compression not in _DEFLATE or _inflates_to(strip, least, most)


def _inflates_to(strip: memoryview, least: int, most: int) -> bool:
    """Tells whether a zlib stream is whole, has the right checksum, and holds from `least` to `most` bytes."""
    inflater = zlib.decompressobj()
    found, rest = 0, bytes(strip)
    try:
        while not inflater.eof and found <= most:
            part = inflater.decompress(rest, _INFLATE_BYTES)
            rest = inflater.unconsumed_tail
            found += len(part)
            if not part and not rest:
                break
    except zlib.error:
        return False
    return inflater.eof and least <= found <= most
