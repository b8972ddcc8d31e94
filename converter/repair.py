"""Repair: a manifest and its sources -> the same records again, to be held against those that are stored or put back.

The source is planned as the manifest says that it was built. A repair puts nothing back but the very bytes that the
manifest has the hash of, and touches no other file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from converter.class_files import find_class_map
from converter.classes import ClassMap, ClassMapBuilder
from converter.commit import blocked
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.console import Progress
from converter.engines import run_local
from converter.errors import REBUILD, DataError, UsageError
from converter.layouts import LAYOUTS, Layout, find_layout
from converter.manifest import Manifest, ShardInfo
from converter.masks import MaskMapper
from converter.receipts import written_by
from converter.records import Record, decode_record, encode_record
from converter.schema import IGNORE_INDEX, INDEX_SUFFIX, MANIFEST
from converter.shards import ShardResult, ShardTask, make_record, plan_shards, run_shard_task, without_pair
from converter.splits import ExampleRef
from converter.storage import sync_folder, temporary_path, write_error, write_whole
from converter.tfrecord import ShardError, open_shard, read_frame

MEND_SOURCE = "Restore the sources, or build the dataset again with `segconv build --overwrite`."

StoredPair = tuple[int, int, str, str]  # of a record: number, offset, photograph, mask


@dataclass(frozen=True)
class Origin:
    """The source as it is now, planned as the manifest says that it was built.

    Attributes:
      config: of that build, into the same folder, but for the number of shards.
      layout: what lies there.
      classes: the class map that the records were made with.
      tasks: by name of their shards.
      errors: what is no longer as it was.
    """

    config: BuildConfig
    layout: Layout
    classes: ClassMap
    tasks: Mapping[str, ShardTask]
    errors: list[DataError]


@dataclass(frozen=True)
class SourceCheck:
    """Records of one shard to be derived again.

    Attributes:
      path: of the shard, which is whole.
      records: number, offset and pair of each.
      source: where the pairs lie.
      classes: which mask value is which class.
      pair: what was done to each pair.
    """

    path: Path
    records: tuple[tuple[int, int, ExampleRef], ...]
    source: SourceConfig
    classes: ClassMap
    pair: PairConfig


def restored_classes(folder: Path, manifest: Manifest) -> ClassMap:
    """Returns the class map that the records were made with.

    Raises:
      DataError: the manifest does not hold one.
    """
    builder = ClassMapBuilder()
    try:
        for info in manifest.classes:
            for value in info.values:
                builder.add(info.name, value, info.id)
        for value in manifest.ignore_values:
            builder.add("ignore", value)
        return builder.finish()
    except ValueError as error:
        raise DataError(folder / MANIFEST, f"holds no class map: {error}", REBUILD, "E_MANIFEST") from None


def restored_config(folder: Path, manifest: Manifest, source: SourceConfig, workers: int = 0) -> BuildConfig:
    """Returns the build that the manifest tells of, into the same folder, but for the number of shards.

    Raises:
      DataError: the manifest does not tell it.
    """
    options = manifest.options
    try:
        texts = {name: str(options[name]) for name in ("mask_resample", "image_format")}
        size = tuple(options["size"]) if options["size"] else None
        pair = PairConfig(size, manifest.fit, tolerance=int(options["tolerance"]), **texts)
        limit = None if options["limit"] is None else int(options["limit"])
        return BuildConfig(source, folder, manifest.name, pair, seed=int(options["seed"]), limit=limit, workers=workers)
    except (KeyError, TypeError, ValueError, UsageError) as error:
        what = f"does not tell the options of its build ({error})"
        raise DataError(folder / MANIFEST, what, REBUILD, "E_MANIFEST") from None


def read_origin(folder: Path, source: SourceConfig, manifest: Manifest, workers: int = 0) -> Origin:
    """Plans the build that the manifest tells of, from the source as it is now.

    Raises:
      UsageError: the source cannot be read.
      DataError: the manifest does not tell how it was built.
    """
    if source.layout is None and source.image is None and manifest.layout in LAYOUTS:
        source = dataclasses.replace(source, layout=manifest.layout)
    layout = find_layout(source)
    classes = restored_classes(folder, manifest)
    errors = list(_class_errors(source, layout, classes, manifest))
    config = restored_config(folder, manifest, source, workers)
    tasks: dict[str, ShardTask] = {}
    for split, info in manifest.splits.items():
        own = plan_shards(
            split, layout.refs.get(split, ()), dataclasses.replace(config, shards=len(info.shards)), classes
        )
        tasks |= {task.path.name: task for task in own}
        pairs = sum(len(task.refs) for task in own) + sum(reject.split == split for reject in layout.rejects)
        # Of a build with a limit it is not known which pairs of the list it passed over.
        if config.limit is None and pairs != info.records + info.skipped:
            what = f"has {pairs} pairs for split {split!r}, the records were made of {info.records + info.skipped}"
            errors.append(DataError(source.src, what, MEND_SOURCE, "E_SOURCE"))
    return Origin(config, layout, classes, tasks, errors)


def _class_errors(source: SourceConfig, layout: Layout, classes: ClassMap, manifest: Manifest) -> Iterator[DataError]:
    """Yields where the class map of the source is no longer that of the records."""
    try:
        found = find_class_map(source, layout)
    except UsageError:
        if source.classes is not None:
            raise
        return  # the build was given one that does not lie there; the manifest has it
    if source.classes is None and Path(found.origin).name != manifest.class_map:
        return
    if found.classes != classes:
        indices = (*range(max(classes.num_classes, found.classes.num_classes)), IGNORE_INDEX)
        index = next((i for i in indices if _values(classes, i) != _values(found.classes, i)), IGNORE_INDEX)
        now, then = (_values(each, index) for each in (found.classes, classes))
        what = f"has for class {index} {now}, the records were made with {then}"
        yield DataError(found.origin, what, MEND_SOURCE, "E_SOURCE")


def _values(classes: ClassMap, index: int) -> str:
    """Returns name and values of a class in words; "nothing" where there is none of that index."""
    if index != IGNORE_INDEX and index >= classes.num_classes:
        return "nothing"
    return f"{classes.name_of(index)}: {' '.join(sorted(classes.values_of(index)))}"


def derive(
    origin: Origin, manifest: Manifest, pairs: Mapping[str, list[StoredPair]]
) -> tuple[int, list[tuple[str, DataError]]]:
    """Derives records again from their sources.

    Args:
      origin: their sources.
      manifest: of the dataset.
      pairs: the records, by names of their shards, which are whole.

    Returns:
      (number of records that were derived, (shard, error) where other bytes come out or none).

    Raises:
      MachineError: workers were lost.
    """
    found: list[tuple[str, DataError]] = []
    checks = []
    for split, shard in manifest.shards():
        if own := pairs.get(shard.name):
            check, strangers = _source_check(origin, split, shard.name, own)
            found += [(shard.name, error) for error in strangers]
            checks.append(check)
    total = sum(len(check.records) for check in checks)
    if checks:
        with Progress(total, "record") as progress:
            results = run_local(check_against_source, checks, origin.config.num_workers, progress.show)
        found += [(check.path.name, e) for check, errors in zip(checks, results, strict=True) for e in errors]
    return total, found


def _source_check(
    origin: Origin, split: str, name: str, pairs: list[StoredPair]
) -> tuple[SourceCheck, list[ShardError]]:
    """Returns the wanted records of a shard with their pairs, and those whose pairs are no longer in the source."""
    known = {(ref.image, ref.mask): ref for ref in origin.layout.refs.get(split, ())}
    refused = {reject.error.where: reject.error.what for reject in origin.layout.rejects}
    config = origin.config
    path = config.out / name
    records = []
    strangers = []
    for number, offset, image, mask in pairs:
        if (image, mask) in known:
            records.append((number, offset, known[image, mask]))
            continue
        bad = next((each for each in (image, mask) if each in refused), None)
        what = f"cannot be made again: {bad} {refused[bad]}" if bad else f"is of {image} and {mask}, no pair now"
        strangers.append(ShardError(path, what, "E_SOURCE", number, offset, MEND_SOURCE))
    return SourceCheck(path, tuple(records), config.source, origin.classes, config.pair), strangers


def check_against_source(task: SourceCheck, tick: Callable[[], None]) -> list[ShardError]:
    """Derives records again from their sources; returns how they differ from those that are stored.

    Args:
      task: which records, and where their pairs lie.
      tick: called after each record.
    """
    mapper = MaskMapper(task.classes, task.pair.tolerance)
    errors = []
    with open_shard(task.path) as file:
        end = file.seek(0, os.SEEK_END)
        for number, offset, ref in task.records:
            file.seek(offset)
            stored = read_frame(file, end, task.path, number) or b""
            try:
                record, _ = make_record(ref, task.source, mapper, task.pair)
                what = "" if encode_record(record) == stored else _difference(stored, record)
            except DataError as error:
                what = f"cannot be made again: {error.where} {error.what}"
            if what:
                errors.append(ShardError(task.path, what, "E_SOURCE", number, offset, MEND_SOURCE))
            tick()
    return errors


def _difference(stored: bytes, record: Record) -> str:
    """Returns in words what a record says otherwise than its sources do now."""
    old = decode_record(stored, "record")
    parts = []
    if old.image_bytes != record.image_bytes or old.original_size != record.original_size:
        parts.append(record.file_name)
    if old.mask_bytes != record.mask_bytes:
        mask, other = old.mask, record.mask
        count = f"{int((mask != other).sum())} pixels" if mask.shape == other.shape else "another size"
        parts.append(f"{record.mask_name} ({count})")
    return f"is no longer what its sources give: {', '.join(parts) or 'its numbers'} changed since, or Pillow did"


def repair(
    origin: Origin, manifest: Manifest, faulty: Sequence[ShardInfo], texts: Mapping[str, str]
) -> tuple[list[str], list[tuple[str, DataError]]]:
    """Puts faulty files back as they were built, and touches no other. The folder must be locked.

    Args:
      origin: the sources.
      manifest: of the dataset.
      faulty: shards that are to be made again.
      texts: content of small files that are not as they should be, by their names.

    Returns:
      (names of the files that were put back, (shard or "", error) of those that could not be).

    Raises:
      MachineError: the disk failed, or workers were lost.
    """
    folder = origin.config.out
    repaired: list[str] = []
    refused: list[tuple[str, DataError]] = []
    for name, text in texts.items():
        if error := blocked(folder / name):
            refused.append((name.removesuffix(INDEX_SUFFIX) if name.endswith(INDEX_SUFFIX) else "", error))
        else:
            write_whole(folder / name, text.encode())
            repaired.append(name)
    files = {shard.name: (shard.name, shard.name + INDEX_SUFFIX) for shard in faulty}
    in_the_way = {name: error for name, both in files.items() for each in both if (error := blocked(folder / each))}
    tasks = [origin.tasks[name] for name in files if name in origin.tasks and name not in in_the_way]
    try:
        made = _made_again(tasks, origin.config.num_workers)
        for shard in faulty:
            if _same(shard, made.get(shard.name)):
                for name in files[shard.name]:
                    temporary_path(folder / name).replace(folder / name)
                repaired += files[shard.name]
            else:
                refused.append((shard.name, in_the_way.get(shard.name) or _not_repaired(folder, shard, manifest)))
        sync_folder(folder)
    except OSError as error:
        raise write_error(folder, error) from error
    finally:
        for task in tasks:
            for name in files[task.path.name]:
                with contextlib.suppress(OSError):  # the next build will do it
                    temporary_path(folder / name).unlink(missing_ok=True)
    return repaired, refused


def _made_again(tasks: list[ShardTask], workers: int) -> dict[str, ShardInfo]:
    """Makes shards under hidden names; returns what they hold now, by their names."""
    if not tasks:
        return {}
    with Progress(sum(len(task.refs) for task in tasks), "image") as progress:
        results: list[ShardResult] = run_local(run_shard_task, tasks, workers, progress.show, without_pair)
    return {result.info.name: result.info for result in results}


def _same(shard: ShardInfo, made: ShardInfo | None) -> bool:
    return made is not None and (made.records, made.bytes, made.sha256) == (shard.records, shard.bytes, shard.sha256)


def _not_repaired(folder: Path, shard: ShardInfo, manifest: Manifest) -> DataError:
    """Returns why a shard stays as it is."""
    what = "cannot be repaired: made again from the source it has another SHA-256, so the source has changed"
    now = written_by()
    others = [f"{name} {now[name]} ({was})" for name, was in manifest.written_by.items() if now.get(name, was) != was]
    if others:
        what = f"{what}, or it is another version that made it: {', '.join(others)}"
    return DataError(folder / shard.name, what, MEND_SOURCE, "E_SOURCE")
