"""TIFF: the tags of a file, and damage that decoders do not detect. No pixel is decoded here.

A TIFF has no checksum, but its tags give the number of strips, their offsets and how many bytes they must yield.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

from converter.errors import DataError
from converter.limits import INFLATE_BYTES, MAX_PIXELS, MAX_TIFF_PAGES, MAX_TIFF_STRIPS, MAX_TIFF_TAGS
from converter.pixels.signatures import RESTORE


class Tag:
    """Numbers of the TIFF tags that are read (TIFF 6.0, appendix A)."""

    SUBFILE, WIDTH, LENGTH, BITS, COMPRESSION, PHOTOMETRIC = 254, 256, 257, 258, 259, 262
    FILL_ORDER, STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS, STRIP_BYTES = 266, 273, 274, 277, 278, 279
    PLANAR, TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, TILE_BYTES = 284, 322, 323, 324, 325
    PREDICTOR, EXTRA_SAMPLES, SAMPLE_FORMAT = 317, 338, 339


_KNOWN_TAGS = frozenset(number for names, number in vars(Tag).items() if isinstance(number, int))
_INTEGERS = {1: "B", 3: "H", 4: "L", 16: "Q"}  # TIFF types -> struct codes
RAW, _JPEG, DEFLATE = 1, 7, frozenset({8, 32946})
_COMPRESSIONS = DEFLATE | {RAW, 2, 3, 4, 5, _JPEG, 32773}  # also CCITT, LZW, PackBits
_KINDS = {1: "", 2: "signed", 3: "floating-point"}  # by the number of the sample format
_COLORS = {2: 3, 5: 4, 6: 3, 8: 3}  # samples of a colour, by the number of the colour space
_BITS = {1: {1, 2, 4, 8, 16, 32, 64}, 2: {8, 16, 32, 64}, 3: {16, 32, 64}}  # per sample, by its format


@dataclass(frozen=True)
class TiffParts:
    """Where the strips or tiles of a TIFF file are, and how they are laid out.

    Attributes:
      size: (height, width) of each in pixels; the last strip of an image may have fewer rows.
      is_tiled: whether they are tiles, all of which have all of their rows and columns.
      is_planar: whether each part has the samples of one band.
      offsets: of each part in the file, row after row, and of a planar file band after band.
      lengths: of each part, in bytes.
    """

    size: tuple[int, int]
    is_tiled: bool
    is_planar: bool
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]


@dataclass(frozen=True)
class TiffHeader:
    """The tags of a TIFF file.

    Attributes:
      order: byte order, "<" or ">" as in `struct`.
      size: (height, width) in pixels, as stored in the file.
      bits: per sample.
      kind: of the samples: "" for unsigned integers, "signed" or "floating-point".
      samples: per pixel.
      compression: TIFF's number of the compression method.
      photometric: TIFF's number of the colour space; 0 means that white is 0.
      extra: TIFF's numbers for the meaning of extra samples.
      orientation: 1..8, as in EXIF.
      predictor: TIFF's number of the prediction that was subtracted from the samples; 1 for none.
      fill_order: 2 where the bits of each byte are reversed, else 1.
      parts: its strips or tiles.
      lacks: what in it Pillow cannot read, or misreads, in words; "" for nothing.
      values: tag -> (type, offset of its value in the file), of tags with one value.
    """

    order: str
    size: tuple[int, int]
    bits: int
    kind: str
    samples: int
    compression: int
    photometric: int
    extra: tuple[int, ...]
    orientation: int
    predictor: int
    fill_order: int
    parts: TiffParts
    lacks: str
    values: dict[int, tuple[int, int]]

    @property
    def is_lossy(self) -> bool:
        """Whether the samples are compressed as JPEG."""
        return self.compression == _JPEG

    @property
    def is_deep(self) -> bool:
        """Whether the samples are more than unsigned integers of up to 8 bits."""
        return self.bits > 8 or self.kind != ""

    def replaced(self, data: bytes, tag: int, value: int) -> bytes:
        """Returns the bytes of the file with a new value of a single-valued tag."""
        kind, position = self.values[tag]
        changed = bytearray(data)
        struct.pack_into(self.order + _INTEGERS[kind], changed, position, value)
        return bytes(changed)


class _Directory:
    """One directory of tags (IFD) of a TIFF file; every method raises DataError for an invalid one."""

    def __init__(self, data: bytes, position: int | None, name: str) -> None:
        """Reads the directory at an offset; None is the first one."""
        self.data, self.name = data, name
        self.order = "<" if data[:2] == b"II" else ">"
        self.is_big = data[2:4] in (b"+\0", b"\0+")
        head, entry, self.word = ("Q", "HHQ8s", 8) if self.is_big else ("H", "HHL4s", 4)
        if position is None:
            (position,) = self.unpack(head if self.is_big else "L", self.word)
        (count,) = self.unpack(head, position)
        if not 0 < count <= MAX_TIFF_TAGS:
            raise self.refuse(f"is damaged: a directory of {count} tags")
        first = position + struct.calcsize("=" + head)
        step = struct.calcsize("=" + entry)
        self.entries: dict[int, tuple[int, int, int]] = {}  # tag -> (type, number of values, their offset)
        for place in range(first, first + step * count, step):
            tag, kind, length, _ = self.unpack(entry, place)
            if tag not in _KNOWN_TAGS:
                continue
            if tag in self.entries:
                raise self.refuse(f"is damaged: tag {tag} occurs twice")  # decoders disagree on which one to use
            at = place + step - self.word
            code = _INTEGERS.get(kind)
            if code and length * struct.calcsize("=" + code) > self.word:
                (at,) = self.unpack("Q" if self.is_big else "L", at)
            self.entries[tag] = kind, length, at
        (self.next,) = self.unpack("Q" if self.is_big else "L", first + step * count)

    def refuse(self, what: str) -> DataError:
        return DataError(self.name, what, RESTORE, "E_DAMAGED")

    def unpack(self, code: str, position: int) -> tuple[int, ...]:
        try:
            return struct.unpack_from(self.order + code, self.data, position)
        except (struct.error, OverflowError):
            raise self.refuse("is truncated: its tags are beyond its end") from None

    def all(self, tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Returns the values of a tag, which must be integers."""
        if tag not in self.entries:
            return default
        kind, length, at = self.entries[tag]
        if kind not in _INTEGERS or not 0 < length <= MAX_TIFF_STRIPS:
            raise self.refuse(f"is damaged: tag {tag} has {length} values of type {kind}")
        return self.unpack(f"{length}{_INTEGERS[kind]}", at)

    def one(self, tag: int, default: int | None = None) -> int:
        """Returns the value of a single-valued tag."""
        values = self.all(tag, () if default is None else (default,))
        if len(values) != 1:
            raise self.refuse(f"is damaged: tag {tag} has {len(values)} values instead of one")
        return values[0]


def check_tiff(data: bytes, name: str, max_pixels: int = MAX_PIXELS) -> TiffHeader:
    """Reads the tags of a TIFF file, and verifies its strips or tiles against them.

    Raises:
      DataError: the tags are damaged or contradict each other, a strip or tile is missing, short, shared or
        (deflate) has a wrong checksum; or it has several pages, too many pixels, or a compression or kind of samples
        that is not supported.

    Source: TIFF 6.0; the BigTIFF design of libtiff.
    """
    if len(data) < 16:
        raise DataError(name, "is truncated: its header is missing", RESTORE, "E_DAMAGED")
    tags = _Directory(data, None, name)
    _refuse_pages(tags)
    size = tags.one(Tag.LENGTH), tags.one(Tag.WIDTH)
    if size[0] * size[1] > max_pixels:
        what = f"has {size[0]}x{size[1]} pixels, more than {max_pixels} in all"
        raise DataError(name, what, "Cut it into tiles: pass --fit tile.", "E_TOO_LARGE")
    if found := _unsupported(tags):
        fix = "Save it as 8-bit grey, palette or RGB, with LZW or Deflate compression or none."
        raise DataError(name, f"is a TIFF file with {found}, which is not supported", fix, "E_FORMAT")
    header = TiffHeader(
        order=tags.order,
        size=size,
        bits=max(tags.all(Tag.BITS, (1,))),
        kind=_KINDS[max(tags.all(Tag.SAMPLE_FORMAT, (1,)))],
        samples=tags.one(Tag.SAMPLES, 1),
        compression=tags.one(Tag.COMPRESSION, RAW),
        photometric=tags.one(Tag.PHOTOMETRIC),
        extra=tags.all(Tag.EXTRA_SAMPLES),
        orientation=tags.one(Tag.ORIENTATION, 1),
        predictor=tags.one(Tag.PREDICTOR, 1),
        fill_order=tags.one(Tag.FILL_ORDER, 1),
        parts=_parts(tags, size),
        lacks=_lacks(tags),
        values={tag: (kind, at) for tag, (kind, length, at) in tags.entries.items() if length == 1},
    )
    _check_strips(tags, header, max_pixels)
    return header


def _unsupported(tags: _Directory) -> str:
    """Returns what in a TIFF file is not supported, in words; "" for nothing."""
    bits, formats = set(tags.all(Tag.BITS, (1,))), set(tags.all(Tag.SAMPLE_FORMAT, (1,)))
    compression, photometric = tags.one(Tag.COMPRESSION, RAW), tags.one(Tag.PHOTOMETRIC)
    is_one_kind = len(formats) == 1 and formats <= _KINDS.keys()
    found = {
        f"samples of format {' and '.join(map(str, sorted(formats)[:4]))}": not is_one_kind,
        f"{' and '.join(map(str, sorted(bits)[:4]))}-bit samples": is_one_kind
        and not (len(bits) == 1 and bits <= _BITS[min(formats)]),
        f"compression {compression}": compression not in _COMPRESSIONS,
        "YCbCr samples outside a JPEG": photometric == 6 and compression != _JPEG,
        "colours premultiplied by alpha": 1 in tags.all(Tag.EXTRA_SAMPLES),
    }
    return next((what for what, is_so in found.items() if is_so), "")


def _lacks(tags: _Directory) -> str:
    """Returns what in a supported TIFF file Pillow cannot read, or misreads, in words; "" for nothing."""
    bits, kind = max(tags.all(Tag.BITS, (1,))), _KINDS[max(tags.all(Tag.SAMPLE_FORMAT, (1,)))]
    colors = _COLORS.get(tags.one(Tag.PHOTOMETRIC), 1)
    explained = colors + len(tags.all(Tag.EXTRA_SAMPLES))
    found = {
        f"{bits}-bit {kind} samples".replace("  ", " "): kind != "" or bits > 16,
        "big-endian BigTIFF data": tags.is_big and tags.order == ">",
        "planes that its tags do not explain": tags.one(Tag.PLANAR, 1) == 2 and tags.one(Tag.SAMPLES, 1) != explained,
    }
    return next((what for what, is_so in found.items() if is_so), "")


def _refuse_pages(tags: _Directory) -> None:
    """Refuses a TIFF file with several images; smaller copies of the first one (overviews) do not count."""
    page = tags
    for _ in range(MAX_TIFF_PAGES):
        if not page.next:
            return
        page = _Directory(tags.data, page.next, tags.name)
        if not page.one(Tag.SUBFILE, 0) & 1:
            break
    raise DataError(tags.name, "has several pages", "Save one page of it.", "E_FORMAT")


def _parts(tags: _Directory, size: tuple[int, int]) -> TiffParts:
    """Returns the strips or tiles of an image of size (height, width), as its tags say."""
    is_planar = tags.one(Tag.PLANAR, 1) == 2
    if Tag.TILE_OFFSETS in tags.entries:
        part = tags.one(Tag.TILE_LENGTH), tags.one(Tag.TILE_WIDTH)
        return TiffParts(part, True, is_planar, tags.all(Tag.TILE_OFFSETS), tags.all(Tag.TILE_BYTES))
    part = min(size[0], tags.one(Tag.ROWS, size[0])), size[1]
    return TiffParts(part, False, is_planar, tags.all(Tag.STRIP_OFFSETS), tags.all(Tag.STRIP_BYTES))


def _check_strips(tags: _Directory, header: TiffHeader, max_pixels: int) -> None:
    """Refuses a TIFF file with missing or incomplete strips or tiles."""
    (height, width), (down, across) = header.size, header.parts.size
    planes = header.samples if header.parts.is_planar else 1
    offsets, lengths = header.parts.offsets, header.parts.lengths
    if not (across and down) or across * down > max(max_pixels, 1 << 20):
        raise tags.refuse(f"is damaged: it has tiles of {down}x{across} pixels")
    rows, columns = -(-height // down), -(-width // across)
    if not rows * columns * planes == len(offsets) == len(lengths):
        raise tags.refuse(f"has {len(offsets)} strips or tiles instead of {rows * columns * planes}")
    row_bytes = (across * header.bits * (header.samples // planes) + 7) // 8
    for number, (offset, length) in enumerate(zip(offsets, lengths, strict=True)):
        if not 0 < length <= len(tags.data) - offset:
            raise tags.refuse(f"is truncated: strip or tile {number} is missing")
    if sum(lengths) > len(tags.data):  # a small file could cause any amount of work
        raise tags.refuse("is damaged: its strips or tiles share their bytes")
    for number, (offset, length) in enumerate(zip(offsets, lengths, strict=True)):
        # Only the last strip has fewer rows; a tile always has all of them.
        is_last = columns == 1 and not header.parts.is_tiled and number % rows == rows - 1
        expected = row_bytes * (height - down * (rows - 1) if is_last else down)
        strip = memoryview(tags.data)[offset : offset + length]
        if not _is_intact(strip, header.compression, expected, row_bytes * down):
            raise tags.refuse(f"is truncated or damaged: strip or tile {number} is incomplete")


def _is_intact(strip: memoryview, compression: int, least: int, most: int) -> bool:
    """Returns whether a strip yields `least` to `most` bytes, as far as is known without decoding it."""
    if compression == RAW:
        return len(strip) >= least
    if compression == _JPEG:
        return bytes(strip[-64:]).rstrip(b"\0").endswith(b"\xff\xd9")
    return compression not in DEFLATE or _inflates_to(strip, least, most)


def _inflates_to(strip: memoryview, least: int, most: int) -> bool:
    """Returns whether a zlib stream is complete, has the right checksum, and yields `least` to `most` bytes."""
    inflater = zlib.decompressobj()
    found, rest = 0, bytes(strip)
    try:
        while not inflater.eof and found <= most:
            part = inflater.decompress(rest, INFLATE_BYTES)
            rest = inflater.unconsumed_tail
            found += len(part)
            if not part and not rest:
                break
    except zlib.error:
        return False
    return inflater.eof and least <= found <= most
