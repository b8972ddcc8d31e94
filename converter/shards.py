"""Shards: the unit of work. plan_shards deals the pairs into ShardTasks; run_shard_task makes one of them a file.

A task is frozen, picklable and self-sufficient, and its result depends on nothing but the task and the sources: not
on the number of workers, the order of the tasks, the clock or the machine. The file is left under its temporary name;
what is done with it is the build's decision.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from converter.classes import ClassMap
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.errors import DataError, MachineError
from converter.images import Box, encode_image, kept_bytes, place, render
from converter.manifest import MAX_SIZES, ChannelInfo, ShardInfo, SplitInfo
from converter.masks import MaskMapper, count_classes, cut, encode_png
from converter.pairs import crash_error, open_pair
from converter.records import Record, encode_record
from converter.schema import INDEX_SUFFIX, shard_name
from converter.splits import ExampleRef, Reject
from converter.storage import Stamp, create, read_stamped, temporary_path, write_durably, write_error
from converter.tfrecord import ShardWriter

# Bytes of a record for each stored pixel, mask included. Only the number of shards hangs on them.
JPEG_BYTES_PER_PIXEL = ((50, 75, 90, 95, 100), (0.13, 0.18, 0.28, 0.36, 0.75))  # (qualities, bytes): 95 kB at 512x512
PNG_BYTES_PER_PIXEL = 1.4
ASSUMED_SIZE = (512, 512)
_LEVELS = np.stack([np.arange(256), np.arange(256) ** 2], axis=1)
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
      crashed: (number of the pair, how) of pairs at which the process that worked on them ended; they are refused.
    """

    split: str
    path: Path
    refs: tuple[ExampleRef, ...]
    source: SourceConfig
    classes: ClassMap
    pair: PairConfig
    crashed: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class SourceFile:
    """A source file as it was read.

    Attributes:
      digest: SHA-256 of the bytes that were read, in hex; of a file that cannot be read the code that says why.
      stamp: what the file system said of it then; None where the file could change without another stamp.
    """

    digest: str
    stamp: Stamp | None


@dataclass
class Tally:
    """What is counted over records: of one pair, of a shard, of a split. Whole numbers only, so that no order shows.

    Attributes:
      pixels: stored pixels per class index.
      images: records in which the class occurs, per class index.
      ignored_pixels: stored pixels that hold IGNORE_INDEX, padding included.
      padded_pixels: those of them that are padding.
      picture_pixels: stored pixels that are not padding.
      level_sums: sum over the picture pixels of the levels of red, green, blue, before JPEG changes them.
      level_squares: sum of their squares.
      sizes: photographs by the (height, width) that they have upright, before resizing.
      turned: photographs that were turned upright.
      unturned: photographs that EXIF would turn, but whose masks lie on them as they are.
      corrected_pixels: pixels of source masks that were taken for the nearest listed colour.
      kept: photographs that are stored with their own bytes.
    """

    pixels: list[int]
    images: list[int]
    ignored_pixels: int = 0
    padded_pixels: int = 0
    picture_pixels: int = 0
    level_sums: list[int] = field(default_factory=lambda: [0, 0, 0])
    level_squares: list[int] = field(default_factory=lambda: [0, 0, 0])
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    turned: int = 0
    unturned: int = 0
    corrected_pixels: int = 0
    kept: int = 0

    @classmethod
    def of_nothing(cls, num_classes: int) -> Tally:
        """Returns the tally of no record."""
        return cls([0] * num_classes, [0] * num_classes)

    def add(self, other: Tally) -> None:
        """Takes the records of another tally in."""
        for name, count in vars(other).items():
            own = getattr(self, name)
            if isinstance(count, Counter):
                own.update(count)
            elif isinstance(count, list):
                own[:] = map(int.__add__, own, count)
            else:
                setattr(self, name, own + count)

    def channels(self) -> ChannelInfo | None:
        """Returns mean and standard deviation of each channel; None without a pixel."""
        count = self.picture_pixels
        if not count:
            return None
        # Python divides whole numbers of any length with one rounding at the end: no digit is lost on the way there.
        red, green, blue = (total / count for total in self.level_sums)
        pairs = zip(self.level_sums, self.level_squares, strict=True)
        of_red, of_green, of_blue = (math.sqrt((count * square - total**2) / count**2) for total, square in pairs)
        return ChannelInfo((red, green, blue), (of_red, of_green, of_blue))

    def common_sizes(self) -> tuple[tuple[tuple[int, int, int], ...], int]:
        """Returns ((height, width, photographs) of the most frequent sizes, photographs of all others)."""
        ordered = sorted(self.sizes.items(), key=lambda item: (-item[1], item[0]))
        listed = tuple((height, width, count) for (height, width), count in ordered[:MAX_SIZES])
        return listed, sum(count for _, count in ordered[MAX_SIZES:])


@dataclass(frozen=True)
class ShardResult:
    """One shard that was made.

    Attributes:
      split: name of the split.
      info: for the manifest.
      example_bytes: sum of the serialized examples, without framing.
      tally: counts over its records.
      refused: the pairs that were refused, and why, by their number in the task.
      sources: photograph and mask of every pair of the task, in order.
      index_sha256: of the index file, in hex.
    """

    split: str
    info: ShardInfo
    example_bytes: int
    tally: Tally
    refused: dict[int, DataError]
    sources: tuple[tuple[SourceFile, SourceFile], ...]
    index_sha256: str

    def rejects(self, task: ShardTask) -> list[Reject]:
        """Returns the refused pairs, with the lists and lines that name them in this task."""
        named = [(task.refs[number], error) for number, error in self.refused.items()]
        return [Reject(ref.split, error, ref.list_name, ref.line) for ref, error in named]


def split_info(results: Sequence[ShardResult], num_classes: int, skipped: int) -> SplitInfo:
    """Returns the manifest's entry of a split.

    Args:
      results: its shards, in order.
      num_classes: in the class map.
      skipped: pairs of the split that were refused.
    """
    tally = Tally.of_nothing(num_classes)
    for result in results:
        tally.add(result.tally)
    sizes, other_sizes = tally.common_sizes()
    return SplitInfo(
        shards=tuple(result.info for result in results),
        example_bytes=sum(result.example_bytes for result in results),
        pixels=tuple(tally.pixels),
        images=tuple(tally.images),
        ignored_pixels=tally.ignored_pixels,
        skipped=skipped,
        padded_pixels=tally.padded_pixels,
        channels=tally.channels(),
        sizes=sizes,
        other_sizes=other_sizes,
        turned=tally.turned,
        unturned=tally.unturned,
        corrected_pixels=tally.corrected_pixels,
        kept=tally.kept,
    )


def stored_size(results: Sequence[ShardResult], pair: PairConfig) -> tuple[int, int] | None:
    """Returns (height, width) of all records, None where it differs from record to record."""
    if pair.size is not None:
        return pair.size
    sizes = {size for result in results for size in result.tally.sizes}
    return sizes.pop() if len(sizes) == 1 else None


def estimated_bytes(num_pairs: int, pair: PairConfig) -> int:
    """Returns about how many bytes the records of so many pairs take; no file is looked at.

    Pairs that keep their sizes count as ASSUMED_SIZE, and photographs that keep their bytes as JPEG.
    """
    height, width = pair.size or ASSUMED_SIZE
    if pair.image_format == "png":
        per_pixel = PNG_BYTES_PER_PIXEL
    else:
        per_pixel = float(np.interp(pair.jpeg_quality, *JPEG_BYTES_PER_PIXEL))
    return round(num_pairs * height * width * per_pixel)


def num_shards(num_pairs: int, pair: PairConfig, shard_mb: int) -> int:
    """Returns the number of shards of a split.

    Args:
      num_pairs: in the split.
      pair: what is done to each pair.
      shard_mb: target size of a shard, in MB (10**6 bytes).
    """
    by_size = round(estimated_bytes(num_pairs, pair) / (shard_mb * 1e6))
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
    count = config.shards or num_shards(len(ordered), config.pair, config.shard_mb)
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
    mapper = MaskMapper(task.classes, task.pair.tolerance)
    tally = Tally.of_nothing(task.classes.num_classes)
    crashed = dict(task.crashed)
    refused: dict[int, DataError] = {}
    sources = []
    temporary = temporary_path(task.path)
    try:
        with create(temporary) as file:
            writer = ShardWriter(file)
            for number, ref in enumerate(task.refs):
                reader = SourceReader(task.source)
                try:
                    if number in crashed:
                        raise crash_error(ref, crashed[number])
                    record, counts = _made(ref, task, mapper, reader)
                except DataError as error:
                    refused[number] = error
                else:
                    writer.write(encode_record(record))
                    tally.add(counts)
                sources.append((reader.file(ref.image), reader.file(ref.mask)))
                tick()
            file.flush()
            os.fsync(file.fileno())
        index = writer.index.encode("ascii")
        write_durably(temporary_path(index_path(task.path)), index)
    except OSError as error:
        raise write_error(task.path, error) from error
    except MemoryError:
        raise MachineError(task.path, "did not fit into memory", "Run again with fewer workers (-j).") from None
    info = ShardInfo(task.path.name, writer.records, writer.size, writer.sha256)
    digest = hashlib.sha256(index).hexdigest()
    return ShardResult(task.split, info, writer.example_bytes, tally, refused, tuple(sources), digest)


def index_path(shard: Path) -> Path:
    """Returns the path of the index beside a shard."""
    return shard.with_name(shard.name + INDEX_SUFFIX)


def without_pair(task: ShardTask, number: int, how: str) -> ShardTask:
    """Returns a task that refuses one of its pairs unseen, since the process that worked on it ended, and how.

    Raises:
      MachineError: the process ended behind the last pair.
    """
    if number >= len(task.refs):
        what = f"could not be finished: the process that wrote it ended ({how})"
        raise MachineError(task.path, what, "Run the same command again.", "E_WORKER")
    return dataclasses.replace(task, crashed=(*task.crashed, (number, how)))


def _made(ref: ExampleRef, task: ShardTask, mapper: MaskMapper, reader: SourceReader) -> tuple[Record, Tally]:
    """Returns what `make_record` does; a pair for which memory does not suffice is refused as well."""
    try:
        return make_record(ref, task.source, mapper, task.pair, reader)
    except MemoryError:
        mend = "Cut it into tiles, or run again with fewer workers (-j)."
        raise DataError(ref.image, "did not fit into memory, or its mask did not", mend, "E_MEMORY") from None


class SourceReader:
    """Reads the files of one pair and keeps the digest of the very bytes that it has handed out."""

    def __init__(self, source: SourceConfig) -> None:
        self._source = source
        self._files: dict[str, SourceFile] = {}

    def __call__(self, name: str) -> bytes:
        """Returns the content of a file of the source.

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
        """Returns how a file was read; one that nobody asked for, since its pair was refused before, is read now."""
        if name not in self._files:
            with contextlib.suppress(DataError):
                self(name)
        return self._files[name]


def make_record(
    ref: ExampleRef,
    source: SourceConfig,
    mapper: MaskMapper,
    pair: PairConfig,
    read: Callable[[str], bytes] | None = None,
) -> tuple[Record, Tally]:
    """Reads one pair and makes its record; `read` is that of `open_pair`.

    Returns:
      (record, its counts).

    Raises:
      DataError: the pair is refused.
    """
    photo, drawing = open_pair(ref, source, read)
    original_size = photo.size
    size = pair.size or original_size
    corrected = mapper.corrected_pixels
    mask = mapper.map_mask(drawing, size, pair.fit, pair.mask_resample)
    kept = kept_bytes(photo) if pair.image_format == "keep" and size == original_size else None
    picture = render(photo, size, pair.fit)
    image = kept or encode_image(picture, pair.image_format, pair.jpeg_quality)
    box = place(original_size, size, pair.fit).box
    padding = size[0] * size[1] - box.height * box.width
    pixels, ignored = count_classes(cut(mask, box), mapper.classes.num_classes)
    sums, squares = level_sums(picture, box)
    tally = Tally(
        pixels=pixels,
        images=[int(count > 0) for count in pixels],
        ignored_pixels=ignored + padding,
        padded_pixels=padding,
        picture_pixels=box.height * box.width,
        level_sums=sums,
        level_squares=squares,
        sizes=Counter([original_size]),
        turned=int(photo.orientation != 1),
        unturned=int(photo.orientation != photo.exif_orientation),
        corrected_pixels=mapper.corrected_pixels - corrected,
        kept=int(kept is not None),
    )
    return Record(image, encode_png(mask), ref.image, ref.mask, original_size), tally


def level_sums(picture: Image.Image, box: Box) -> tuple[list[int], list[int]]:
    """Returns (sum of the levels, sum of their squares) of each channel of a box of an RGB picture."""
    if (box.height, box.width) != (picture.height, picture.width):
        picture = picture.crop((box.left, box.top, box.left + box.width, box.top + box.height))
    sums, squares = (np.array(picture.histogram()).reshape(3, 256) @ _LEVELS).T.tolist()
    return sums, squares
