"""TFRecord: record bytes <-> a shard file: framing, masked CRC32C, offset index. Knows nothing of images.

    uint64 length | uint32 masked CRC32C of the length | data | uint32 masked CRC32C of the data    (little-endian)

The index of a shard is a text file with one line per record: offset of its length field, and its size with the 16 bytes
of framing. DALI and PyTorch readers use the same format.

Source: tensorflow/core/lib/io/record_writer.h; masking in tensorflow/core/lib/hash/crc32c.h.
"""

from __future__ import annotations

import contextlib
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import google_crc32c

from converter.dataset.store import Place, size_of, store_at
from converter.errors import REBUILD, DataError
from converter.limits import MAX_FILE_BYTES, MAX_INDEX_LINE_BYTES, MAX_RECORD_BYTES
from converter.schema import INDEX_SUFFIX
from converter.system.files import NotRegularError

FRAME_BYTES = 16
REPAIR = "Fix it with `segconv verify --repair --src DIR`, or rebuild the dataset with `segconv build`."
HEADER_BYTES = 12
_MASK_DELTA = 0xA282EAD8


def masked_crc(data: bytes) -> int:
    """Returns TensorFlow's masked CRC32C: rotated right by 15 bits, plus a constant, modulo 2**32."""
    crc = int(google_crc32c.value(data))
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


@dataclass
class ShardWriter:
    """Writes framed records to an open file, and collects the index and the hash.

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


class ShardError(DataError):
    """A shard is damaged.

    Attributes:
      record: number of the first damaged record, from 0; None where unknown.
      offset: byte at which that record begins, or at which the file starts to be wrong; None where unknown.
    """

    def __init__(
        self,
        where: object,
        what: str,
        code: str,
        record: int | None = None,
        offset: int | None = None,
        fix: str = REPAIR,
    ) -> None:
        super().__init__(where if record is None else f"{where}: record {record}", what, fix, code)
        self.args = (str(where), what, code, record, offset, fix)  # from which pickle rebuilds it
        self.record = record
        self.offset = offset


@contextlib.contextmanager
def open_shard(place: Place, name: str) -> Iterator[BinaryIO]:
    """Opens a shard or its index for reading; a failure to open or read it is a ShardError.

    Args:
      place: folder or store of the records.
      name: of the file.
    """
    store = store_at(place)
    where = store.where(name)
    try:
        with store.open(name) as file:
            yield file
    except FileNotFoundError:
        raise ShardError(where, "is missing", "E_SHARD_MISSING") from None
    except NotRegularError:
        raise ShardError(where, "is not a regular file", "E_SHARD_MISSING") from None
    except OSError as error:
        raise ShardError(where, f"cannot be read ({error.strerror})", "E_SHARD_MISSING") from None


def read_frame(file: BinaryIO, end: int, where: object, number: int) -> bytes | None:
    """Returns the next record of an open shard, or None at its end; verifies both checksums.

    Args:
      file: open at the beginning of a frame.
      end: size of the file in bytes; a length that exceeds it is refused.
      where: path of the shard, for messages.
      number: of the record, for messages.

    Raises:
      ShardError: truncated, a forged length, or a wrong checksum; names record and byte.
    """
    offset = file.tell()
    if offset == end:
        return None
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        raise ShardError(where, f"is truncated at byte {offset + len(header)}", "E_SHARD_CUT", number, offset)
    length, length_crc = struct.unpack("<QI", header)
    if masked_crc(header[:8]) != length_crc:
        raise ShardError(where, f"has a wrong checksum of its length at byte {offset}", "E_SHARD_CRC", number, offset)
    left = end - offset - FRAME_BYTES
    if length > min(left, MAX_RECORD_BYTES):
        limit = f"{max(0, left)} are left" if length > left else f"no record has more than {MAX_RECORD_BYTES}"
        what = f"declares {length} bytes at byte {offset}, but {limit}"
        raise ShardError(where, what, "E_SHARD_CUT", number, offset)
    data, data_crc = file.read(length), file.read(4)
    if struct.pack("<I", masked_crc(data)) != data_crc:
        raise ShardError(where, f"has a wrong checksum of its data at byte {offset}", "E_SHARD_CRC", number, offset)
    return data


def read_shard(place: Place, name: str) -> Iterator[bytes]:
    """Yields the records of a shard file, in order; verifies the checksums of each.

    Args:
      place: folder or store of the records.
      name: of the shard.

    Raises:
      ShardError: the file cannot be read, or is damaged; names file, record and byte.
    """
    where = store_at(place).where(name)
    with open_shard(place, name) as file:
        end = size_of(file)
        number = 0
        while (data := read_frame(file, end, where, number)) is not None:
            yield data
            number += 1


def index_name(shard: str) -> str:
    """Returns the name of the index of a shard."""
    return shard + INDEX_SUFFIX


def read_index_text(place: Place, shard: str, records: int) -> str:
    """Returns the text of the index of a shard with `records` records; of a longer one, enough to detect that.

    Raises:
      ShardError: it cannot be read.
      ValueError: it is not ASCII.
    """
    with open_shard(place, index_name(shard)) as file:
        limit = min(size_of(file), MAX_INDEX_LINE_BYTES * records + 1, MAX_FILE_BYTES)
        return file.read(limit).decode("ascii")


def frame_positions(place: Place, shard: str, records: int) -> list[tuple[int, int]]:
    """Returns (offset, length) of the data of every record, read from the shard itself.

    Reads only the length of each record; verifies no checksum, since the hash of the file was verified before.

    Raises:
      ShardError: the shard cannot be read, or does not have `records` records.
    """
    where = store_at(place).where(shard)
    positions = []
    offset = 0
    with open_shard(place, shard) as file:
        end = size_of(file)
        for _ in range(records):
            file.seek(offset)
            length = int.from_bytes(file.read(8), "little")
            positions.append((offset + HEADER_BYTES, length))
            offset += length + FRAME_BYTES
    if offset != end:
        raise ShardError(where, f"does not hold the {records} records that the manifest lists", "E_COUNTS", fix=REBUILD)
    return positions
