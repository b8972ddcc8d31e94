"""Repair: a manifest and its sources -> damaged files put back as they were built.

A repair puts nothing back but the very bytes that the manifest has the hash of, and touches no other file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from converter.building.commit import blocked
from converter.building.receipts import written_by
from converter.building.shards import ShardResult, ShardTask, run_shard_task, without_pair
from converter.dataset.manifest import Manifest, ShardInfo
from converter.engines.local import run_local
from converter.errors import DataError
from converter.schema import INDEX_SUFFIX
from converter.system.console import Progress
from converter.system.files import sync_folder, temporary_path, write_error, write_whole
from converter.verifying.source_plan import MEND_SOURCE, Origin


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
