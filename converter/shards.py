"""Shards: the unit of work. plan_shards deals the pairs into ShardTasks; run_shard_task makes one of them a file.

A task is frozen, picklable and self-sufficient, and its result depends on nothing but the task and the sources: not
on the number of workers, the order of the tasks, the clock or the machine. The file is left under its temporary name;
what is done with it is the build's decision.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from converter.classes import ClassMap
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.errors import DataError, MachineError
from converter.images import encode_jpeg, place, render
from converter.manifest import ShardInfo
from converter.masks import MaskMapper, count_classes, encode_png, pad_mask
from converter.pairs import open_pair
from converter.records import Record, encode_record
from converter.schema import INDEX_SUFFIX, shard_name
from converter.splits import ExampleRef, Reject
from converter.storage import temporary_path, write_durably, write_error
from converter.tfrecord import ShardWriter

# Bytes of a record for each stored pixel, JPEG q95 and mask: 95 kB at 512x512. Only the number of shards hangs on it.
BYTES_PER_PIXEL = 0.36
MIN_SHARDS = 16  # so that a dataset below one shard_mb still gives work to every worker, and reads in parallel ...
MIN_RECORDS = 32  # ... as long as a shard keeps so many records. Never the number of workers: it must not show.


@dataclass(frozen=True)
class ShardTask:
    """One shard to be made.

    Attributes:
      split: name of the split.
      path: final name of the shard; the task writes its temporary name.
      refs: the pairs, in order.
      source: where the dataset is.
      classes: which mask value is which class.
      pair: what is done to each pair.
    """

    split: str
    path: Path
    refs: tuple[ExampleRef, ...]
    source: SourceConfig
    classes: ClassMap
    pair: PairConfig


@dataclass(frozen=True)
class ShardResult:
    """One shard that was made.

    Attributes:
      split: name of the split.
      info: for the manifest.
      example_bytes: sum of the serialized examples, without framing.
      pixels: stored pixels per class index.
      images: records in which the class occurs, per class index.
      ignored_pixels: stored pixels that hold IGNORE_INDEX.
      rejects: the pairs that were refused.
    """

    split: str
    info: ShardInfo
    example_bytes: int
    pixels: tuple[int, ...]
    images: tuple[int, ...]
    ignored_pixels: int
    rejects: tuple[Reject, ...]


def num_shards(num_pairs: int, size: tuple[int, int], shard_mb: int) -> int:
    """Returns the number of shards of a split.

    Args:
      num_pairs: in the split.
      size: (height, width) of the stored pictures, in pixels.
      shard_mb: target size of a shard, in MB (10**6 bytes).
    """
    by_size = round(num_pairs * size[0] * size[1] * BYTES_PER_PIXEL / (shard_mb * 1e6))
    return max(1, by_size, min(MIN_SHARDS, num_pairs // MIN_RECORDS))


def shuffled(refs: Sequence[ExampleRef], seed: int) -> list[ExampleRef]:
    """Returns the pairs in the order of a seeded hash of their names: the order in the list does not matter."""

    def key(ref: ExampleRef) -> bytes:
        return hashlib.sha256(f"{seed}\0{ref.image}\0{ref.mask}".encode()).digest()

    return sorted(refs, key=key)


def plan_shards(split: str, refs: Sequence[ExampleRef], config: BuildConfig, classes: ClassMap) -> list[ShardTask]:
    """Returns the shards of one split; they differ in length by at most one pair.

    Args:
      split: name of the split.
      refs: its pairs, in any order.
      config: what the build is to do.
      classes: which mask value is which class.
    """
    ordered = shuffled(refs, config.seed)[: config.limit]  # by chance: the head of a list is often one scene
    count = config.shards or num_shards(len(ordered), config.pair.size or (512, 512), config.shard_mb)
    count = max(1, min(count, len(ordered)))
    tasks = []
    for shard in range(count):
        part = ordered[len(ordered) * shard // count : len(ordered) * (shard + 1) // count]
        path = config.out / shard_name(config.dataset_name, split, shard, count)
        tasks.append(ShardTask(split, path, tuple(part), config.source, classes, config.pair))
    return tasks


def run_shard_task(task: ShardTask, tick: Callable[[], None]) -> ShardResult:
    """Makes one shard and its index, under their temporary names, durable on the disk.

    Args:
      task: what to make.
      tick: called after each pair.

    Raises:
      MachineError: the shard cannot be written, or memory ran out.
    """
    mapper = MaskMapper(task.classes)
    num_classes = task.classes.num_classes
    pixels, images, ignored = [0] * num_classes, [0] * num_classes, 0
    rejects: list[Reject] = []
    temporary = temporary_path(task.path)
    try:
        with temporary.open("wb") as file:
            writer = ShardWriter(file)
            for ref in task.refs:
                try:
                    record, counts, ignored_here = make_record(ref, task.source, mapper, task.pair)
                except DataError as error:
                    rejects.append(Reject(ref.split, error, ref.list_name, ref.line))
                else:
                    writer.write(encode_record(record))
                    pixels = [total + count for total, count in zip(pixels, counts, strict=True)]
                    images = [total + (count > 0) for total, count in zip(images, counts, strict=True)]
                    ignored += ignored_here
                tick()
            file.flush()
            os.fsync(file.fileno())
        index = temporary.with_name(temporary.name + INDEX_SUFFIX)
        write_durably(index, writer.index.encode("ascii"))
    except OSError as error:
        raise write_error(task.path, error) from error
    except MemoryError:
        raise MachineError(task.path, "did not fit into memory", "Run again with fewer workers (-j).") from None
    info = ShardInfo(task.path.name, writer.records, writer.size, writer.sha256)
    return ShardResult(task.split, info, writer.example_bytes, tuple(pixels), tuple(images), ignored, tuple(rejects))


def make_record(
    ref: ExampleRef, source: SourceConfig, mapper: MaskMapper, pair: PairConfig
) -> tuple[Record, list[int], int]:
    """Reads one pair and makes its record.

    Returns:
      (record, stored pixels per class index, stored pixels that hold IGNORE_INDEX).

    Raises:
      DataError: the pair is refused.
    """
    photo, drawing = open_pair(ref, source)
    size = pair.size or photo.size
    box = place(photo.size, size, pair.fit)
    mask = pad_mask(mapper.map_mask(drawing, (box.height, box.width)), box, size)
    original_size = photo.size
    image = encode_jpeg(render(photo, size, pair.fit), pair.jpeg_quality)
    pixels, ignored = count_classes(mask, mapper.classes.num_classes)
    return Record(image, encode_png(mask), ref.image, ref.mask, original_size), pixels, ignored
