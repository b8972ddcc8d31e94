"""Manifest: what manifest.json holds: all that a reader needs to know of a folder of shards.

Its numbers come from the build itself: nobody has to open a shard to learn class names, record counts, pixel counts or
hashes. It is sealed: a manifest that was edited is refused. The seal shows change, not origin: whoever forges a
manifest can seal it again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from converter.errors import UsageError
from converter.schema import ERRORS, INDEX_SUFFIX, SCHEMA_VERSION

SEAL = "seal"


@dataclass(frozen=True)
class ClassInfo:
    """One class.

    Attributes:
      id: class index in the stored masks.
      name: as in the class map.
      color: (red, green, blue) to draw it with, 0..255 each.
      values: the source values that were mapped to it, in the notation of classes.csv.
    """

    id: int
    name: str
    color: tuple[int, int, int]
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class ShardInfo:
    """One shard.

    Attributes:
      name: of its file.
      records: their number.
      bytes: size of the file.
      sha256: of the file, in hex.
      fingerprint: of all that its bytes follow from: sources, class map, options, versions; "" where it is not known.
    """

    name: str
    records: int
    bytes: int
    sha256: str
    fingerprint: str = ""


@dataclass(frozen=True)
class ChannelInfo:
    """Levels of the photographs, (red, green, blue), in 0..255.

    Counted over every pixel of the photographs as they are stored, before JPEG changes them; padding does not count.
    Computed from whole numbers, so that they do not depend on the order of summing.

    Attributes:
      mean: of each channel.
      std: standard deviation of each channel, over all pixels (divided by their number, not by one less).
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class SplitInfo:
    """One split.

    Attributes:
      shards: in order; a record's number in the split counts through them.
      example_bytes: sum of the serialized examples, without framing (TFDS calls it numBytes).
      pixels: stored pixels per class index, over all records.
      images: number of records in which the class occurs, per class index.
      ignored_pixels: stored pixels that hold IGNORE_INDEX, padding included.
      skipped: pairs that the split list names but that were refused.
      padded_pixels: those of `ignored_pixels` that are padding.
      channels: levels of the photographs; None where no record was counted.
      sizes: (height, width, photographs) of the upright photographs before resizing, most frequent first; the
        MAX_SIZES most frequent ones.
      other_sizes: photographs of all other sizes.
      turned: photographs that were turned upright, as EXIF says.
      unturned: photographs that EXIF would turn, but that were not, since their masks lie on them as they are.
      corrected_pixels: pixels of source masks whose colour was not listed, but close enough to one that is.
      kept: photographs that are stored with their own bytes.
    """

    shards: tuple[ShardInfo, ...]
    example_bytes: int
    pixels: tuple[int, ...]
    images: tuple[int, ...]
    ignored_pixels: int
    skipped: int = 0
    padded_pixels: int = 0
    channels: ChannelInfo | None = None
    sizes: tuple[tuple[int, int, int], ...] = ()
    other_sizes: int = 0
    turned: int = 0
    unturned: int = 0
    corrected_pixels: int = 0
    kept: int = 0

    @property
    def records(self) -> int:
        """Number of records in the split."""
        return sum(shard.records for shard in self.shards)

    @property
    def bytes(self) -> int:
        """Bytes of all shard files of the split."""
        return sum(shard.bytes for shard in self.shards)


@dataclass(frozen=True)
class Manifest:
    """What manifest.json holds.

    Attributes:
      name: name of the dataset, as in the shards' file names.
      size: (height, width) of every stored image and mask, in pixels; None where they differ from record to record.
      fit: how photographs were brought to that size: "pad", "stretch" or "crop".
      classes: in order of their indices.
      splits: by name, in the order of the build.
      options: the options of the build that decide its bytes.
      written_by: versions of segconv and of the libraries that decide the bytes.
      errors_sha256: SHA-256 of errors.jsonl where pairs were skipped, else None.
      schema_version: of this file and of the records.
      layout: name of the layout that the source folder was read as; "" where it is not known.
      class_map: origin of the class map: name of the file, or preset:NAME; "" where it is not known.
      class_map_kind: what that file is, such as "CVAT labelmap.txt".
      ignore_values: the source values that were mapped to IGNORE_INDEX, in the notation of classes.csv.
    """

    name: str
    size: tuple[int, int] | None
    fit: str
    classes: tuple[ClassInfo, ...]
    splits: dict[str, SplitInfo]
    options: dict[str, Any] = field(default_factory=dict)
    written_by: dict[str, str] = field(default_factory=dict)
    errors_sha256: str | None = None
    schema_version: int = SCHEMA_VERSION
    layout: str = ""
    class_map: str = ""
    class_map_kind: str = ""
    ignore_values: tuple[str, ...] = ()

    @property
    def num_classes(self) -> int:
        """Number of classes, IGNORE_INDEX not counted."""
        return len(self.classes)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names in order of their indices."""
        return tuple(info.name for info in self.classes)

    def common_size(self, where: object) -> tuple[int, int]:
        """Returns (height, width) of every record, in pixels.

        Args:
          where: folder of the records, for the message.

        Raises:
          UsageError: they differ from record to record.
        """
        if self.size is None:
            what = "records have no common size"
            raise UsageError(where, what, "Build the dataset with --size HEIGHTxWIDTH.", "E_SIZE")
        return self.size

    def shards(self) -> Iterator[tuple[str, ShardInfo]]:
        """Yields (split, shard) for every shard, in order."""
        for split, info in self.splits.items():
            for shard in info.shards:
                yield split, shard

    def files(self) -> list[str]:
        """Names of the files that this manifest accounts for: shards, their indices, and errors.jsonl if any."""
        names = [name for _, shard in self.shards() for name in (shard.name, shard.name + INDEX_SUFFIX)]
        return [*names, ERRORS] if self.errors_sha256 else names

    def to_json(self) -> str:
        """Returns the text of manifest.json, seal included: the same manifest is always the same text."""
        raw = asdict(self)
        return text_of(raw | {SEAL: seal_of(raw)})


def seal_of(raw: dict[str, Any]) -> str:
    """Returns the SHA-256 in hex of a manifest's canonical JSON: without the seal, keys sorted, ASCII, no spaces."""
    rest = {key: value for key, value in raw.items() if key != SEAL}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def text_of(raw: dict[str, Any]) -> str:
    """Returns the JSON object of a manifest as the text that is written."""
    return json.dumps(raw, indent=1, ensure_ascii=False) + "\n"
