"""Cache: a local copy of the records at an address, for what reads files: TensorFlow, and every training step.

Each shard is held against the hash in the manifest while it arrives, and appears when it is whole: all of them at once,
or each when it is needed. A dataset has a
folder of its own, named after its address and its seal; those that were not used for longest are deleted where the
limit would be exceeded, unless another process uses them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from converter.dataset.manifest import ShardInfo
from converter.dataset.parse import manifest_text, parse_manifest
from converter.dataset.pieces import Part, shards_in
from converter.dataset.store import ReadStore, sha256_of, size_of, store_at
from converter.dataset.tfrecord import FRAME_BYTES, frame_positions, index_name
from converter.errors import DataError, MachineError, UsageError
from converter.limits import MAX_CACHE_GB
from converter.schema import MANIFEST
from converter.system.console import Progress, log
from converter.system.files import TEMPORARY, write_error
from converter.system.locks import LockedError, locked_folder
from converter.system.urls import UrlPath

FOLDER, SIZE = "SEGCONV_CACHE_DIR", "SEGCONV_CACHE_GB"
_FIX_FOLDER = f"Set {FOLDER} to a folder on a local disk."
_OURS = re.compile(r"\w+-[0-9a-f]{32}", re.ASCII)  # no other folder is ever deleted
_copies: dict[tuple[Path, tuple[str, ...], Part], Path] = {}
_in_use = contextlib.ExitStack()  # locks of the folders that this process reads, held until it ends


class _Filling:
    """A folder of the cache whose shards are fetched when they are needed."""

    def __init__(self, store: ReadStore, shards: Sequence[ShardInfo]) -> None:
        self.store = store
        self.shards = {shard.name: shard for shard in shards}
        self.guards = {shard.name: threading.Lock() for shard in shards}
        self.whole: set[str] = set()


_filling: dict[Path, _Filling] = {}


def local_copy(
    place: Path,
    splits: Sequence[str],
    part: Part = Part(),  # noqa: B008 - a tuple
    *,
    on_demand: bool = False,
) -> Path:
    """Returns a local folder with the records of some splits: the folder itself, or that of the cache for an address.

    In one process an address is fetched once, and stays the dataset that it was then.

    Args:
      place: folder or address of the records.
      splits: names of the splits; those that the dataset does not have are left to the reader.
      part: the part of each split that is read: shards without a record of it are not fetched.
      on_demand: whether `fetch_shard` fetches each shard when it is needed.

    Raises:
      UsageError: there is no finished dataset at the address.
      DataError: its manifest or one of its shards is damaged.
      MachineError: the cache is too small or cannot be written; the server does not answer.
    """
    if not isinstance(place, UrlPath):
        return place
    key = (place, tuple(splits), part)
    if key not in _copies:
        _copies[key] = _fetch(place, splits, part, on_demand=on_demand)
    return _copies[key]


def cache_folder() -> Path:
    """Returns the folder of the cache: SEGCONV_CACHE_DIR, or segconv in the user's folder of caches."""
    if given := os.environ.get(FOLDER):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "segconv"


def cache_bytes() -> int:
    """Returns the size of the cache, from SEGCONV_CACHE_GB; UsageError where that is no number."""
    text = os.environ.get(SIZE) or str(MAX_CACHE_GB)
    try:
        return round(float(text) * 10**9)
    except (ValueError, OverflowError):
        raise UsageError(SIZE, f"{text!r} is not a number of gigabytes", f"Set it to such as {MAX_CACHE_GB}.") from None


def is_on_demand(folder: Path) -> bool:
    """Returns whether the shards of a folder are fetched by `fetch_shard`, so that some may not be there yet."""
    return folder in _filling


def fetch_shard(folder: Path, name: str) -> None:
    """Makes sure that a shard is in its folder, whole; several threads may ask for the same one.

    Args:
      folder: from `local_copy`; nothing is done where all shards are there already.
      name: of the shard.

    Raises:
      DataError: the shard is damaged, or missing at its address.
      MachineError: the cache cannot be written; the server does not answer.
    """
    filling = _filling.get(folder)
    if filling is None:
        return
    with filling.guards[name]:
        if name in filling.whole:
            return
        shard = filling.shards[name]
        try:
            if not _is_whole(folder, shard):
                _fetch_shard(filling.store, shard, folder)
        except OSError as error:
            raise write_error(folder, error) from error
        filling.whole.add(name)


def _fetch(place: UrlPath, splits: Sequence[str], part: Part, *, on_demand: bool) -> Path:
    """Returns the folder of the cache with a part of these splits, after fetching what it lacks."""
    store = store_at(place)
    text = manifest_text(store)
    manifest = parse_manifest(text, store.where(MANIFEST))
    shards = shards_in(manifest, splits, part)
    address = hashlib.sha256(f"{place}\n{text}".encode()).hexdigest()[:32]
    folder = cache_folder() / "records" / f"{manifest.name}-{address}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _in_use.enter_context(locked_folder(folder, _FIX_FOLDER, is_shared=True))
        os.utime(folder)
        wanted = {shard.name for shard in shards}
        present = (shard for _, shard in manifest.shards() if shard.name in wanted or (folder / shard.name).exists())
        _make_room(folder, sum(shard.bytes for shard in present))
        if on_demand:
            _filling[folder] = _Filling(store, shards)
        missing = [] if on_demand else [shard for shard in shards if not _is_whole(folder, shard)]
        if missing:
            log.info("%s: fetching %d of %d shards into %s", place, len(missing), len(shards), folder)
        with Progress(len(missing), "shard") as progress:
            for number, shard in enumerate(missing, start=1):
                _fetch_shard(store, shard, folder)
                progress.show(number)
        _put(folder, MANIFEST, text.encode())
    except LockedError:
        raise MachineError(folder, "is being deleted by another segconv", "Run the same command again.") from None
    except OSError as error:
        raise write_error(folder, error) from error
    return folder


def _is_whole(folder: Path, shard: ShardInfo) -> bool:
    """Returns whether a shard is in the cache as the manifest says, with its index."""
    with contextlib.suppress(OSError), (folder / shard.name).open("rb") as file:
        is_right = size_of(file) == shard.bytes and sha256_of(file) == shard.sha256
        return is_right and (folder / index_name(shard.name)).is_file()
    return False


def _fetch_shard(store: ReadStore, shard: ShardInfo, folder: Path) -> None:
    """Brings a shard into the cache; its index is made anew, since the manifest has no hash of it."""
    where = store.where(shard.name)
    try:
        with store.open(shard.name) as file:
            if size_of(file) != shard.bytes or sha256_of(file) != shard.sha256:
                what = "is not the file that was built: its SHA-256 differs from the manifest"
                raise DataError(where, what, f"See what is damaged: segconv verify {store.where()}", "E_SHARD_HASH")
            file.seek(0)
            with _new_file(folder, shard.name) as path, path.open("wb") as copy:
                shutil.copyfileobj(file, copy, 2**20)
    except FileNotFoundError:
        fix = f"See what is damaged: segconv verify {store.where()}"
        raise DataError(where, "does not exist", fix, "E_SHARD_MISSING") from None
    positions = frame_positions(folder, shard.name, shard.records)
    lines = (f"{start - 12} {length + FRAME_BYTES}\n" for start, length in positions)
    _put(folder, index_name(shard.name), "".join(lines).encode())


@contextlib.contextmanager
def _new_file(folder: Path, name: str) -> Iterator[Path]:
    """Yields a path of this process alone; the file gets its name when the block succeeds."""
    descriptor, text = tempfile.mkstemp(prefix=TEMPORARY, dir=folder)
    os.close(descriptor)
    path = Path(text)
    try:
        yield path
        path.replace(folder / name)
    finally:
        path.unlink(missing_ok=True)


def _put(folder: Path, name: str, data: bytes) -> None:
    with _new_file(folder, name) as path:
        path.write_bytes(data)


def _make_room(folder: Path, needed: int) -> None:
    """Deletes the datasets that were not used for longest, until another one fits beside the rest.

    Raises:
      MachineError: the dataset alone is larger than the cache.
    """
    limit = cache_bytes()
    if needed > limit:
        what = f"takes {needed / 1e9:,.2f} GB, and the cache {limit / 1e9:,.2f} GB"
        raise MachineError(
            folder.parent, what, f"Set {SIZE} to more, and {FOLDER} to a disk with that space.", "E_SPACE"
        )
    others = sorted(
        (path for path in folder.parent.iterdir() if path != folder and _OURS.fullmatch(path.name)),
        key=lambda path: path.stat().st_mtime,
    )
    sizes = {path: sum(file.stat().st_size for file in path.iterdir()) for path in others if path.is_dir()}
    for path in sizes:
        if sum(sizes.values()) + needed <= limit:
            return
        with contextlib.suppress(LockedError), locked_folder(path, _FIX_FOLDER):
            shutil.rmtree(path)
            sizes = {**sizes, path: 0}
