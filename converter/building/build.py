"""Build: config -> check -> plan -> engine -> commit.

Nothing appears under its final name before every pair has been looked at and every shard is on the disk; the manifest
comes last, so that a folder with a manifest is whole. Shards that are done when a build ends early wait under hidden
names, and the same command resumes there; what a finished dataset has and would get again is left alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterable

from converter.building.output import check_out, check_space
from converter.building.plan import Plan, plan_build
from converter.building.receipts import ReusableShard, find_reusable, make_shard, receipt_name
from converter.building.report import BuildReport, RefusedPairsError
from converter.building.shards import ShardResult, without_pair
from converter.building.store import Store, hidden
from converter.building.summary import all_rejects, build_manifest, errors_text
from converter.config import BuildConfig, pair_text
from converter.dataset.manifest import Manifest
from converter.dataset.store import size_of
from converter.dataset.tfds import tfds_files
from converter.dataset.tfrecord import index_name
from converter.engines.events import Engine
from converter.engines.local import local
from converter.engines.supervise import supervise
from converter.limits import MAX_BAD_PAIRS, MAX_BAD_PERCENT
from converter.schema import ERRORS, MANIFEST
from converter.sources.refs import Reject
from converter.system.console import Progress, log
from converter.system.files import write_error


def build(config: BuildConfig, *, engine: Engine = local, store: Store | None = None) -> BuildReport:
    """Builds the records of a dataset, or as much of it as has changed.

    Args:
      config: what to do.
      engine: runs the shard tasks.
      store: where the records are to lie; None is the local folder config.out.

    Raises:
      UsageError: the source cannot be started on, or the output folder holds something else.
      RefusedPairsError: pairs were refused, and config.on_error is "fail", or they are too many.
      MachineError: disk, memory, a lost worker.
    """
    start = time.monotonic()
    plan = plan_build(config, store)
    log.info("%s, %d workers", pair_text(config.pair), config.num_workers)
    for line in plan.summary_lines():
        log.info(line)
    check_out(config, plan)  # before a folder is made
    with plan.store.lock():
        plan.store.finish()
        report = _build(config, plan, check_out(config, plan), engine)
    return dataclasses.replace(report, seconds=time.monotonic() - start)


def _build(config: BuildConfig, plan: Plan, old: Manifest | None, engine: Engine) -> BuildReport:
    """Makes the shards that are not there yet and publishes the dataset, in a store that is locked."""
    made = {task.name: found for task in plan.all_tasks if (found := find_reusable(task, rehash=config.rehash))}
    if len(made) == len(plan.all_tasks) and not any(found.is_hidden for found in made.values()):
        results = [found.result for found in made.values()]
        rejects = all_rejects(plan, results)
        manifest = build_manifest(config, plan, results, rejects)
        if not _refuses(config, plan, results, rejects) and not _changed_texts(plan.store, manifest, rejects):
            with contextlib.suppress(OSError):  # of a build that was killed behind its last step
                plan.store.clean(_files_of(made))
            return BuildReport(config.out, manifest, rejects, len(made), is_up_to_date=True)
    try:
        try:
            plan.store.clean(_files_of(made))
        except OSError as error:
            raise write_error(config.out, error) from error
        plan.store.sign()
        return _make(config, plan, old, made, engine)
    finally:
        _tidy(plan)


def _make(
    config: BuildConfig, plan: Plan, old: Manifest | None, made: dict[str, ReusableShard], engine: Engine
) -> BuildReport:
    """Makes the shards that `made` lacks, and publishes all."""
    tasks = [task for task in plan.all_tasks if task.name not in made]
    if made:
        log.info("%d of %d shards have been made before", len(made), len(plan.all_tasks))
    check_space(config, plan.store, tasks)
    num_pairs = sum(len(task.refs) for task in tasks)
    with Progress(num_pairs, "image") as progress:
        new = supervise(engine, make_shard, tasks, config.num_workers, progress.show, without_pair)
    staged = [found.result for found in made.values() if found.is_hidden] + new
    by_name = {name: found.result for name, found in made.items()}
    by_name |= {task.name: result for task, result in zip(tasks, new, strict=True)}
    results = [by_name[task.name] for task in plan.all_tasks]
    rejects = all_rejects(plan, results)
    if error := _refuses(config, plan, results, rejects):
        raise error
    manifest = build_manifest(config, plan, results, rejects)
    texts = _changed_texts(plan.store, manifest, rejects) | {MANIFEST: manifest.to_json().encode()}
    names = [name for result in staged for name in (result.info.name, index_name(result.info.name))]
    plan.store.publish(names, texts, _obsolete(old, manifest))
    return BuildReport(config.out, manifest, rejects, len(made))


def _obsolete(old: Manifest | None, new: Manifest) -> set[str]:
    """Returns the names of files of the old dataset that the new one has not."""
    return {*old.files(), *tfds_files(old)} - {*new.files(), *tfds_files(new)} if old else set()


def _refuses(
    config: BuildConfig, plan: Plan, results: list[ShardResult], rejects: list[Reject]
) -> RefusedPairsError | None:
    """Returns the error with which a build ends for its refused pairs; None where it may go on."""
    num_pairs = plan.num_pairs + len(plan.rejects)
    if not rejects:
        return None
    if not any(result.info.records for result in results):
        return RefusedPairsError(rejects, num_pairs, "No pair is left: mend them.")
    if config.on_error == "fail":
        return RefusedPairsError(rejects, num_pairs, "Mend them, or pass --on-error skip to leave them out.")
    percent = MAX_BAD_PERCENT if config.max_bad is None else config.max_bad
    floor = MAX_BAD_PAIRS if config.max_bad is None else 0
    if len(rejects) <= max(floor, num_pairs * percent / 100):
        return None
    needed = math.ceil(1000 * len(rejects) / num_pairs) / 10
    limit = f"more than {percent:g} %"
    return RefusedPairsError(rejects, num_pairs, f"Mend them, or pass --max-bad {needed:g} to leave them out.", limit)


def _files_of(made: dict[str, ReusableShard]) -> set[str]:
    """Returns the names of the hidden files that belong to shards which need not be made again."""
    staged = [name for name, found in made.items() if found.is_hidden]
    return {receipt_name(name) for name in made} | _staged(staged)


def _staged(shards: Iterable[str]) -> set[str]:
    """Returns the names under which shards and their indices wait."""
    return {hidden(name) for shard in shards for name in (shard, index_name(shard))}


def _tidy(plan: Plan) -> None:
    """Deletes what the next run has no use for; tells how many shards wait for it.

    A shard that came to its receipt is whole. Should this fail, the next run does it.
    """
    if plan.store.is_publishing():  # all that is hidden is the new dataset
        return
    try:
        there = set(plan.store.names())
    except OSError:
        return
    whole = [task.name for task in plan.all_tasks if receipt_name(task.name) in there]
    waiting = [name for name in whole if hidden(name) in there]
    with contextlib.suppress(OSError):
        plan.store.clean({receipt_name(name) for name in whole} | _staged(waiting))
    if waiting:
        count, total = len(waiting), len(plan.all_tasks)
        log.info("%d of %d shards are kept, hidden: run the same command again to go on from there.", count, total)


def _changed_texts(store: Store, manifest: Manifest, rejects: list[Reject]) -> dict[str, bytes]:
    """Returns the small files of a dataset that are not there as they should be: name -> content."""
    texts = {name: text.encode() for name, text in tfds_files(manifest).items()}
    if rejects:
        texts[ERRORS] = errors_text(rejects)
    texts[MANIFEST] = manifest.to_json().encode()
    return {name: text for name, text in texts.items() if not _is_there(store, name, text)}


def _is_there(store: Store, name: str, text: bytes) -> bool:
    try:
        with store.open(name) as file:
            return size_of(file) == len(text) and file.read() == text
    except OSError:
        return False
