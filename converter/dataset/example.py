"""Example: a record <-> the bytes of a tf.train.Example, in protobuf's wire format.

Written by hand because protobuf does not guarantee the same bytes twice: the order of a map's keys depends on its back
end. Here the keys are sorted, which every back end agrees with as long as no key is a prefix of another.

Source: protobuf's encoding guide (wire types 0 and 2, varints); tensorflow/core/example/example.proto and
feature.proto (field numbers).
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from converter.errors import REBUILD, DataError
from converter.pixels.geometry import Box
from converter.pixels.images import decode_image
from converter.pixels.masks import decode_mask
from converter.schema import (
    BYTES_KEYS,
    CRS,
    FILE_NAME,
    IMAGE,
    INT64_KEYS,
    MASK,
    MASK_NAME,
    ORIGINAL_HEIGHT,
    ORIGINAL_WIDTH,
    TILE_KEYS,
    TRANSFORM,
    RecordKey,
    window_text,
)

_LENGTH_DELIMITED = 2  # wire type of bytes, messages and packed numbers
_VARINT = 0
_BYTES_LIST, _INT64_LIST = 1, 3  # fields of Feature's oneof

Feature = bytes | int


class Tile(NamedTuple):
    """What a record is of its photograph.

    Attributes:
      window: part of the upright image after scaling; it may reach over the edge.
      scaled_size: (height, width) of the upright image after scaling.
      crs: its coordinate reference system, such as "EPSG:25832"; "" where there is none.
      transform: (a, b, c, d, e, f): the corner (column, row) of a pixel of the tile is at x = a * column + b * row + c,
        y = d * column + e * row + f; () where it is not known.
    """

    window: Box
    scaled_size: tuple[int, int]
    crs: str = ""
    transform: tuple[float, ...] = ()


@dataclass(frozen=True)
class Record:
    """One stored pair.

    Attributes:
      image_bytes: JPEG or PNG bytes of the image.
      mask_bytes: PNG bytes of the mask.
      file_name: path of the image, relative to the source folder.
      mask_name: path of the mask, relative to the source folder.
      original_size: (height, width) of the upright image before resizing.
      tile: what it is of its photograph; None of a record that is no tile.
    """

    image_bytes: bytes
    mask_bytes: bytes
    file_name: str
    mask_name: str
    original_size: tuple[int, int]
    tile: Tile | None = None

    @property
    def key(self) -> RecordKey:
        """Identifies the record within its dataset: the key of its source pair."""
        if self.tile is None:
            return self.file_name, self.mask_name
        return self.file_name, self.mask_name, window_text(self.tile.window)

    @property
    def name(self) -> str:
        """Names the record for people and files: the path of its image; of a tile with its corner, "a@448_0.jpg"."""
        if self.tile is None:
            return self.file_name
        path = PurePosixPath(self.file_name)
        return str(path.with_name(f"{path.stem}@{self.tile.window.top}_{self.tile.window.left}{path.suffix}"))

    @property
    def image(self) -> np.ndarray:
        """The decoded image: uint8 [H, W, 3]; DataError where its bytes are damaged."""
        return decode_image(self.image_bytes, self.file_name)

    @property
    def mask(self) -> np.ndarray:
        """The decoded class indices: uint8 [H, W]; DataError where their bytes are damaged."""
        return decode_mask(self.mask_bytes, self.mask_name)


def encode_record(record: Record) -> bytes:
    """Returns the serialized tf.train.Example of a record."""
    tile = record.tile
    facts: dict[str, Feature] = dict(zip(TILE_KEYS, (*tile.window, *tile.scaled_size), strict=True)) if tile else {}
    if tile and tile.transform:
        facts |= {CRS: tile.crs.encode(), TRANSFORM: " ".join(map(repr, tile.transform)).encode()}
    return encode_example(
        {
            IMAGE: record.image_bytes,
            MASK: record.mask_bytes,
            FILE_NAME: record.file_name.encode(),
            MASK_NAME: record.mask_name.encode(),
            ORIGINAL_HEIGHT: record.original_size[0],
            ORIGINAL_WIDTH: record.original_size[1],
            **facts,
        }
    )


def decode_record(data: bytes, where: object) -> Record:
    """Returns the record in a serialized tf.train.Example.

    Args:
      data: not trusted.
      where: shard and record number, for messages.

    Raises:
      DataError: not an Example, or a key of the schema is missing or has the wrong type.
    """
    features = decode_example(data, where)
    tile_keys = TILE_KEYS if any(key in features for key in TILE_KEYS) else ()
    for key in (*BYTES_KEYS, *INT64_KEYS, *tile_keys):
        expected = bytes if key in BYTES_KEYS else int
        if not isinstance(features.get(key), expected):
            found = sorted(features)
            what = f"has no {expected.__name__} under {key!r}; its keys are {found}"
            raise DataError(where, what, REBUILD, "E_RECORD")
    texts = {key: bytes(features[key]).decode("utf-8", "replace") for key in (FILE_NAME, MASK_NAME)}
    return Record(
        image_bytes=bytes(features[IMAGE]),
        mask_bytes=bytes(features[MASK]),
        file_name=texts[FILE_NAME],
        mask_name=texts[MASK_NAME],
        original_size=(int(features[ORIGINAL_HEIGHT]), int(features[ORIGINAL_WIDTH])),
        tile=_tile(features, where) if tile_keys else None,
    )


def _tile(features: dict[str, Feature], where: object) -> Tile:
    top, left, height, width, *scaled = (int(features[key]) for key in TILE_KEYS)
    box, size = Box(top, left, height, width), (scaled[0], scaled[1])
    crs, transform = features.get(CRS), features.get(TRANSFORM)
    if not isinstance(crs, bytes) or not isinstance(transform, bytes):
        return Tile(box, size)
    try:
        numbers = tuple(map(float, transform.split()))
    except ValueError:
        numbers = ()
    if len(numbers) != 6:
        raise DataError(where, f"has a {TRANSFORM} that is not six numbers", REBUILD, "E_RECORD")
    return Tile(box, size, crs.decode("utf-8", "replace"), numbers)


def encode_example(features: dict[str, Feature]) -> bytes:
    """Returns the serialized tf.train.Example with one bytes or int64 value per key."""
    entries = []
    for key, value in sorted((key.encode(), value) for key, value in features.items()):
        if isinstance(value, bytes):
            feature = _field(_BYTES_LIST, _field(1, value))
        else:
            feature = _field(_INT64_LIST, _field(1, _varint(value)))
        entries.append(_field(1, _field(1, key) + _field(2, feature)))
    return _field(1, b"".join(entries))


def decode_example(data: bytes, where: object) -> dict[str, Feature]:
    """Returns the single bytes or int64 value of each key of a serialized tf.train.Example.

    A key with several values, or with floats, is left out: segconv writes none.

    Raises:
      DataError: the bytes are not an Example; every length is checked against the bytes that are left.
    """
    view = memoryview(data)
    features: dict[str, Feature] = {}
    try:
        for example_field in _fields(view, 1):
            for entry in _fields(example_field, 1):
                key = b""
                for part in _fields(entry, 1):
                    key = bytes(part)  # of several, the last one counts, as in protobuf
                name, values = key.decode(), (value for feature in _fields(entry, 2) for value in _values(feature))
                found = [*itertools.islice(values, 2)]
                deque(values, maxlen=0)  # the others are parsed, to check them, but not stored
                if len(found) == 1:
                    features[name] = found[0]
    except (ValueError, IndexError) as error:
        raise DataError(where, f"is not a tf.train.Example ({error})", REBUILD, "E_RECORD") from None
    return features


def _varint(value: int) -> bytes:
    """Returns an int64 as a varint; a negative one takes ten bytes, as in protobuf."""
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    return bytes((number << 3 | _LENGTH_DELIMITED,)) + _varint(len(data)) + data


def _read_varint(view: memoryview, position: int) -> tuple[int, int]:
    """Returns (value, position after it); IndexError at the end of the bytes."""
    value = 0
    for shift in range(0, 70, 7):
        byte = view[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value & (1 << 64) - 1, position
    raise ValueError("a varint of more than ten bytes")


def _parse(view: memoryview) -> Iterator[tuple[int, memoryview | int]]:
    """Yields (field number, content) of every field of a message, in order; a list would be 136 times their size."""
    position = 0
    while position < len(view):
        tag, position = _read_varint(view, position)
        if tag & 7 == _VARINT:
            number, position = _read_varint(view, position)
            yield tag >> 3, number
        elif tag & 7 == _LENGTH_DELIMITED:
            length, position = _read_varint(view, position)
            if length > len(view) - position:
                raise ValueError(f"a field declares {length} bytes, but {len(view) - position} are left")
            yield tag >> 3, view[position : position + length]
            position += length
        else:
            raise ValueError(f"wire type {tag & 7}")


def _fields(view: memoryview, number: int) -> Iterator[memoryview]:
    return (content for field, content in _parse(view) if field == number and isinstance(content, memoryview))


def _values(feature: memoryview) -> Iterator[Feature]:
    for part in _fields(feature, _BYTES_LIST):
        yield from map(bytes, _fields(part, 1))
    for part in _fields(feature, _INT64_LIST):
        for field, content in _parse(part):
            if field != 1:
                continue
            numbers = [content] if isinstance(content, int) else _packed(content)
            yield from (number - (1 << 64) if number >> 63 else number for number in numbers)


def _packed(view: memoryview) -> Iterator[int]:
    position = 0
    while position < len(view):
        number, position = _read_varint(view, position)
        yield number
