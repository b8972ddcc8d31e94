"""Inspect: what is inside a shard or a dataset, read without TensorFlow.

Of a dataset the manifest is read, which has the counts, and the sizes of its shards. Of a shard, and of a dataset that
is scanned, every checksum is verified and every mask decoded: the counts are those of the pixels on the disk.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from converter.dataset.example import Record, decode_example, decode_record
from converter.dataset.integrity import check_shard_file
from converter.dataset.manifest import ClassInfo, Manifest, ShardInfo
from converter.dataset.objects import ObjectFolder
from converter.dataset.parse import read_manifest
from converter.dataset.tfrecord import ShardError, read_shard
from converter.errors import REBUILD, DataError, SegconvError, UsageError, shown
from converter.pixels.colors import Color, wheel_color
from converter.pixels.masks import count_classes
from converter.pixels.signatures import PNG_SIGNATURE
from converter.schema import IGNORE_INDEX, MANIFEST, is_shard_name
from converter.system.console import log, table
from converter.system.urls import UrlPath


@dataclass(frozen=True)
class ShardReport:
    """What is inside a shard.

    Attributes:
      path: of the shard.
      records: number of intact records before the first problem.
      size_bytes: of the file.
      problem: the first one; None where every checksum and every mask is correct.
      keys: of the first record, in order.
      size: (height, width) of every mask, in pixels; None where they differ, and without a record.
      pixels: stored pixels per class index.
      ignored_pixels: stored pixels that hold IGNORE_INDEX.
      classes: in order of class index; from the manifest where there is one.
    """

    path: Path
    records: int
    size_bytes: int
    problem: DataError | None
    keys: tuple[str, ...]
    size: tuple[int, int] | None
    pixels: tuple[int, ...]
    ignored_pixels: int
    classes: tuple[ClassInfo, ...]

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `segconv inspect shard --json` prints."""
        return {
            "path": str(self.path),
            "records": self.records,
            "bytes": self.size_bytes,
            "crc_ok": self.problem is None,
            "keys": list(self.keys),
            "size": list(self.size) if self.size else None,
            "ignored_pixels": self.ignored_pixels,
            "classes": [
                {"id": info.id, "name": info.name, "pixels": pixels}
                for info, pixels in zip(self.classes, self.pixels, strict=True)
            ],
        }

    def to_text(self) -> str:
        """Returns the report as `segconv inspect shard` prints it."""
        lines = [
            shown(self.path),
            f"  records  {self.records}{f', {size_text(self.size)}' if self.records else ''}",
            f"  bytes    {self.size_bytes:,}",
            f"  CRC      {'ok' if self.problem is None else 'DAMAGED'}",
            f"  keys     {', '.join(self.keys)}",
            "",
            class_table(self.classes, self.pixels, self.ignored_pixels),
        ]
        return "\n".join(lines)


def size_text(size: tuple[int, int] | None) -> str:
    """Returns the common (height, width) of records as text, or says that sizes differ."""
    return f"{size[0]} high x {size[1]} wide" if size else "sizes differ"


def class_table(classes: Sequence[ClassInfo], pixels: Sequence[int], ignored: int) -> str:
    """Returns pixels and share of each class as a table with bars; shares leave ignored pixels out."""
    total = max(1, sum(pixels))
    rows: list[tuple[str, ...]] = [("id", "class", "pixels", "share", "")]
    for info, count in zip(classes, pixels, strict=True):
        share = count / total
        rows.append((str(info.id), shown(info.name), f"{count:,}", f"{share:.1%}", "#" * round(share * 40)))
    rows.append((str(IGNORE_INDEX), "(ignored)", f"{ignored:,}", "", ""))
    return table(rows)


def find_shard(path: Path) -> Path:
    """Returns `path` if it is a file, or the first shard of the dataset if it is a folder.

    Raises:
      UsageError: neither.
    """
    is_folder = not is_shard_name(path.name) if isinstance(path, UrlPath) else path.is_dir()
    if not is_folder:
        if _num_bytes(path) is None:
            fix = "Name a shard or a folder of records, or build one: segconv build --src dataset/"
            raise UsageError(path, "does not exist", fix, "E_NO_DATASET")
        return path
    shard = next((shard for _, shard in read_manifest(path).shards()), None)
    if shard is None:
        raise UsageError(path, "has no shard", "Build the dataset again.", "E_NO_DATASET")
    return path / shard.name


def inspect_shard(path: Path) -> ShardReport:
    """Reads a whole shard.

    Raises:
      UsageError: there is no such file.
    """
    manifest, info = _entry_of(path)
    tally = _Tally()
    problem = None
    try:
        for number, data in enumerate(read_shard(path.parent, path.name)):
            tally.add(data, f"{path}: record {number}")
    except DataError as error:
        problem = error
    num_classes = manifest.num_classes if manifest else max((i + 1 for i in tally.pixels), default=0)
    unknown = sorted(index for index in tally.pixels if index >= num_classes)
    if info is not None and problem is None:
        try:
            check_shard_file(path.parent, info)  # cut after a record, or swapped, it is still a valid TFRecord file
        except DataError as error:
            problem = error
    if unknown and problem is None:
        what = f"holds class {unknown[0]}, the manifest has 0..{num_classes - 1}"
        problem = DataError(path, what, REBUILD, "E_MASK_VALUE")
    return ShardReport(
        path=path,
        records=tally.records,
        size_bytes=_num_bytes(path) or 0,
        problem=problem,
        keys=tally.keys,
        size=next(iter(tally.sizes)) if len(tally.sizes) == 1 else None,
        pixels=tuple(tally.pixels.get(index, 0) for index in range(num_classes)),
        ignored_pixels=tally.ignored,
        classes=manifest.classes if manifest else tuple(nameless(index) for index in range(num_classes)),
    )


def inspect_dataset(folder: Path, *, scan: bool = False) -> tuple[Manifest, list[ShardReport] | None]:
    """Returns the manifest of a dataset, and the report on every shard where they are scanned, else None.

    Args:
      folder: of the records.
      scan: reads every shard; otherwise only their sizes are compared.

    Raises:
      UsageError: the folder is not a finished dataset.
      DataError: a shard that the manifest names is missing, or, where they are not scanned, has another size.
    """
    manifest = read_manifest(folder)
    for _, shard in manifest.shards():
        size = _num_bytes(folder / shard.name)
        if size is None:
            raise ShardError(folder / shard.name, "is missing", "E_SHARD_MISSING")
        if size != shard.bytes and not scan:
            raise ShardError(folder / shard.name, f"has {size} bytes instead of {shard.bytes}", "E_SHARD_SIZE")
    return manifest, [inspect_shard(folder / shard.name) for _, shard in manifest.shards()] if scan else None


def dataset_json(folder: Path, manifest: Manifest, reports: list[ShardReport] | None) -> dict[str, Any]:
    """Returns the object that `segconv inspect dataset --json` prints; "crc_ok" is None where nothing was scanned."""
    pixels, ignored = _counts(manifest, reports)
    return {
        "path": str(folder),
        "name": manifest.name,
        "size": list(manifest.size) if manifest.size else None,
        "fit": manifest.fit,
        "crc_ok": None if reports is None else all(report.problem is None for report in reports),
        "splits": {
            name: {"records": split.records, "shards": len(split.shards), "bytes": split.bytes}
            for name, split in manifest.splits.items()
        },
        "ignored_pixels": ignored,
        "classes": [
            {"id": info.id, "name": info.name, "pixels": count}
            for info, count in zip(manifest.classes, pixels, strict=True)
        ],
    }


def dataset_text(folder: Path, manifest: Manifest, reports: list[ShardReport] | None) -> str:
    """Returns the report as `segconv inspect dataset` prints it."""
    rows: list[tuple[str, ...]] = [("split", "records", "shards", "bytes", "skipped")]
    for name, split in manifest.splits.items():
        rows.append((name, f"{split.records:,}", str(len(split.shards)), f"{split.bytes:,}", str(split.skipped)))
    return "\n".join(
        [
            f"{shown(folder)}: {shown(manifest.name)}, {size_text(manifest.size)}, fit {manifest.fit}",
            _crc_text(reports),
            "",
            table(rows),
            "",
            class_table(manifest.classes, *_counts(manifest, reports)),
        ]
    )


def _crc_text(reports: list[ShardReport] | None) -> str:
    if reports is None:
        return "CRC not verified: all of this is from the manifest, --scan reads the shards"
    damaged = sum(report.problem is not None for report in reports)
    return "CRC ok" if not damaged else f"CRC DAMAGED in {damaged} of {len(reports)} shards"


def record_at(path: Path, number: int) -> Record:
    """Returns record `number` of a shard, counted from 0.

    Raises:
      UsageError: the shard has fewer records.
      DataError: the shard is damaged before or at it.
    """
    data = next(itertools.islice(read_shard(path.parent, path.name), number, None), None)
    if data is None:
        count = sum(1 for _ in read_shard(path.parent, path.name))
        there = f"It has 0..{count - 1}." if count else "It is empty."
        raise UsageError(path, f"has no record {number}", there, "E_RECORD_NUMBER")
    return decode_record(data, f"{path}: record {number}")


def record_json(record: Record, number: int, classes: Sequence[ClassInfo]) -> dict[str, Any]:
    """Returns the object that `segconv inspect shard --record N --json` prints."""
    mask = record.mask
    pixels, ignored = count_classes(mask, len(classes))
    return {
        "record": number,
        "file_name": record.file_name,
        "mask_name": record.mask_name,
        "original_size": list(record.original_size),
        **({"window": list(record.tile.window)} if record.tile else {}),
        "size": list(mask.shape),
        "image_format": "png" if record.image_bytes.startswith(PNG_SIGNATURE) else "jpeg",
        "image_bytes": len(record.image_bytes),
        "mask_bytes": len(record.mask_bytes),
        "ignored_pixels": ignored,
        "classes": [
            {"id": info.id, "name": info.name, "pixels": count} for info, count in zip(classes, pixels, strict=True)
        ],
    }


def record_text(record: Record, number: int, classes: Sequence[ClassInfo]) -> str:
    """Returns the report as `segconv inspect shard --record N` prints it."""
    facts = record_json(record, number, classes)
    original, size = facts["original_size"], facts["size"]
    return "\n".join(
        [
            f"record {number}",
            *_tile_lines(record),
            f"  image   {shown(record.file_name)}  {original[0]} high x {original[1]} wide",
            f"  mask    {shown(record.mask_name) or '(the image had none)'}",
            f"  stored  {size[0]} high x {size[1]} wide, "
            f"{facts['image_format'].upper()} {facts['image_bytes']:,} bytes, PNG {facts['mask_bytes']:,} bytes",
            "",
            class_table(classes, [entry["pixels"] for entry in facts["classes"]], facts["ignored_pixels"]),
        ]
    )


def _tile_lines(record: Record) -> list[str]:
    """Returns the line that says which part of its photograph a record is, if any."""
    if record.tile is None:
        return []
    (top, left, height, width), scaled = record.tile.window, record.tile.scaled_size
    return [f"  tile    rows {top} to {top + height}, columns {left} to {left + width} of {scaled[0]} x {scaled[1]}"]


def nameless(index: int) -> ClassInfo:
    """Returns a class of which only the index is known, for a shard without a manifest."""
    color: Color = wheel_color(index)
    return ClassInfo(index, f"class_{index}", color)


@dataclass
class _Tally:
    """Counts over the records of a shard."""

    records: int = 0
    keys: tuple[str, ...] = ()
    sizes: set[tuple[int, int]] = field(default_factory=set)
    pixels: dict[int, int] = field(default_factory=dict)
    ignored: int = 0

    def add(self, data: bytes, where: str) -> None:
        record = decode_record(data, where)
        try:
            mask = record.mask
        except DataError as error:
            raise DataError(where, f"{error.where} {error.what}", error.fix, error.code) from None
        if not self.records:
            self.keys = tuple(sorted(decode_example(data, where)))
        self.sizes.add((mask.shape[0], mask.shape[1]))
        counts, ignored = count_classes(mask, IGNORE_INDEX)
        for index in np.flatnonzero(counts):
            self.pixels[int(index)] = self.pixels.get(int(index), 0) + counts[index]
        self.ignored += ignored
        self.records += 1


def _entry_of(shard: Path) -> tuple[Manifest | None, ShardInfo | None]:
    """Returns the manifest next to a shard, and the shard's entry in it; (None, None) where there is none."""
    if _num_bytes(shard.parent / MANIFEST) is None:
        return None, None
    try:
        manifest = read_manifest(shard.parent)
    except SegconvError as error:
        log.warning("%s Class names are not known, and the shard is not compared with it.", error)
        return None, None
    info = next((info for _, info in manifest.shards() if info.name == shard.name), None)
    return (manifest, info) if info else (None, None)


def _num_bytes(path: Path) -> int | None:
    """Returns the size of a file on this machine or at an address, in bytes; None where there is none."""
    if not isinstance(path, UrlPath):
        return path.stat().st_size if path.is_file() else None
    try:
        return ObjectFolder(str(path.parent)).size(path.name)
    except FileNotFoundError:
        return None


def _counts(manifest: Manifest, reports: list[ShardReport] | None) -> tuple[list[int], int]:
    """Returns (pixels per class index, ignored pixels) of all reports, or as the manifest has them."""
    counted = manifest.splits.values() if reports is None else reports
    pixels = [sum(counts) for counts in zip(*(each.pixels for each in counted), strict=True)]
    return pixels, sum(each.ignored_pixels for each in counted)
