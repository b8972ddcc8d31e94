"""Integrity: verifies a shard file against its manifest entry before anything else reads it."""

from __future__ import annotations

from collections.abc import Iterable

from converter.dataset.manifest import ShardInfo
from converter.dataset.store import Place, sha256_of, size_of, store_at
from converter.dataset.tfrecord import ShardError, open_shard, read_frame, read_index_text
from converter.errors import DataError


def check_shard_file(place: Place, shard: ShardInfo, others: Iterable[ShardInfo] = ()) -> None:
    """Verifies a shard file against its manifest entry, so that no other reader gets a damaged one.

    TensorFlow trusts a record's length field and crashes on a forged one; a file with the right hash has none.

    Args:
      place: folder or store of the records.
      shard: its manifest entry.
      others: the shards of the dataset, to recognise swapped files.

    Raises:
      DataError: the file is missing or differs from the one that was built; names the first damaged record.
    """
    twins = {info.sha256: info for info in others if info.bytes}
    size, digest = _size_and_sha256(place, shard.name, {shard.bytes, *(info.bytes for info in twins.values())})
    if (size, digest) == (shard.bytes, shard.sha256):
        return
    if digest in twins:
        where = store_at(place).where(shard.name)
        raise ShardError(where, f"holds the content of {twins[digest].name}", "E_SHARD_SWAPPED")
    raise find_damage(place, shard.name, shard.records, shard.bytes)


def _size_and_sha256(place: Place, name: str, sizes: set[int]) -> tuple[int, str]:
    """Returns (size in bytes, SHA-256 in hex) of a file; (-1, "") without one, no hash for a size not in `sizes`.

    A file of another size is a different file, and reading it might take for ever.
    """
    try:
        with store_at(place).open(name) as file:
            size = size_of(file)
            return size, sha256_of(file) if size in sizes else ""
    except OSError:
        return -1, ""


def find_damage(place: Place, name: str, records: int, size: int) -> ShardError:
    """Returns the problem of a shard that differs from the file that was built: its first damaged record.

    Where every checksum is right, the index of the shard says where each record began.

    Args:
      place: folder or store of the records.
      name: of the shard.
      records: expected number of records.
      size: expected size of the file in bytes.
    """
    where = store_at(place).where(name)
    index_sizes = _index_sizes(place, name, records, size)
    try:
        with open_shard(place, name) as file:
            end = size_of(file)
            for number in range(records):
                offset = file.tell()
                if read_frame(file, end, where, number) is None:
                    what = f"is missing: the shard ends at byte {end}, but was built with {size} bytes"
                    return ShardError(where, what, "E_SHARD_CUT", number, offset)
                found = file.tell() - offset
                if index_sizes and found != index_sizes[number]:
                    what = f"differs: {found} bytes at byte {offset}, not {index_sizes[number]} as in the index"
                    return ShardError(where, what, "E_SHARD_HASH", number, offset)
            offset = file.tell()
    except ShardError as error:
        return error
    if end != size:
        what = f"has {end} bytes instead of {size}; its last record ends at byte {offset}"
        return ShardError(where, what, "E_SHARD_SIZE", None, offset)
    what = "is not the file that was built: every checksum is right, but its SHA-256 differs from the manifest"
    return ShardError(where, what, "E_SHARD_HASH")


def _index_sizes(place: Place, shard: str, records: int, size: int) -> list[int]:
    """Returns the size of every frame of a shard from its index; nothing where the index contradicts itself."""
    try:
        lines = [tuple(map(int, line.split())) for line in read_index_text(place, shard, records).splitlines()]
    except (DataError, ValueError):
        return []
    offset = 0
    sizes = []
    for line in lines:
        if len(line) != 2 or line[0] != offset:
            return []
        offset += line[1]
        sizes.append(line[1])
    return sizes if len(sizes) == records and offset == size else []
