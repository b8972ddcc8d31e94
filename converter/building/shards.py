"""Shards: the unit of work. run_shard_task writes one of them.

A task is frozen, picklable and self-contained. Its result depends only on the task and the sources: not on the number
of workers, the order of the tasks, the clock or the machine. The file is left staged; the build decides what to do
with it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from converter.building.store import Store
from converter.building.tally import Tally
from converter.building.tiles import RecordMaker
from converter.classes.class_map import ClassMap
from converter.classes.mapper import MaskMapper
from converter.config import PairConfig, SourceConfig
from converter.dataset.example import Record, encode_record
from converter.dataset.manifest import ShardInfo
from converter.dataset.tfrecord import ShardWriter, index_name
from converter.errors import DataError, MachineError
from converter.schema import RecordKey
from converter.sources.pairs import crash_error
from converter.sources.refs import ExampleRef, Reject
from converter.system.files import Stamp, read_stamped


@dataclass(frozen=True)
class ShardTask:
    """One shard to build.

    Attributes:
      split: name of the split.
      store: where the records are written.
      name: of the shard; the task stages it.
      refs: the pairs, in order.
      source: where the dataset is.
      classes: which mask value is which class.
      pair: what is done to each pair.
      crashed: (number of the pair, how) of pairs that ended their worker process; they are refused.
    """

    split: str
    store: Store
    name: str
    refs: Sequence[ExampleRef]
    source: SourceConfig
    classes: ClassMap
    pair: PairConfig
    crashed: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class SourceFile:
    """A source file as it was read.

    Attributes:
      digest: SHA-256 of the bytes that were read, in hex; of an unreadable file, the code that says why.
      stamp: what the file system reported; None where the file could change without another stamp.
    """

    digest: str
    stamp: Stamp | None


@dataclass(frozen=True)
class ShardResult:
    """One shard that was built.

    Attributes:
      split: name of the split.
      info: for the manifest.
      example_bytes: sum of the serialized examples, without framing.
      tally: counts over its records.
      refused: the pairs that were refused, and why, by their number in the task.
      sources: image and mask of every pair of the task, in order.
      index_sha256: of the index file, in hex.
      dropped: numbers of the tiles that were dropped, since they are ignored.
    """

    split: str
    info: ShardInfo
    example_bytes: int
    tally: Tally
    refused: dict[int, DataError]
    sources: tuple[tuple[SourceFile, SourceFile], ...]
    index_sha256: str
    dropped: tuple[int, ...] = ()

    def rejects(self, task: ShardTask) -> list[Reject]:
        """Returns the refused pairs or tiles, with the lists and lines that name them in this task."""
        named = [(task.refs[number], error) for number, error in self.refused.items()]
        return [Reject(ref.split, error, ref.list_name, ref.line) for ref, error in named]

    def keys(self, task: ShardTask) -> list[RecordKey]:
        """Returns the keys of the records of the shard, in order."""
        missing = {*self.refused, *self.dropped}
        return [ref.key for number, ref in enumerate(task.refs) if number not in missing]


def run_shard_task(task: ShardTask, tick: Callable[[], None]) -> ShardResult:
    """Builds one shard and its index, staged and durable.

    Args:
      task: what to build.
      tick: called after each pair.

    Raises:
      MachineError: the shard cannot be written, or memory ran out.
    """
    maker = RecordMaker(task.source, MaskMapper(task.classes, task.pair.tolerance), task.pair)
    tally = Tally.of_nothing(task.classes.num_classes)
    crashed = dict(task.crashed)
    refused: dict[int, DataError] = {}
    dropped = []
    sources = []
    reader, files = SourceReader(task.source), ("", "")
    try:
        with task.store.stage(task.name) as file:
            writer = ShardWriter(file)
            for number, ref in enumerate(task.refs):
                if ref.window is None or ref.files != files:  # all tiles of a photograph have one reader
                    reader, files = SourceReader(task.source), ref.files
                try:
                    if number in crashed:
                        raise crash_error(ref, crashed[number])
                    made = _make_or_refuse(ref, maker, reader)
                except DataError as error:
                    refused[number] = error
                else:
                    if made is None:
                        dropped.append(number)
                    else:
                        writer.write(encode_record(made[0]))
                        tally.add(made[1])
                sources.append(_sources(ref, maker, reader))
                tick()
        index = writer.index.encode("ascii")
        with task.store.stage(index_name(task.name)) as file:
            file.write(index)
    except MemoryError:
        where = task.store.where(task.name)
        raise MachineError(where, "did not fit into memory", "Run again with fewer workers (-j).") from None
    info = ShardInfo(task.name, writer.records, writer.size, writer.sha256)
    digest = hashlib.sha256(index).hexdigest()
    return ShardResult(task.split, info, writer.example_bytes, tally, refused, tuple(sources), digest, tuple(dropped))


def _sources(ref: ExampleRef, maker: RecordMaker, reader: SourceReader) -> tuple[SourceFile, SourceFile]:
    """Returns image and mask of a pair as they were read: as files, or as windows of them."""
    if windows := maker.digests(ref):
        image, mask = (SourceFile(digest, stamp) for digest, stamp in windows)
        return image, mask
    return reader.file(ref.image), reader.file(ref.mask)


def without_pair(task: ShardTask, number: int, how: str) -> ShardTask:
    """Returns a task that refuses one of its pairs unread, since it ended its worker process; `how` says how.

    All tiles of a photograph are refused together, since it is decoded for the first of them.

    Raises:
      MachineError: the process ended after the last pair.
    """
    if number >= len(task.refs):
        what = f"could not be finished: the process that wrote it ended ({how})"
        raise MachineError(task.store.where(task.name), what, "Run the same command again.", "E_WORKER")
    bad = task.refs[number]
    together = [n for n, ref in enumerate(task.refs) if n == number or (bad.window and ref.files == bad.files)]
    return dataclasses.replace(task, crashed=(*task.crashed, *((n, how) for n in together)))


def _make_or_refuse(ref: ExampleRef, maker: RecordMaker, reader: SourceReader) -> tuple[Record, Tally] | None:
    """Returns what `RecordMaker.make` does; a pair that does not fit into memory is refused as well."""
    try:
        return maker.make(ref, reader)
    except MemoryError:
        fix = "Cut it into tiles, or run again with fewer workers (-j)."
        raise DataError(ref.image, "did not fit into memory, or its mask did not", fix, "E_MEMORY") from None


class SourceReader:
    """Reads the files of one pair and keeps the digests of the bytes that it returned."""

    def __init__(self, source: SourceConfig) -> None:
        self._source = source
        self._files: dict[str, SourceFile] = {}

    def __call__(self, name: str) -> bytes:
        """Returns the content of a source file.

        Raises:
          DataError: the file cannot be read.
        """
        try:
            data, stamp = read_stamped(self._source.src, name, follow_links=self._source.follow_links)
        except DataError as error:
            self._files[name] = SourceFile(error.code, None)
            raise
        self._files[name] = SourceFile(hashlib.sha256(data).hexdigest(), stamp)
        return data

    def file(self, name: str) -> SourceFile:
        """Returns how a file was read; one that was not read, since its pair was refused before, is read now.

        A mask that does not exist ("") has no digest and never changes.
        """
        if not name:
            return SourceFile("", None)
        if name not in self._files:
            with contextlib.suppress(DataError):
                self(name)
        return self._files[name]
