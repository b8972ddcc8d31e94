"""Manifest: manifest.json, the one sign that a folder of shards is complete, and all that a reader needs to know of it.

Written last, read first. Its numbers come from the build itself: nobody has to open a shard to learn class names,
record counts, pixel counts or hashes. It is sealed: a manifest that was edited is refused. The seal shows change, not
origin: whoever forges a manifest can seal it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from converter.errors import REBUILD, DataError, UsageError
from converter.schema import ERRORS, INDEX_SUFFIX, MANIFEST, MAX_CLASSES, SCHEMA_VERSION

MAX_SIZES = 100  # of photographs, listed for each split
MAX_DEPTH = 8  # of the options; they are hardly nested at all
MAX_BYTES = 64 * 2**20  # of a manifest: some 200,000 shards
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


def parse_manifest(text: str, where: object) -> Manifest:
    """Returns the Manifest in `text`.

    Args:
      text: content of a manifest.json; not trusted.
      where: its path, for messages.

    Raises:
      DataError: not JSON, a field is missing or of another type, a shard's name leaves the folder, or the seal is not
        that of the content.
      UsageError: written by a newer segconv.
    """
    try:
        raw = json.loads(text, object_pairs_hook=_unique)
        version = _whole(raw["schema_version"])
        if version > SCHEMA_VERSION:
            what = f"schema_version is {version}, this segconv reads up to {SCHEMA_VERSION}"
            raise UsageError(where, what, "Update segconv, or build the dataset again.", "E_SCHEMA_VERSION")
        manifest = Manifest(
            name=str(raw["name"]),
            size=None if raw["size"] is None else _pair(raw["size"]),
            fit=str(raw["fit"]),
            classes=tuple(_class_info(info) for info in raw["classes"]),
            splits={str(split): _split_info(info) for split, info in raw["splits"].items()},
            options={name: _plain(value) for name, value in raw["options"].items()},
            written_by={library: str(version) for library, version in raw["written_by"].items()},
            errors_sha256=raw["errors_sha256"],
            schema_version=version,
            # From here on: no reader needs them, so that a manifest that was written before them still is one.
            layout=str(raw.get("layout", "")),
            class_map=str(raw.get("class_map", "")),
            class_map_kind=str(raw.get("class_map_kind", "")),
            ignore_values=tuple(map(str, raw.get("ignore_values", ()))),
        )
        _check(manifest)
        json.dumps(raw, ensure_ascii=False).encode()  # JSON can hold halves of characters, which no file can
        seal = seal_of(raw)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        what = f"is not a manifest of segconv ({type(error).__name__}: {error})"
        raise DataError(where, what, REBUILD, "E_MANIFEST") from None
    if raw.get(SEAL) != seal:
        what = "was changed after it was written: its seal is not that of its content"
        raise DataError(where, what, f"Restore it from a copy. {REBUILD}", "E_MANIFEST")
    return manifest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns a JSON object; ValueError where a key stands twice, of which every reader may take another."""
    raw = dict(pairs)
    if len(raw) < len(pairs):
        raise ValueError("a key stands in it twice")
    return raw


def read_manifest(folder: Path) -> Manifest:
    """Returns the manifest of a folder of records.

    Raises:
      UsageError: the folder has no manifest.json, so it is no finished dataset.
      DataError: manifest.json cannot be read as one.
    """
    return parse_manifest(manifest_text(folder), folder / MANIFEST)


def manifest_text(folder: Path) -> str:
    """Returns the text of the manifest of a folder of records.

    Raises:
      UsageError: there is none.
      DataError: it cannot be read, or is no text.
    """
    path = folder / MANIFEST
    try:
        if path.exists() and not path.is_file():  # a named pipe would never end
            raise DataError(path, "cannot be read (no regular file)", REBUILD, "E_MANIFEST")
        with path.open("rb") as file:
            data = file.read(min(os.fstat(file.fileno()).st_size, MAX_BYTES + 1))
        if len(data) > MAX_BYTES:
            raise DataError(path, f"has more than {MAX_BYTES} bytes, which no manifest has", REBUILD, "E_MANIFEST")
        return data.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        mend = "Name a folder that `segconv build` finished, or build one: segconv build --src dataset/"
        raise UsageError(folder, f"holds no {MANIFEST}", mend, "E_NO_DATASET") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(path, f"cannot be read ({error})", REBUILD, "E_MANIFEST") from None


def check_shard_file(folder: Path, shard: ShardInfo, others: Iterable[ShardInfo] = ()) -> None:
    """Holds a shard file against its manifest entry, so that no other reader meets a damaged one.

    TensorFlow trusts a record's length field and crashes on a forged one; a file whose hash is right has none.

    Args:
      folder: of the records.
      shard: what the manifest says of it.
      others: the shards of the dataset, to recognise the content of another one.

    Raises:
      DataError: the file is missing, or is not the one that was built; the first damaged record is named.
    """
    path = folder / shard.name
    twins = {info.sha256: info for info in others if info.bytes}
    size, digest = _size_and_sha256(path, {shard.bytes, *(info.bytes for info in twins.values())})
    if (size, digest) == (shard.bytes, shard.sha256):
        return
    # Here, since only damage calls for more than the standard library.
    from converter.tfrecord import ShardError, find_damage

    if digest in twins:
        raise ShardError(path, f"holds the content of {twins[digest].name}", "E_SHARD_SWAPPED")
    raise find_damage(path, shard.records, shard.bytes)


def _size_and_sha256(path: Path, sizes: set[int]) -> tuple[int, str]:
    """Returns (size in bytes, SHA-256 in hex) of a file; (-1, "") without one, no hash where the size is none of these.

    A file of another size is another file, and might take for ever to be read.
    """
    try:
        if not path.is_file():
            return -1, ""
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return size, hashlib.file_digest(file, "sha256").hexdigest() if size in sizes else ""
    except OSError:
        return -1, ""


def _whole(raw: Any) -> int:
    if type(raw) is not int:  # a truth value is an int, too, and int() would take 2.5 and "2"
        raise TypeError(f"{str(raw)[:50]!r} is no whole number")
    return raw


def _plain(raw: Any, depth: int = MAX_DEPTH) -> Any:
    """Returns a JSON value; ValueError where it is nested so deep that it might be read, but not written."""
    if isinstance(raw, dict | list):
        if not depth:
            raise ValueError(f"options nested more than {MAX_DEPTH} deep")
        for part in raw.values() if isinstance(raw, dict) else raw:
            _plain(part, depth - 1)
    return raw


def _pair(raw: Any) -> tuple[int, int]:
    height, width = (_whole(n) for n in raw)
    return height, width


def _triple(raw: Any) -> tuple[float, float, float]:
    red, green, blue = (float(n) for n in raw)
    return red, green, blue


def _class_info(raw: dict[str, Any]) -> ClassInfo:
    red, green, blue = (_whole(n) for n in raw["color"])
    return ClassInfo(_whole(raw["id"]), str(raw["name"]), (red, green, blue), tuple(map(str, raw["values"])))


def _split_info(raw: dict[str, Any]) -> SplitInfo:
    channels = raw.get("channels")
    sizes = (tuple(_whole(n) for n in size) for size in raw.get("sizes", ()))
    return SplitInfo(
        shards=tuple(
            ShardInfo(
                str(s["name"]),
                _whole(s["records"]),
                _whole(s["bytes"]),
                str(s["sha256"]),
                str(s.get("fingerprint", "")),
            )
            for s in raw["shards"]
        ),
        example_bytes=_whole(raw["example_bytes"]),
        pixels=tuple(_whole(n) for n in raw["pixels"]),
        images=tuple(_whole(n) for n in raw["images"]),
        ignored_pixels=_whole(raw["ignored_pixels"]),
        skipped=_whole(raw["skipped"]),
        padded_pixels=_whole(raw.get("padded_pixels", 0)),
        channels=ChannelInfo(_triple(channels["mean"]), _triple(channels["std"])) if channels else None,
        sizes=tuple((height, width, count) for height, width, count in sizes),
        other_sizes=_whole(raw.get("other_sizes", 0)),
        turned=_whole(raw.get("turned", 0)),
        unturned=_whole(raw.get("unturned", 0)),
        corrected_pixels=_whole(raw.get("corrected_pixels", 0)),
        kept=_whole(raw.get("kept", 0)),
    )


def _check(manifest: Manifest) -> None:
    """Raises ValueError where the fields of a manifest contradict each other."""
    _check_head(manifest)
    if not 1 <= manifest.num_classes <= MAX_CLASSES:
        raise ValueError(f"{manifest.num_classes} classes")
    if [info.id for info in manifest.classes] != list(range(manifest.num_classes)):
        raise ValueError("class ids are not 0, 1, 2, ...")
    if any(not 0 <= level <= 255 for info in manifest.classes for level in info.color):
        raise ValueError("a colour is not within 0..255")
    for split, info in manifest.splits.items():
        _check_split(split, info, manifest.num_classes)
    if not any(info.shards for info in manifest.splits.values()):
        raise ValueError("no shard")
    names = [shard.name for _, shard in manifest.shards()]
    if len(set(names)) < len(names):
        raise ValueError("a shard is listed twice")


def _check_head(manifest: Manifest) -> None:
    """Raises ValueError or TypeError where what is no list of classes or shards cannot be."""
    if manifest.schema_version < 1:
        raise ValueError(f"schema_version {manifest.schema_version}")
    if not isinstance(manifest.errors_sha256, str | None):
        raise TypeError("errors_sha256 is no text")
    if not all(map(str.isprintable, (manifest.name, *manifest.class_names))):
        raise ValueError("a name that cannot be printed")
    if manifest.size is not None and min(manifest.size) < 1:
        raise ValueError(f"size {manifest.size}")


def _check_split(split: str, info: SplitInfo, num_classes: int) -> None:
    """Raises ValueError where the entry of a split contradicts itself."""
    if not re.fullmatch(r"[\w-]{1,64}", split, re.ASCII):  # it is a part of file names
        raise ValueError(f"split {split[:64]!r}")
    if len(info.pixels) != num_classes or len(info.images) != num_classes:
        raise ValueError(f"split {split!r} has pixel counts for another number of classes")
    levels = (*info.channels.mean, *info.channels.std) if info.channels else ()
    if not all(0 <= level <= 255 for level in levels):  # NaN is not, either
        raise ValueError(f"split {split!r} has channel levels beyond 0..255")
    if any(min(size) < 1 for size in info.sizes):
        raise ValueError(f"split {split!r} has a size or a count below 1")
    for shard in info.shards:
        _check_shard(split, shard)


def _check_shard(split: str, shard: ShardInfo) -> None:
    """Raises ValueError where an entry is not that of a shard of ours."""
    # Nothing but a plain file name of that form: a rebuild must not delete a file because a manifest names it.
    match = re.fullmatch(r"\w+-([\w-]+)\.tfrecord-\d{5}-of-\d{5}", shard.name, re.ASCII)
    if not match or match[1] != split:
        raise ValueError(f"shard name {shard.name!r} is not that of a shard")
    if shard.records < 0 or shard.bytes < 0:
        raise ValueError(f"shard {shard.name!r} has negative counts")
