"""Output: what the output folder already contains, and how that differs from what is to be built."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.building.beside import FOR_PEOPLE
from converter.building.plan import Plan
from converter.building.receipts import noted_images
from converter.building.sharding import estimated_bytes
from converter.building.shards import ShardTask, SourceReader
from converter.building.store import Store
from converter.building.summary import options_of
from converter.building.tiles import WINDOW
from converter.classes.class_map import ClassMap
from converter.config import BuildConfig
from converter.dataset.example import decode_record
from converter.dataset.manifest import Manifest, ShardInfo
from converter.dataset.parse import read_manifest
from converter.dataset.tfds import tfds_files
from converter.dataset.tfrecord import read_shard
from converter.errors import DataError, MachineError, SegconvError, UsageError, shown
from converter.limits import MAX_COMPARED_IMAGES, MAX_NAMES_BYTES
from converter.schema import IGNORE_INDEX, MANIFEST, RecordKey, holds_shards
from converter.system.files import TEMPORARY

SHOWN_DIFFERENCES = 5  # between a finished dataset and the one to be built
SHOWN_LOST = 3  # records of a split that the new dataset does not have


def check_space(config: BuildConfig, store: Store, tasks: list[ShardTask]) -> None:
    """Refuses to start where the disk is clearly too small.

    Half of the estimate is enough, since smooth images compress well. Where pairs keep their sizes nothing is known.

    Raises:
      MachineError: the disk is too small, or its free space cannot be read.
    """
    needed = sum(estimated_bytes(len(task.refs), config.pair) for task in tasks)
    free = store.free_bytes()
    if config.pair.size is not None and free is not None and free < needed / 2:
        what = f"has {free / 1e6:,.0f} MB free, and the records will take about {needed / 1e6:,.0f} MB"
        fix = "Free some space, or choose a folder on another disk with --out."
        raise MachineError(store.where(), what, fix, "E_SPACE")


def check_out(config: BuildConfig, plan: Plan) -> Manifest | None:
    """Returns the manifest of the dataset that is in the output folder, or None where the folder is free.

    A folder with an interrupted commit counts as free: its content is known once the commit is finished.

    Raises:
      UsageError: the folder holds something else, or config.overwrite is off, and the folder holds a dataset that was
        built with other options or classes, or whose manifest is damaged or missing.
      DataError: there is a folder in place of the manifest.
    """
    out = plan.store.where()
    try:
        names = [name for name in plan.store.names() if not name.startswith(TEMPORARY)]
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise UsageError(out, "is not a folder", "Choose another with --out.", "E_OUT") from None
    if not names or plan.store.is_publishing():
        return None
    try:
        old = read_manifest(plan.store)
    except MachineError:  # a server that does not answer tells nothing of the manifest
        raise
    except SegconvError as error:
        _check_lost(config, plan.store, names, error.what if MANIFEST in names else "is missing")
        return None
    found = differences(old, config, plan.classes)
    if found and not config.overwrite:
        some = "; ".join(found[:SHOWN_DIFFERENCES]) + ("; ..." if len(found) > SHOWN_DIFFERENCES else "")
        fix = "Pass --overwrite to replace it, or choose another folder with --out."
        raise UsageError(out, f"holds a finished dataset built with other options ({some})", fix, "E_OUT")
    return old


def _check_lost(config: BuildConfig, store: Store, names: list[str], problem: str) -> None:
    """Refuses a folder without a valid manifest, unless it holds shards and config.overwrite is on.

    Args:
      config: what to build.
      store: the folder.
      names: of the files in it.
      problem: what is wrong with the manifest.

    Raises:
      UsageError: the folder holds something else, or config.overwrite is off.
      DataError: there is a folder in place of the manifest.
    """
    out = store.where()
    if not holds_shards(names):
        some = ", ".join(map(shown, names[:3])) + (" ..." if len(names) > 3 else "")
        raise UsageError(out, f"holds something else ({some})", "Choose another folder with --out.", "E_OUT")
    if error := store.blocked(MANIFEST):
        raise error
    if not config.overwrite:
        fix = "Pass --overwrite to rebuild it, or choose another folder with --out."
        raise UsageError(out, f"holds a dataset whose manifest {problem}", fix, "E_OUT")


def unknown_files(store: Store, manifest: Manifest) -> list[str]:
    """Returns the sorted names of files in a folder of records that are not of its dataset; temporary ones left out."""
    known = {MANIFEST, *manifest.files(), *tfds_files(manifest), *FOR_PEOPLE}
    return [name for name in store.names() if name not in known and not name.startswith(TEMPORARY)]


@dataclass(frozen=True)
class SplitChange:
    """What a new dataset changes in a split of the old one.

    Attributes:
      split: name of the split.
      before: number of records in the old dataset; 0 where it has no such split.
      lost: sorted keys of the records that the new one does not have in this split; None where that is not known.
    """

    split: str
    before: int
    lost: tuple[RecordKey, ...] | None

    def text(self, after: int) -> str:
        """Returns the line of a report, "" where nothing that it names has changed.

        Args:
          after: number of records of the split in the new dataset.
        """
        if after == self.before and not self.lost:
            return ""
        line = f"{shown(self.split)}: was {self.before:,} records, now {after:,}"
        names = list(dict.fromkeys(shown(key[0]) for key in self.lost or ()))  # a photograph may lose several tiles
        more = f" and {len(names) - SHOWN_LOST:,} more" if len(names) > SHOWN_LOST else ""
        return f"{line}; removed: {', '.join(names[:SHOWN_LOST])}{more}" if names else line


def changes(store: Store, old: Manifest, new: Mapping[str, Iterable[RecordKey]]) -> list[SplitChange]:
    """Returns what a new dataset changes in each split of the old one, whose files must still be in the store.

    Args:
      store: where the old dataset is.
      old: its manifest.
      new: keys of the pairs of the new dataset, by split.
    """
    found = []
    for split in dict.fromkeys([*old.splits, *new]):
        before = old.splits.get(split)
        lost = _lost(store, before.shards if before else (), new.get(split, ()))
        found.append(SplitChange(split, before.records if before else 0, lost))
    return found


def _lost(store: Store, shards: Sequence[ShardInfo], new: Iterable[RecordKey]) -> tuple[RecordKey, ...] | None:
    """Returns the sorted keys of stored records that are not among the new ones; None where they are not known.

    Of all keys at once only hashes are held.
    """
    kept = np.sort(np.fromiter(map(hash, new), np.int64))
    lost: list[RecordKey] = []
    for images in stored_images(store, shards):
        if images is None:
            return None
        keys = list(images)
        is_kept = _is_in(np.fromiter(map(hash, keys), np.int64), kept)
        lost += [keys[place] for place in np.flatnonzero(~is_kept).tolist()]
    return tuple(sorted(lost))


def check_source(config: BuildConfig, plan: Plan, old: Manifest) -> None:
    """Refuses to replace the dataset of another source: most of its images are not among those to be built.

    Images are the same if they have the same name and, where that is known, the same content; of many, some are read.

    Raises:
      UsageError: fewer than half of the images of the smaller one of the two datasets are in both.
    """
    planned = _distinct(ref.image for task in plan.all_tasks for ref in task.refs)
    of_shards: list[NDArray[np.int64]] = []
    some: dict[int, tuple[str, str]] = {}  # name and digest of the images in both with the least hashes
    for images in stored_images(plan.store, [shard for split in old.splits.values() for shard in split.shards]):
        if images is None:
            return
        digests = {key[0]: "" if digest.startswith(WINDOW) else digest for key, digest in images.items()}
        hashes = _distinct(digests)
        of_shards.append(hashes)
        common = set(hashes[_is_in(hashes, planned)].tolist())
        some |= {number: (name, digest) for name, digest in digests.items() if (number := _hash_of(name)) in common}
        some = dict(sorted(some.items())[:MAX_COMPARED_IMAGES])
    stored = np.unique(np.concatenate(of_shards)) if of_shards else planned[:0]
    if not len(stored):
        return
    num_common = int(_is_in(stored, planned).sum())
    read = SourceReader(config.source)
    same = sum(digest in ("", read.file(name).digest) for name, digest in some.values())
    number = num_common * same // max(len(some), 1)
    if 2 * number < min(len(stored), len(planned)):
        about = "about " if len(some) < num_common else ""
        found = f"of its {len(stored):,} images {about}{number:,} are in {shown(config.source.src)}"
        what = f"holds a dataset of another source: {found}"
        fix = "Pass --overwrite to replace it, or choose another folder with --out."
        raise UsageError(plan.store.where(), what, fix, "E_OUT")


def _is_in(hashes: NDArray[np.int64], known: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Returns which hashes are among the known ones, which are sorted."""
    places = np.searchsorted(known, hashes)
    return known[np.minimum(places, len(known) - 1)] == hashes if len(known) else np.zeros(len(hashes), bool)


def _hash_of(name: str) -> int:
    """Returns a hash of the name of an image: the same in every process, so that always the same ones are compared."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest(), signed=True)


def _distinct(names: Iterable[str]) -> NDArray[np.int64]:
    """Returns the sorted hashes of names, each once."""
    return np.unique(np.fromiter(map(_hash_of, names), np.int64))


def stored_images(store: Store, shards: Iterable[ShardInfo]) -> Iterator[dict[RecordKey, str] | None]:
    """Yields the keys of the records of each shard, with the SHA-256 of each image; None, at the end, if not known.

    From the receipts, which costs nothing; of a shard without one, the keys from its records, unless those are too
    large, and "" for the content of the images.

    Args:
      store: where the shards are.
      shards: their entries in the manifest.
    """
    unknown = 0
    for shard in shards:
        images = noted_images(store, shard)
        if images is None:
            unknown += shard.bytes
            try:
                if unknown <= MAX_NAMES_BYTES:
                    where = store.where(shard.name)
                    images = {decode_record(data, where).key: "" for data in read_shard(store, shard.name)}
            except DataError:  # damaged, which may be why it is replaced
                pass
        yield images
        if images is None:
            return


def differences(old: Manifest, config: BuildConfig, classes: ClassMap) -> list[str]:
    """Returns how an existing dataset differs from the one to be built, such as "size 512x512 -> 256x256"."""
    unchosen = {"missing_mask": "error", "bands": None, "range": None}  # in a manifest only where they were given
    before = {"name": old.name, "fit": old.fit, **unchosen, **old.options}
    wanted = {"name": config.dataset_name, "fit": config.pair.fit, **unchosen, **options_of(config)}
    wanted.pop("levels", None)  # they follow from the range and the sources
    # An option that the manifest does not have is newer than the dataset.
    found = [
        f"{option} {_option_text(option, before[option])} -> {_option_text(option, value)}"
        for option, value in wanted.items()
        if option in before and before[option] != value
    ]
    old_values = {info.name: info.values for info in old.classes} | {"ignore": old.ignore_values}
    values = {name: classes.values_of(index) for index, name in enumerate(classes.names)}
    values["ignore"] = classes.values_of(IGNORE_INDEX)
    for name in dict.fromkeys([*old_values, *values]):
        was, now = (" ".join(known[name]) if name in known else "absent" for known in (old_values, values))
        if was != now:
            found.append(f"class {shown(name)!r} was {was or 'without value'}, is {now or 'without value'}")
    if not found and old.class_names != classes.names:
        found.append(f"order of the classes: {' '.join(old.class_names)} -> {' '.join(classes.names)}")
    return found


def _option_text(option: str, value: object) -> str:
    if isinstance(value, list):
        return ("," if option == "bands" else "x").join(map(str, value))
    return "none" if value is None else str(value)
