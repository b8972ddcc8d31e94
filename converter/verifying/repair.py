"""Repair: a manifest and its sources -> damaged files rebuilt exactly as they were.

A repair writes only bytes whose hash is in the manifest, and touches no other file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

from converter.building.receipts import written_by
from converter.building.shards import ShardResult, ShardTask, run_shard_task, without_pair
from converter.building.store import Store, hidden
from converter.dataset.manifest import Manifest, ShardInfo
from converter.dataset.tfrecord import index_name
from converter.engines.events import Engine
from converter.engines.supervise import supervise
from converter.errors import DataError
from converter.schema import INDEX_SUFFIX
from converter.system.console import Progress
from converter.verifying.source_plan import FIX_SOURCE, SourcePlan


def repair(
    plan: SourcePlan, manifest: Manifest, damaged: Sequence[ShardInfo], texts: Mapping[str, str], engine: Engine
) -> tuple[list[str], list[tuple[str, DataError]]]:
    """Rebuilds damaged files exactly as they were, and touches no other. The store must be locked.

    Args:
      plan: the sources.
      manifest: of the dataset.
      damaged: shards to rebuild.
      texts: correct content of damaged small files, by their names.
      engine: runs the shard tasks.

    Returns:
      (names of the repaired files, (shard or "", error) of those that could not be repaired).

    Raises:
      MachineError: the disk failed, or workers were lost.
    """
    store = plan.store
    repaired: list[str] = []
    refused: list[tuple[str, DataError]] = []
    for name, text in texts.items():
        if error := store.blocked(name):
            refused.append((name.removesuffix(INDEX_SUFFIX) if name.endswith(INDEX_SUFFIX) else "", error))
        else:
            store.put(name, text.encode())
            repaired.append(name)
    files = {shard.name: (shard.name, index_name(shard.name)) for shard in damaged}
    in_the_way = {name: error for name, both in files.items() for each in both if (error := store.blocked(each))}
    tasks = [plan.tasks[name] for name in files if name in plan.tasks and name not in in_the_way]
    try:
        rebuilt = _rebuilt(tasks, plan.config.num_workers, engine)
        for shard in damaged:
            if _same(shard, rebuilt.get(shard.name)):
                store.give(files[shard.name])
                repaired += files[shard.name]
            else:
                refused.append((shard.name, in_the_way.get(shard.name) or _not_repaired(store, shard, manifest)))
    finally:
        for task in tasks:
            for name in files[task.name]:
                with contextlib.suppress(OSError):  # the next build does it
                    store.delete(hidden(name))
    return repaired, refused


def _rebuilt(tasks: list[ShardTask], workers: int, engine: Engine) -> dict[str, ShardInfo]:
    """Builds shards under temporary names; returns their manifest entries, by their names."""
    if not tasks:
        return {}
    with Progress(sum(len(task.refs) for task in tasks), "image") as progress:
        results: list[ShardResult] = supervise(engine, run_shard_task, tasks, workers, progress.show, without_pair)
    return {result.info.name: result.info for result in results}


def _same(shard: ShardInfo, made: ShardInfo | None) -> bool:
    return made is not None and (made.records, made.bytes, made.sha256) == (shard.records, shard.bytes, shard.sha256)


def _not_repaired(store: Store, shard: ShardInfo, manifest: Manifest) -> DataError:
    """Returns why a shard is not repaired."""
    what = "cannot be repaired: rebuilt from the source it has another SHA-256, so the source has changed"
    now = written_by()
    others = [f"{name} {now[name]} ({was})" for name, was in manifest.written_by.items() if now.get(name, was) != was]
    if others:
        what = f"{what}, or it was built by other versions: {', '.join(others)}"
    return DataError(store.where(shard.name), what, FIX_SOURCE, "E_SOURCE")
