"""Integrity: a shard file, compared with its manifest entry before anybody else reads it."""

from __future__ import annotations

from collections.abc import Iterable

from converter.dataset.manifest import ShardInfo
from converter.dataset.store import Place, sha256_of, size_of, store_at
from converter.dataset.tfrecord import ShardError, open_shard, read_frame, read_index_text
from converter.errors import DataError


def check_shard_file(place: Place, shard: ShardInfo, others: Iterable[ShardInfo] = ()) -> None:
    """Holds a shard file against its manifest entry, so that no other reader meets a damaged one.

    TensorFlow trusts a record's length field and crashes on a forged one; a file whose hash is right has none.

    Args:
      place: folder or store of the records.
      shard: what the manifest says of it.
      others: the shards of the dataset, to recognise the content of another one.

    Raises:
      DataError: the file is missing, or is not the one that was built; the first damaged record is named.
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
    """Returns (size in bytes, SHA-256 in hex) of a file; (-1, "") without one, no hash where the size is none of these.

    A file of another size is another file, and might take for ever to be read.
    """
    try:
        with store_at(place).open(name) as file:
            size = size_of(file)
            return size, sha256_of(file) if size in sizes else ""
    except OSError:
        return -1, ""


def find_damage(place: Place, name: str, records: int, size: int) -> ShardError:
    """Returns what is wrong with a shard that is not the file that was built, by its first damaged record.

    Where every checksum holds, the index beside it bears witness to where each record began.

    Args:
      place: folder or store of the records.
      name: of the shard.
      records: how many it should hold.
      size: of the file in bytes, as it was built.
    """
    where = store_at(place).where(name)
    index_sizes = _index_sizes(place, name, records, size)
    try:
        with open_shard(place, name) as file:
            end = size_of(file)
            for number in range(records):
                offset = file.tell()
                if read_frame(file, end, where, number) is None:
                    what = f"is missing: the shard ends at byte {end}, and had {size} bytes"
                    return ShardError(where, what, "E_SHARD_CUT", number, offset)
                found = file.tell() - offset
                if index_sizes and found != index_sizes[number]:
                    what = f"is another one: {found} bytes at byte {offset}, where its index says {index_sizes[number]}"
                    return ShardError(where, what, "E_SHARD_HASH", number, offset)
            offset = file.tell()
    except ShardError as error:
        return error
    if end != size:
        what = f"has {end} bytes where {size} were built; its last record ends at byte {offset}"
        return ShardError(where, what, "E_SHARD_SIZE", None, offset)
    what = "is not the file that was built: every checksum in it holds, but its SHA-256 is not the manifest's"
    return ShardError(where, what, "E_SHARD_HASH")


def _index_sizes(place: Place, shard: str, records: int, size: int) -> list[int]:
    """Returns the size of every frame of a shard as its index has it; nothing where the index contradicts itself."""
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
