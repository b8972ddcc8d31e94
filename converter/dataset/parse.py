"""Parse: untrusted text of manifest.json -> Manifest.

The manifest marks a folder of shards as complete: it is written last and read first.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from converter.dataset.manifest import SEAL, ChannelInfo, ClassInfo, Manifest, ShardInfo, SplitInfo, TileInfo, seal_of
from converter.dataset.store import Place, size_of, store_at
from converter.errors import REPLACE, DataError, UsageError
from converter.limits import MAX_CLASSES, MAX_MANIFEST_BYTES, MAX_OPTION_DEPTH
from converter.schema import MANIFEST, SCHEMA_VERSION, holds_shards
from converter.system.files import NotRegularError


def parse_manifest(text: str, where: object) -> Manifest:
    """Returns the Manifest in `text`.

    Args:
      text: content of a manifest.json; not trusted.
      where: its path, for messages.

    Raises:
      DataError: not JSON, a field is missing or has the wrong type, a shard's name leads out of the folder, or the
        seal does not match the content.
      UsageError: written by a newer segconv.
    """
    try:
        raw = json.loads(text, object_pairs_hook=_unique)
        version = _integer(raw["schema_version"])
        if version > SCHEMA_VERSION:
            what = f"schema_version is {version}, but this segconv reads up to {SCHEMA_VERSION}"
            raise UsageError(where, what, f"Update segconv. Or: {REPLACE}", "E_SCHEMA_VERSION")
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
            # Optional from here on: a manifest written before these fields existed is still valid.
            layout=str(raw.get("layout", "")),
            class_map=str(raw.get("class_map", "")),
            class_map_kind=str(raw.get("class_map_kind", "")),
            ignore_values=tuple(map(str, raw.get("ignore_values", ()))),
        )
        _check(manifest)
        json.dumps(raw, ensure_ascii=False).encode()  # JSON can have lone surrogates, which no file can
        seal = seal_of(raw)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        what = f"is not a manifest of segconv ({type(error).__name__}: {error})"
        raise DataError(where, what, REPLACE, "E_MANIFEST") from None
    if raw.get(SEAL) != seal:
        what = "was changed after it was written: its seal does not match its content"
        raise DataError(where, what, f"Restore it from a backup. {REPLACE}", "E_MANIFEST")
    return manifest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns a JSON object; ValueError on a duplicate key, of which readers may use either value."""
    raw = dict(pairs)
    if len(raw) < len(pairs):
        raise ValueError("a key occurs twice")
    return raw


def read_manifest(place: Place) -> Manifest:
    """Returns the manifest of a folder or store of records.

    Raises:
      UsageError: it has no manifest.json, so it is not a finished dataset.
      DataError: manifest.json is invalid.
    """
    return parse_manifest(manifest_text(place), store_at(place).where(MANIFEST))


def manifest_text(place: Place) -> str:
    """Returns the text of the manifest of a folder or store of records.

    Raises:
      UsageError: it does not exist.
      DataError: it cannot be read, or is not UTF-8 text.
    """
    store = store_at(place)
    where = store.where(MANIFEST)
    try:
        with store.open(MANIFEST) as file:
            data = file.read(min(size_of(file), MAX_MANIFEST_BYTES + 1))
        if len(data) > MAX_MANIFEST_BYTES:
            what = f"has more than {MAX_MANIFEST_BYTES} bytes, which no manifest has"
            raise DataError(where, what, REPLACE, "E_MANIFEST")
        return data.decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        what = f"holds no {MANIFEST}"
        fix = "Pass a folder that `segconv build` finished, or build one: segconv build --src dataset/"
        with contextlib.suppress(OSError, UsageError):  # a web server lists no files
            if holds_shards(store.names()):
                what, fix = f"holds shards, but no {MANIFEST}", REPLACE
        raise UsageError(store.where(), what, fix, "E_NO_DATASET") from None
    except NotRegularError:
        raise DataError(where, "cannot be read (not a regular file)", REPLACE, "E_MANIFEST") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(where, f"cannot be read ({error})", REPLACE, "E_MANIFEST") from None


def _integer(raw: Any) -> int:
    if type(raw) is not int:  # a bool is also an int, and int() would accept 2.5 and "2"
        raise TypeError(f"{str(raw)[:50]!r} is not an integer")
    return raw


def _plain(raw: Any, depth: int = MAX_OPTION_DEPTH) -> Any:
    """Returns a JSON value; ValueError where it is nested too deep to be written."""
    if isinstance(raw, dict | list):
        if not depth:
            raise ValueError(f"options nested more than {MAX_OPTION_DEPTH} levels deep")
        for part in raw.values() if isinstance(raw, dict) else raw:
            _plain(part, depth - 1)
    return raw


def _pair(raw: Any) -> tuple[int, int]:
    height, width = (_integer(n) for n in raw)
    return height, width


def _triple(raw: Any) -> tuple[float, float, float]:
    red, green, blue = (float(n) for n in raw)
    return red, green, blue


def _class_info(raw: dict[str, Any]) -> ClassInfo:
    red, green, blue = (_integer(n) for n in raw["color"])
    return ClassInfo(_integer(raw["id"]), str(raw["name"]), (red, green, blue), tuple(map(str, raw["values"])))


def _split_info(raw: dict[str, Any]) -> SplitInfo:
    channels = raw.get("channels")
    sizes = (tuple(_integer(n) for n in size) for size in raw.get("sizes", ()))
    return SplitInfo(
        shards=tuple(
            ShardInfo(
                str(s["name"]),
                _integer(s["records"]),
                _integer(s["bytes"]),
                str(s["sha256"]),
                str(s.get("fingerprint", "")),
            )
            for s in raw["shards"]
        ),
        example_bytes=_integer(raw["example_bytes"]),
        pixels=tuple(_integer(n) for n in raw["pixels"]),
        images=tuple(_integer(n) for n in raw["images"]),
        ignored_pixels=_integer(raw["ignored_pixels"]),
        skipped=_integer(raw["skipped"]),
        padded_pixels=_integer(raw.get("padded_pixels", 0)),
        channels=ChannelInfo(_triple(channels["mean"]), _triple(channels["std"])) if channels else None,
        sizes=tuple((height, width, count) for height, width, count in sizes),
        other_sizes=_integer(raw.get("other_sizes", 0)),
        turned=_integer(raw.get("turned", 0)),
        unturned=_integer(raw.get("unturned", 0)),
        corrected_pixels=_integer(raw.get("corrected_pixels", 0)),
        kept=_integer(raw.get("kept", 0)),
        tiles=_tile_info(raw["tiles"]) if raw.get("tiles") is not None else None,
    )


def _tile_info(raw: dict[str, Any]) -> TileInfo:
    return TileInfo(_integer(raw["photographs"]), _integer(raw["planned"]), _integer(raw["dropped"]))


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
    """Raises ValueError or TypeError for invalid fields other than classes and splits."""
    if manifest.schema_version < 1:
        raise ValueError(f"schema_version {manifest.schema_version}")
    if not isinstance(manifest.errors_sha256, str | None):
        raise TypeError("errors_sha256 is not a string")
    if not all(map(str.isprintable, (manifest.name, *manifest.class_names))):
        raise ValueError("a name that cannot be printed")
    if manifest.size is not None and min(manifest.size) < 1:
        raise ValueError(f"size {manifest.size}")


def _check_split(split: str, info: SplitInfo, num_classes: int) -> None:
    """Raises ValueError where the entry of a split is invalid."""
    if not re.fullmatch(r"[\w-]{1,64}", split, re.ASCII):  # it is part of file names
        raise ValueError(f"split {split[:64]!r}")
    if len(info.pixels) != num_classes or len(info.images) != num_classes:
        raise ValueError(f"split {split!r} has pixel counts for a different number of classes")
    levels = (*info.channels.mean, *info.channels.std) if info.channels else ()
    if not all(0 <= level <= 255 for level in levels):  # also false for NaN
        raise ValueError(f"split {split!r} has channel levels outside 0..255")
    if any(min(size) < 1 for size in info.sizes):
        raise ValueError(f"split {split!r} has a size or a count below 1")
    for shard in info.shards:
        _check_shard(split, shard)


def _check_shard(split: str, shard: ShardInfo) -> None:
    """Raises ValueError where the entry of a shard is invalid."""
    # Only a plain file name of this form: a rebuild must not delete other files that a manifest lists.
    match = re.fullmatch(r"\w+-([\w-]+)\.tfrecord-\d{5}-of-\d{5}", shard.name, re.ASCII)
    if not match or match[1] != split:
        raise ValueError(f"shard name {shard.name!r} is not that of a shard")
    if shard.records < 0 or shard.bytes < 0:
        raise ValueError(f"shard {shard.name!r} has negative counts")
