"""Receipts: what a shard was built from, so that the next run knows whether it would build the same one again.

Next to a finished shard there is a hidden receipt: the result of its task, the SHA-256 of every source file as it was
read, and a fingerprint of everything that determines its bytes. A shard is reused only if the fingerprint matches the
current sources and options, and the file is the one that the receipt names. Timestamps are a hint that saves reading
unchanged files. A lost receipt only means that the shard is rebuilt.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from PIL import __version__ as pillow_version
from PIL import features

from converter.building.shards import ShardResult, ShardTask, SourceFile, SourceReader, run_shard_task
from converter.building.store import Store, hidden
from converter.building.tally import Tally
from converter.building.tiles import WINDOW, RecordMaker
from converter.classes.mapper import MaskMapper
from converter.dataset.manifest import ShardInfo
from converter.dataset.store import sha256_of, size_of
from converter.dataset.tfrecord import index_name
from converter.errors import DataError, MachineError
from converter.pixels.bands import Samples
from converter.schema import SCHEMA_VERSION, RecordKey
from converter.sources.refs import ExampleRef
from converter.system.files import Stamp, resolve_inside
from converter.version import __version__

SUFFIX = ".receipt"
TRANSIENT = {"E_CRASH", "E_MEMORY"}  # may not recur: the next run rebuilds a shard that lacks a pair for one of these


def receipt_name(shard: str) -> str:
    """Returns the file name of a shard's receipt: hidden, since it is not part of the dataset."""
    return hidden(shard + SUFFIX)


def written_by() -> dict[str, str]:
    """Returns the versions of segconv and of the libraries that determine the bytes of a record."""
    names = {"libjpeg_turbo": "libjpeg_turbo", "zlib": "zlib_ng" if features.check_feature("zlib_ng") else "zlib"}
    versions = {name: str(features.version(feature)) for name, feature in names.items()}
    return {"segconv": __version__, "pillow": pillow_version, **versions}


def fingerprint(task: ShardTask, digests: list[tuple[str, str]]) -> str:
    """Returns the SHA-256, in hex, of everything that determines the bytes and the counts of a shard.

    Paths, timestamps, the lists that name the files and the number of workers are not part of it.

    Args:
      task: the shard.
      digests: of image and mask of each pair, in order.
    """
    classes = task.classes
    facts = {
        "schema_version": SCHEMA_VERSION,
        "written_by": written_by(),
        "pair": {name: value for name, value in asdict(task.pair).items() if (name, value) != ("tile", None)},
        "max_pixels": task.source.max_pixels,
        # In the order of the class map, which decides between two equally near listed colours.
        "classes": [
            classes.names,
            *(list(table.items()) for table in (classes.grey, classes.rgb, classes.palette)),
            classes.default,
        ],
        "pairs": [(*ref.key, *pair) for ref, pair in zip(task.refs, digests, strict=True)],
    }
    if any(not ref.mask for ref in task.refs):
        facts["missing_mask"] = task.source.missing_mask
    if task.source.samples != Samples():  # absent where it is the default: older receipts stay valid
        facts["samples"] = asdict(task.source.samples)
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def make_shard(task: ShardTask, tick: Callable[[], None]) -> ShardResult:
    """Builds one shard, its index and, last, its receipt, staged and durable.

    Args:
      task: what to build.
      tick: called after each pair.

    Returns:
      the result without its sources: the receipt has them, and those of a million pairs would fill memory.

    Raises:
      MachineError: as `run_shard_task`.
    """
    result = run_shard_task(task, tick)
    digests = [(image.digest, mask.digest) for image, mask in result.sources]
    info = dataclasses.replace(result.info, fingerprint=fingerprint(task, digests))
    result = dataclasses.replace(result, info=info)
    if not TRANSIENT & {error.code for error in result.refused.values()}:
        task.store.put(receipt_name(task.name), _to_text(task, result))
    return dataclasses.replace(result, sources=())


@dataclass(frozen=True)
class ReusableShard:
    """A shard that need not be rebuilt.

    Attributes:
      result: as it was when the shard was built, without its sources.
      is_hidden: it still has its temporary name.
    """

    result: ShardResult
    is_hidden: bool


def find_reusable(task: ShardTask, *, rehash: bool) -> ReusableShard | None:
    """Returns the shard of a task, if it was built from the current sources; else None.

    Args:
      task: the shard.
      rehash: reads every source file, even where the file system reports no change.

    Raises:
      MachineError: a source file cannot be read, since the disk failed.
    """
    known = _read(task)
    if known is None:
        return None
    place = next(
        (name for name in (task.name, hidden(task.name)) if _holds(task.store, name, known, rehash=rehash)), None
    )
    if place is None:
        return None
    digests = [(image.digest, mask.digest) for image, mask in known.sources]
    if fingerprint(task, digests) != known.info.fingerprint:  # other options: no need to read a file
        return None
    sources = []
    pair, files = None, None
    maker = RecordMaker(task.source, MaskMapper(task.classes, task.pair.tolerance), task.pair)
    for ref, (image, mask) in zip(task.refs, known.sources, strict=True):
        if pair is None or (ref.files, image, mask) != files:  # those of the next tile of a photograph are known
            pair = _present_pair(task, ref, (image, mask), maker, rehash=rehash)
            files = ref.files, image, mask
        if (pair[0].digest, pair[1].digest) != (image.digest, mask.digest):
            return None
        sources.append(pair)
    result = dataclasses.replace(known, sources=tuple(sources))
    if result.sources != known.sources:  # read and found unchanged: the next run need not read it
        with contextlib.suppress(MachineError):
            task.store.put(receipt_name(task.name), _to_text(task, result))
    return ReusableShard(dataclasses.replace(result, sources=()), is_hidden=place != task.name)


def is_complete(store: Store, shard: str) -> bool:
    """Returns whether a shard is staged or published as its receipt says, whatever it was built from."""
    try:
        facts = _facts(store, shard)
        return any(_sha256(store, name) == facts["info"]["sha256"] for name in (shard, hidden(shard)))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return False


def _holds(store: Store, shard: str, known: ShardResult, *, rehash: bool) -> bool:
    """Returns whether shard and index have this name, and are the files that were built."""
    noted = None if rehash else store.digest(shard)
    is_shard = (noted or _sha256(store, shard, known.info.bytes)) == known.info.sha256
    return is_shard and _sha256(store, index_name(shard)) == known.index_sha256


def _sha256(store: Store, name: str, size: int | None = None) -> str | None:
    """Returns the SHA-256 of a file in hex; None where it cannot be read, or has another size."""
    try:
        with store.open(name) as file:
            if size is not None and size_of(file) != size:
                return None
            return sha256_of(file)
    except OSError:
        return None


def _present_pair(
    task: ShardTask, ref: ExampleRef, known: tuple[SourceFile, SourceFile], maker: RecordMaker, *, rehash: bool
) -> tuple[SourceFile, SourceFile]:
    """Returns what the files of a pair hold now, or its windows of them; read only where a stamp may have changed."""
    if not known[0].digest.startswith(WINDOW):
        image, mask = (_present(task, name, one, rehash) for name, one in zip(ref.files, known, strict=True))
        return image, mask
    both = zip(ref.files, known, strict=True)
    if not rehash and all(one.digest == "" or _is_unchanged(task, name, one) for name, one in both):
        return known
    with contextlib.suppress(DataError):
        maker.make(ref)
    image, mask = (SourceFile(*one) for one in maker.digests(ref) or (("", None), ("", None)))
    return image, mask


def _present(task: ShardTask, name: str, known: SourceFile, rehash: bool) -> SourceFile:
    """Returns what a source file holds now; it is read only where its stamp may have changed."""
    return known if not rehash and _is_unchanged(task, name, known) else SourceReader(task.source).file(name)


def _is_unchanged(task: ShardTask, name: str, known: SourceFile) -> bool:
    """Returns whether a source file has a stamp, and still the same one."""
    if known.stamp is not None:
        with contextlib.suppress(DataError, OSError):
            path = resolve_inside(task.source.src, name, follow_links=task.source.follow_links)
            return Stamp.of(path.stat()) == known.stamp
    return False


def _to_text(task: ShardTask, result: ShardResult) -> bytes:
    """Returns the content of a receipt: a seal, and the result as JSON, with pairs by number."""
    facts = {
        "info": asdict(result.info),
        "example_bytes": result.example_bytes,
        "tally": vars(result.tally) | {"sizes": list(result.tally.sizes.items())},
        "refused": [(number, e.where, e.what, e.fix, e.code) for number, e in result.refused.items()],
        "sources": [[(file.digest, file.stamp) for file in pair] for pair in result.sources],
        "index_sha256": result.index_sha256,
        "keys": result.keys(task),
        "dropped": list(result.dropped),
    }
    text = json.dumps(facts).encode("ascii")
    return hashlib.sha256(text).hexdigest().encode("ascii") + b"\n" + text


def _read(task: ShardTask) -> ShardResult | None:
    """Returns what the receipt of a task says; None where there is none, or it is for other pairs."""
    try:
        result = _parse(_facts(task.store, task.name), task)
    except (OSError, ValueError, KeyError, TypeError, IndexError, RecursionError):
        return None
    return result if len(result.sources) == len(task.refs) and result.info.name == task.name else None


def _facts(store: Store, shard: str) -> dict[str, Any]:
    """Returns the content of the receipt of a shard; OSError or ValueError where it is missing or damaged."""
    with store.open(receipt_name(shard)) as file:
        seal, _, text = file.read().partition(b"\n")
    if hashlib.sha256(text).hexdigest().encode("ascii") != seal:
        raise ValueError("the seal of a receipt does not match its content")
    facts: dict[str, Any] = json.loads(text)
    return facts


def noted_images(store: Store, shard: ShardInfo) -> dict[RecordKey, str] | None:
    """Returns the keys of the records of a shard, and the SHA-256 of the image of each, from its receipt.

    None where it has no receipt, or one of another file.

    Args:
      store: where shard and receipt are.
      shard: entry of the shard in the manifest.
    """
    try:
        facts = _facts(store, shard.name)
        refused = {*(number for number, *_ in facts["refused"]), *facts.get("dropped", ())}
        digests = [str(image[0]) for number, (image, _) in enumerate(facts["sources"]) if number not in refused]
        keys = [tuple(map(str, key)) for key in facts["keys"]]
        if facts["info"]["sha256"] == shard.sha256 and len(keys) == shard.records:
            return dict(zip(keys, digests, strict=True))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        pass
    return None


def _parse(raw: dict[str, Any], task: ShardTask) -> ShardResult:
    sizes = Counter({(height, width): count for (height, width), count in raw["tally"]["sizes"]})

    def file(digest: str, stamp: list[int] | None) -> SourceFile:
        return SourceFile(digest, Stamp(*stamp) if stamp else None)

    return ShardResult(
        split=task.split,
        info=ShardInfo(**raw["info"]),
        example_bytes=raw["example_bytes"],
        tally=Tally(**raw["tally"] | {"sizes": sizes}),
        refused={number: DataError(*error) for number, *error in raw["refused"] if task.refs[number]},
        sources=tuple((file(*image), file(*mask)) for image, mask in raw["sources"]),
        index_sha256=raw["index_sha256"],
        dropped=tuple(raw.get("dropped", ())),
    )
