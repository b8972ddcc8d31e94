"""Reader: random access to the records of a split, by index, without TensorFlow.

Used by inspect, overlays, and random-access readers such as PyTorch's DataLoader and Grain.
"""

from __future__ import annotations

import bisect
import itertools

from converter.dataset.example import Record, decode_record
from converter.dataset.manifest import Manifest
from converter.dataset.parse import read_manifest
from converter.dataset.store import Place, size_of, store_at
from converter.dataset.tfrecord import REPAIR, ShardError, index_name, open_shard, read_frame, read_index_text
from converter.errors import DataError, UsageError


class RecordSource:
    """The records of one split as a sequence: `len(source)`, `source[i]`.

    Opens the shard on each access, so it can be pickled and shared by workers.

    Attributes:
      store: location of the dataset.
      split: name of the split.
      manifest: of the dataset.
    """

    def __init__(self, place: Place, split: str) -> None:
        """Opens a split.

        Args:
          place: folder or store of the records.
          split: name of the split.

        Raises:
          UsageError: there is no finished dataset, or no such split.
          DataError: the manifest is damaged.
        """
        self.store = store_at(place)
        self.split = split
        self.manifest: Manifest = read_manifest(self.store)
        if split not in self.manifest.splits:
            names = ", ".join(self.manifest.splits)
            raise UsageError(self.store.where(), f"has no split {split!r}", f"Use one of: {names}.", "E_SPLIT")
        self._shards = self.manifest.splits[split].shards
        self._ends = list(itertools.accumulate(shard.records for shard in self._shards))
        self._offsets: dict[int, list[int]] = {}

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __getitem__(self, number: int) -> Record:
        """Returns record `number`; records are numbered through the shards in order.

        Raises:
          IndexError: there is no such record.
          DataError: the shard or its index is damaged.
        """
        if not 0 <= number < len(self):
            raise IndexError(f"record {number} of {len(self)}")
        shard = bisect.bisect_right(self._ends, number)
        inside = number - (self._ends[shard - 1] if shard else 0)
        name = self._shards[shard].name
        if shard not in self._offsets:
            self._offsets[shard] = read_index(self.store, name, self._shards[shard].records)
        return read_record(self.store, name, inside, self._offsets[shard][inside])


def read_record(place: Place, shard: str, number: int, offset: int) -> Record:
    """Returns the record of a shard that begins at byte `offset`.

    Raises:
      DataError: the shard is damaged, or no record begins at this offset.
    """
    data = read_stored(place, shard, number, offset)
    return decode_record(data, f"{store_at(place).where(shard)}: record {number}")


def read_stored(place: Place, shard: str, number: int, offset: int) -> bytes:
    """Returns the serialized record of a shard that begins at byte `offset`; verifies its checksums.

    Raises:
      ShardError: the shard is damaged, or no record begins at this offset.
    """
    where = store_at(place).where(shard)
    with open_shard(place, shard) as file:
        end = size_of(file)
        file.seek(min(offset, end))
        data = read_frame(file, end, where, number)
    if data is None:
        what = f"should begin at byte {offset}, but the shard has {end} bytes"
        raise ShardError(where, what, "E_SHARD_CUT", number, offset)
    return data


def read_index(place: Place, shard: str, records: int) -> list[int]:
    """Returns the offset of every record of a shard, from its index.

    Raises:
      DataError: the index is missing, invalid, or does not have `records` lines.
    """
    where = store_at(place).where(index_name(shard))
    try:
        offsets = [int(line.split()[0]) for line in read_index_text(place, shard, records).splitlines()]
    except (DataError, ValueError, IndexError) as error:
        what = f"is not a readable index ({error.what if isinstance(error, DataError) else error})"
        raise DataError(where, what, REPAIR, "E_INDEX") from None
    if len(offsets) != records or any(offset < 0 for offset in offsets):
        raise DataError(where, f"has {len(offsets)} lines for {records} records", REPAIR, "E_INDEX")
    return offsets
