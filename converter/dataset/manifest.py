"""Manifest: the contents of manifest.json: everything that a reader needs to know about a folder of shards.

Its numbers come from the build: class names, record counts, pixel counts and hashes can be read without opening a
shard. It is sealed: an edited manifest is refused. The seal detects changes but proves no origin: whoever forges a
manifest can also compute its seal.
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
      values: source values that were mapped to it, in the notation of classes.csv.
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
      records: number of records.
      bytes: size of the file.
      sha256: of the file, in hex.
      fingerprint: hash of all that its bytes depend on: sources, class map, options, versions; "" where unknown.
    """

    name: str
    records: int
    bytes: int
    sha256: str
    fingerprint: str = ""


@dataclass(frozen=True)
class ChannelInfo:
    """Channel statistics of the images, (red, green, blue), in 0..255.

    Over every pixel of the stored images, before JPEG compression and without padding. Computed from integers, so the
    order of summation does not matter.

    Attributes:
      mean: of each channel.
      std: population standard deviation of each channel (divided by the number of pixels).
    """

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class TileInfo:
    """How the photographs of a split were cut into tiles.

    Attributes:
      photographs: number of them, with those that were refused; a block of one counts as one.
      planned: number of tiles that cover them; those that are no record were dropped or refused.
      dropped: number of tiles that were dropped, since too much of their mask is ignored.
    """

    photographs: int
    planned: int
    dropped: int


@dataclass(frozen=True)
class SplitInfo:
    """One split.

    Attributes:
      shards: in order; records of the split are numbered through them.
      example_bytes: total size of the serialized examples, without framing (numBytes in TFDS).
      pixels: stored pixels per class index, over all records.
      images: number of records that contain the class, per class index.
      ignored_pixels: stored pixels with IGNORE_INDEX, padding included.
      skipped: number of pairs in the split list that were refused.
      padded_pixels: those of `ignored_pixels` that are padding.
      channels: channel statistics of the images; None where no record was counted.
      sizes: (height, width, number of images) of the upright images before resizing: the MAX_LISTED_SIZES most
        frequent ones, most frequent first.
      other_sizes: number of images of all other sizes.
      turned: number of images that were rotated upright by EXIF orientation.
      unturned: number of images with an EXIF orientation that was not applied, since the mask fits the unrotated image.
      corrected_pixels: pixels of source masks with an unlisted colour that is close enough to a listed one.
      kept: number of images that are stored unmodified.
      tiles: of records that are tiles; `sizes`, `turned` and `unturned` then count these, each by its photograph.
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
    tiles: TileInfo | None = None

    @property
    def dropped(self) -> int:
        """Number of tiles that were dropped."""
        return self.tiles.dropped if self.tiles else 0

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
    """The contents of manifest.json.

    Attributes:
      name: name of the dataset, as in the shards' file names.
      size: (height, width) of every stored image and mask, in pixels; None where they differ from record to record.
      fit: how images were fitted to that size: "pad", "stretch", "crop" or "tile".
      classes: in order of their indices.
      splits: by name, in the order of the build.
      options: the options of the build that its bytes depend on.
      written_by: versions of segconv and of the libraries that its bytes depend on.
      errors_sha256: SHA-256 of errors.jsonl where pairs were skipped, else None.
      schema_version: of this file and of the records.
      layout: name of the layout of the source folder; "" where unknown.
      class_map: source of the class map: name of the file, or preset:NAME; "" where unknown.
      class_map_kind: format of that file, such as "CVAT labelmap.txt".
      ignore_values: source values that were mapped to IGNORE_INDEX, in the notation of classes.csv.
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
        """Number of classes, without IGNORE_INDEX."""
        return len(self.classes)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in order of their indices."""
        return tuple(info.name for info in self.classes)

    def common_size(self, where: object) -> tuple[int, int]:
        """Returns (height, width) of every record, in pixels.

        Args:
          where: folder of the records, for the message.

        Raises:
          UsageError: sizes differ from record to record.
        """
        if self.size is None:
            fix = "Build the dataset with --size HEIGHTxWIDTH, or train on windows: segconv train --crop 256x256."
            raise UsageError(where, "records have no common size", fix, "E_SIZE")
        return self.size

    def shards(self) -> Iterator[tuple[str, ShardInfo]]:
        """Yields (split, shard) for every shard, in order."""
        for split, info in self.splits.items():
            for shard in info.shards:
                yield split, shard

    def files(self) -> list[str]:
        """Names of the files that this manifest lists: shards, their indices, and errors.jsonl if any."""
        names = [name for _, shard in self.shards() for name in (shard.name, shard.name + INDEX_SUFFIX)]
        return [*names, ERRORS] if self.errors_sha256 else names

    def to_json(self) -> str:
        """Returns the text of manifest.json with its seal: the same manifest always gives the same text."""
        raw = asdict(self)
        for split in raw["splits"].values():
            if split["tiles"] is None:  # so that the manifests of other datasets do not change
                del split["tiles"]
        return text_of(raw | {SEAL: seal_of(raw)})


def seal_of(raw: dict[str, Any]) -> str:
    """Returns the SHA-256 in hex of a manifest's canonical JSON: without the seal, keys sorted, ASCII, no spaces."""
    rest = {key: value for key, value in raw.items() if key != SEAL}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def text_of(raw: dict[str, Any]) -> str:
    """Returns the text of manifest.json for its JSON object."""
    return json.dumps(raw, indent=1, ensure_ascii=False) + "\n"
