"""Scan: one shard, read completely.

A shard with the hash in the manifest has the bytes that build wrote: its records are decoded only where that is asked
for, which holds the build itself, or a manifest that was sealed again, against the pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from converter.dataset.example import decode_record
from converter.dataset.integrity import check_shard_file
from converter.dataset.manifest import ShardInfo
from converter.dataset.store import ReadStore
from converter.dataset.tfrecord import FRAME_BYTES, ShardError, index_name, read_index_text, read_shard
from converter.errors import DataError, shown
from converter.pixels.masks import count_classes
from converter.schema import IGNORE_INDEX, RecordKey
from converter.verifying.source_plan import StoredRecord


@dataclass(frozen=True)
class ShardCheck:
    """One shard to read completely.

    Attributes:
      store: where the records are.
      shard: its entry in the manifest.
      size: (height, width) of its images in pixels; None where they differ.
      num_classes: in the manifest.
      wanted: numbers of the records to list in ShardFacts.stored; None for all.
      decode: whether every image and mask is decoded, and its pixels counted.
      fatal: number of a record that ends the process that decodes it, and how; None for none.
    """

    store: ReadStore
    shard: ShardInfo
    size: tuple[int, int] | None
    num_classes: int
    wanted: frozenset[int] | None = frozenset()
    decode: bool = False
    fatal: tuple[int, str] | None = None


@dataclass
class ShardFacts:
    """What was read of a shard, up to its first problem.

    Attributes:
      problem: the first one.
      index_problem: what is wrong with its index.
      index: correct text of the index, where the index is wrong and the shard intact.
      records: number of intact ones.
      example_bytes: sum of the serialized examples, without framing.
      pixels: per class index; 0 where nothing is decoded, as are the next two.
      images: records in which the class occurs, per class index.
      ignored_pixels: pixels that hold IGNORE_INDEX.
      stored: number, offset and key of the wanted records.
    """

    pixels: list[int]
    images: list[int]
    problem: DataError | None = None
    index_problem: DataError | None = None
    index: str | None = None
    records: int = 0
    example_bytes: int = 0
    ignored_pixels: int = 0
    stored: list[StoredRecord] = field(default_factory=list)


def check_shard(task: ShardCheck, tick: Callable[[], None]) -> ShardFacts:
    """Reads one shard: its hash, every checksum, its index and, if asked for, every image and mask.

    Args:
      task: what to read; nothing in the file is trusted.
      tick: called after each record.
    """
    where = task.store.where(task.shard.name)
    facts = ShardFacts([0] * task.num_classes, [0] * task.num_classes)
    lines: list[str] = []
    offset = 0
    try:
        check_shard_file(task.store, task.shard)
        for number, data in enumerate(read_shard(task.store, task.shard.name)):
            _add_record(task, facts, data, number, offset)
            lines.append(f"{offset} {len(data) + FRAME_BYTES}\n")
            offset += len(data) + FRAME_BYTES
            tick()
        if facts.records != task.shard.records:
            what = f"holds {facts.records} records, the manifest says {task.shard.records}"
            raise ShardError(where, what, "E_COUNTS")
    except DataError as error:
        facts.problem = error
    facts.index_problem = _index_problem(task.store, task.shard, None if facts.problem else lines)
    if facts.index_problem and not facts.problem:
        facts.index = "".join(lines)
    return facts


def _add_record(task: ShardCheck, facts: ShardFacts, data: bytes, number: int, offset: int) -> None:
    """Adds a record to the facts of its shard.

    Raises:
      ShardError: image or mask are decoded, and are damaged, of another size, or hold an unknown class.
    """
    is_wanted = task.wanted is None or number in task.wanted
    if task.decode or is_wanted:
        key = _decoded(task, facts, data, number, offset)
        if is_wanted:
            facts.stored.append((number, offset, key))
    facts.example_bytes += len(data)
    facts.records += 1


def _decoded(task: ShardCheck, facts: ShardFacts, data: bytes, number: int, offset: int) -> RecordKey:
    """Adds what is in a record to the facts of its shard; returns its key. Errors as of `_add_record`."""
    path = task.store.where(task.shard.name)
    if task.fatal and task.fatal[0] == number:
        what = f"ends the process that decodes it, at byte {offset} ({task.fatal[1]})"
        raise ShardError(path, what, "E_RECORD", number, offset)
    try:
        record = decode_record(data, path)
        mask, image = record.mask, record.image
    except DataError as error:
        name = "" if error.where == path else f": {error.where}"
        raise ShardError(path, f"at byte {offset}{name} {error.what}", error.code, number, offset) from None
    if mask.shape != (task.size or mask.shape) or image.shape[:2] != mask.shape:
        sizes = f"an image of {image.shape[0]}x{image.shape[1]} and a mask of {mask.shape[0]}x{mask.shape[1]}"
        expected = f", the manifest says {task.size[0]}x{task.size[1]}" if task.size else ""
        raise ShardError(path, f"at byte {offset} holds {sizes}{expected}", "E_SIZE", number, offset)
    counts, ignored = count_classes(mask, IGNORE_INDEX)
    unknown = next((index for index in range(task.num_classes, IGNORE_INDEX) if counts[index]), None)
    if unknown is not None:
        what = f"at byte {offset} holds class {unknown}, the manifest has 0..{task.num_classes - 1}"
        raise ShardError(path, what, "E_MASK_VALUE", number, offset)
    for index, count in enumerate(counts[: task.num_classes]):
        facts.pixels[index] += count
        facts.images[index] += count > 0
    facts.ignored_pixels += ignored
    return record.key


def _index_problem(store: ReadStore, shard: ShardInfo, lines: list[str] | None) -> DataError | None:
    """Returns what is wrong with the index of a shard; for a damaged shard (None) only that it can be read."""
    path = store.where(index_name(shard.name))
    try:
        found = read_index_text(store, shard.name, shard.records).splitlines(keepends=True)
    except DataError as error:
        return ShardError(path, error.what, "E_INDEX")
    except ValueError:
        return ShardError(path, "is not an index: it is not ASCII", "E_INDEX")
    if lines is None or found == lines:
        return None
    pairs = zip(found, lines, strict=False)
    number = next((n for n, (line, right) in enumerate(pairs) if line != right), min(len(found), len(lines)))
    found_line, right = (repr(each[number]) if number < len(each) else "nothing" for each in (found, lines))
    return ShardError(path, f"says {shown(found_line)} of record {number}, its shard says {right}", "E_INDEX")
