"""TFRecord: record bytes <-> a shard file: framing, masked CRC32C, offset index. Knows nothing of images.

    uint64 length | uint32 masked CRC32C of the length | data | uint32 masked CRC32C of the data    (little-endian)

The index beside a shard is text, one line a record: offset of its length field, and its size with the 16 bytes of
framing; DALI and the PyTorch readers take the same.

Source: tensorflow/core/lib/io/record_writer.h; masking in tensorflow/core/lib/hash/crc32c.h.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import google_crc32c

from converter.errors import REBUILD, DataError

FRAME_BYTES = 16
_HEADER_BYTES = 12
_MASK_DELTA = 0xA282EAD8


def masked_crc(data: bytes) -> int:
    """Returns TensorFlow's masked CRC32C: rotated right by 15 bits, plus a constant, modulo 2**32."""
    crc = int(google_crc32c.value(data))
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


@dataclass
class ShardWriter:
    """Writes framed records to an open file, and keeps what the index and the manifest need.

    Attributes:
      file: open for writing, at its beginning.
      records: number of records so far.
      size: bytes so far, framing included.
    """

    file: BinaryIO
    records: int = 0
    size: int = 0
    _index: list[str] = field(default_factory=list)
    _hash: Any = field(default_factory=hashlib.sha256)

    def write(self, data: bytes) -> None:
        """Appends one record."""
        length = struct.pack("<Q", len(data))
        frame = (length, struct.pack("<I", masked_crc(length)), data, struct.pack("<I", masked_crc(data)))
        for part in frame:
            self.file.write(part)
            self._hash.update(part)
        framed = len(data) + FRAME_BYTES
        self._index.append(f"{self.size} {framed}\n")
        self.size += framed
        self.records += 1

    @property
    def example_bytes(self) -> int:
        """Bytes of the records without their framing."""
        return self.size - FRAME_BYTES * self.records

    @property
    def index(self) -> str:
        """Text of the index file."""
        return "".join(self._index)

    @property
    def sha256(self) -> str:
        """SHA-256 of all bytes so far, in hex."""
        return str(self._hash.hexdigest())


def read_frame(file: BinaryIO, end: int, where: object) -> bytes | None:
    """Returns the next record of an open shard, or None at its end; both checksums are held.

    Args:
      file: open at the beginning of a frame.
      end: size of the file in bytes; no length is believed that leads beyond it.
      where: shard and record, for messages.

    Raises:
      DataError: cut off, a forged length, or a wrong checksum; the message names the byte.
    """
    offset = file.tell()
    if offset == end:
        return None
    header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES:
        raise DataError(where, f"is cut off at byte {offset + len(header)}", REBUILD, "E_SHARD_CUT")
    length, length_crc = struct.unpack("<QI", header)
    if masked_crc(header[:8]) != length_crc:
        raise DataError(where, f"has a wrong checksum of its length at byte {offset}", REBUILD, "E_SHARD_CRC")
    if length > end - offset - FRAME_BYTES:
        what = f"announces {length} bytes at byte {offset}, {max(0, end - offset - FRAME_BYTES)} are left"
        raise DataError(where, what, REBUILD, "E_SHARD_CUT")
    data = file.read(length)
    (data_crc,) = struct.unpack("<I", file.read(4))
    if masked_crc(data) != data_crc:
        raise DataError(where, f"has a wrong checksum of its data at byte {offset}", REBUILD, "E_SHARD_CRC")
    return data


def read_shard(path: Path) -> Iterator[bytes]:
    """Yields the records of a shard file, in order, each with its checksums held.

    Raises:
      DataError: the file cannot be read, or is damaged; names file, record and byte.
    """
    try:
        with path.open("rb") as file:
            end = os.fstat(file.fileno()).st_size
            number = 0
            while (data := read_frame(file, end, f"{path}: record {number}")) is not None:
                yield data
                number += 1
    except OSError as error:
        raise DataError(path, f"cannot be read ({error.strerror})", REBUILD, "E_SHARD_MISSING") from None
