"""Derive: records rebuilt from their sources, and compared with the stored ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from converter.building.store import Store
from converter.building.tiles import RecordMaker
from converter.classes.class_map import ClassMap
from converter.classes.mapper import MaskMapper
from converter.config import PairConfig, SourceConfig
from converter.dataset.example import Record, decode_record, encode_record
from converter.dataset.manifest import Manifest
from converter.dataset.store import size_of
from converter.dataset.tfrecord import ShardError, open_shard, read_frame
from converter.engines.events import Engine
from converter.engines.supervise import supervise
from converter.errors import DataError
from converter.sources.refs import ExampleRef
from converter.system.console import Progress
from converter.verifying.source_plan import FIX_SOURCE, SourcePlan, StoredRecord


@dataclass(frozen=True)
class SourceCheck:
    """Records of one shard to derive again.

    Attributes:
      store: where the records are.
      shard: name of the shard, which is intact.
      records: number, offset and pair of each.
      source: where the pairs are.
      classes: which mask value is which class.
      pair: what was done to each pair.
    """

    store: Store
    shard: str
    records: tuple[tuple[int, int, ExampleRef], ...]
    source: SourceConfig
    classes: ClassMap
    pair: PairConfig


def derive(
    plan: SourcePlan, manifest: Manifest, stored: Mapping[str, list[StoredRecord]], engine: Engine
) -> tuple[int, list[tuple[str, DataError]]]:
    """Derives records again from their sources, and compares them.

    Args:
      plan: their sources.
      manifest: of the dataset.
      stored: the records, by names of their shards, which are intact.
      engine: runs the tasks.

    Returns:
      (number of records that were derived, (shard, error) of each that differs or cannot be derived).

    Raises:
      MachineError: workers were lost.
    """
    found: list[tuple[str, DataError]] = []
    checks = []
    for split, shard in manifest.shards():
        if own := stored.get(shard.name):
            check, unknown = _source_check(plan, split, shard.name, own)
            found += [(shard.name, error) for error in unknown]
            checks.append(check)
    total = sum(len(check.records) for check in checks)
    if checks:
        with Progress(total, "record") as progress:
            results = supervise(engine, check_against_source, checks, plan.config.num_workers, progress.show)
        found += [(check.shard, e) for check, errors in zip(checks, results, strict=True) for e in errors]
    return total, found


def _source_check(
    plan: SourcePlan, split: str, name: str, stored: list[StoredRecord]
) -> tuple[SourceCheck, list[ShardError]]:
    """Returns the wanted records of a shard with their pairs, and errors for those whose pairs are no longer there."""
    known = {ref.key: ref for ref in plan.refs.get(split, ())}
    refused = {reject.error.where: reject.error.what for reject in plan.layout.rejects}
    config = plan.config
    where = plan.store.where(name)
    records = []
    unknown = []
    for number, offset, key in stored:
        if key in known:
            records.append((number, offset, known[key]))
            continue
        bad = next((each for each in key if each in refused), None)
        what = f"cannot be rebuilt: {bad} {refused[bad]}" if bad else f"is of {' and '.join(key)}, no longer a pair"
        unknown.append(ShardError(where, what, "E_SOURCE", number, offset, FIX_SOURCE))
    return SourceCheck(plan.store, name, tuple(records), config.source, plan.classes, config.pair), unknown


def check_against_source(task: SourceCheck, tick: Callable[[], None]) -> list[ShardError]:
    """Derives records again from their sources; returns how they differ from the stored ones.

    Args:
      task: which records, and where their pairs are.
      tick: called after each record.
    """
    maker = RecordMaker(task.source, MaskMapper(task.classes, task.pair.tolerance), task.pair)
    errors = []
    where = task.store.where(task.shard)
    with open_shard(task.store, task.shard) as file:
        end = size_of(file)
        for number, offset, ref in task.records:
            file.seek(offset)
            stored = read_frame(file, end, where, number) or b""
            try:
                made = maker.make(ref)
                if made is None:
                    what = f"is of {ref.image}, whose mask is now ignored there, so that the tile would be dropped"
                else:
                    what = "" if encode_record(made[0]) == stored else _difference(stored, made[0])
            except DataError as error:
                what = f"cannot be rebuilt: {error.where} {error.what}"
            if what:
                errors.append(ShardError(where, what, "E_SOURCE", number, offset, FIX_SOURCE))
            tick()
    return errors


def _difference(stored: bytes, record: Record) -> str:
    """Returns a text that says how a record differs from its sources."""
    old = decode_record(stored, "record")
    parts = []
    if old.image_bytes != record.image_bytes or old.original_size != record.original_size:
        parts.append(record.file_name)
    if old.mask_bytes != record.mask_bytes:
        mask, other = old.mask, record.mask
        count = f"{int((mask != other).sum())} pixels" if mask.shape == other.shape else "another size"
        parts.append(f"{record.mask_name} ({count})")
    return f"differs from its sources: {', '.join(parts) or 'other fields'} changed since the build, or Pillow did"
