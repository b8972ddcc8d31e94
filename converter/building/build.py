"""Build: config -> check -> plan -> engine -> commit.

Nothing appears under its final name before every pair has been read and every shard is on the disk. The manifest comes
last, so a folder with a manifest is complete. Shards that are finished when a build is interrupted stay under temporary
names, and the same command resumes from them. Shards of a finished dataset that would not change are left alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Iterable

from converter.building.array import missing_error
from converter.building.begin import begin
from converter.building.beside import FOR_PEOPLE, changed_texts
from converter.building.commit import FIX_FOREIGN, is_own_name
from converter.building.output import changes, check_out, check_source, check_space, unknown_files
from converter.building.plan import Plan
from converter.building.receipts import ReusableShard, find_reusable, make_shard, receipt_name
from converter.building.report import BuildReport, RefusedPairsError, one_class
from converter.building.shards import ShardResult, without_pair
from converter.building.store import Store, hidden
from converter.building.summary import all_rejects, build_manifest
from converter.config import BuildConfig
from converter.dataset.manifest import Manifest
from converter.dataset.tfds import tfds_files
from converter.dataset.tfrecord import index_name
from converter.engines.events import Engine
from converter.engines.local import local
from converter.engines.supervise import supervise
from converter.errors import SegconvError, shown
from converter.limits import MAX_BAD_PAIRS, MAX_BAD_PERCENT
from converter.schema import MANIFEST
from converter.sources.refs import Reject
from converter.system.console import Progress, log
from converter.system.files import write_error

SHOWN_FOREIGN = 5  # files in the output folder that are not of the dataset


def build(
    config: BuildConfig, *, engine: Engine = local, store: Store | None = None, only_publish: bool = False
) -> BuildReport:
    """Builds the records of a dataset, or those shards that have changed.

    Args:
      config: what to do.
      engine: runs the shard tasks.
      store: where the records are written; None is the local folder config.out.
      only_publish: builds no shard: all were staged by the tasks of an array (`build_share`).

    Raises:
      UsageError: the source cannot be used, or the output folder holds something else.
      RefusedPairsError: pairs were refused, and config.on_error is "fail" or there are too many of them.
      MachineError: disk, memory, a lost worker; a shard that is missing, with only_publish.
    """
    start = time.monotonic()
    config, plan = begin(config, engine, store)
    check_out(config, plan)  # before the folder is created
    with plan.store.lock():
        plan.store.finish()
        report = _build(config, plan, check_out(config, plan), None if only_publish else engine)
        for line in one_class(report.manifest):
            log.warning(line)
        _warn_of_unknown_files(plan.store, report.manifest)
    unreadable = any(unused.code == "W_NAME_ENCODING" for unused in plan.layout.unused)
    return dataclasses.replace(report, seconds=time.monotonic() - start, unreadable_names=unreadable)


def _build(config: BuildConfig, plan: Plan, old: Manifest | None, engine: Engine | None) -> BuildReport:
    """Builds the missing shards and publishes the dataset, in a locked store; without an engine none may be missing."""
    reusable = {task.name: found for task in plan.all_tasks if (found := find_reusable(task, rehash=config.rehash))}
    if len(reusable) == len(plan.all_tasks) and not any(found.is_hidden for found in reusable.values()):
        results = [found.result for found in reusable.values()]
        rejects = all_rejects(plan, results)
        manifest = build_manifest(config, plan, results, rejects)
        changed = changed_texts(plan.store, manifest, rejects, has_croissant=config.croissant)
        if not _refuses(config, plan, results, rejects) and not changed:
            with contextlib.suppress(OSError):  # left by a build that was killed after its last step
                plan.store.clean(_files_of(reusable))
            return BuildReport(config.out, manifest, rejects, len(reusable), is_up_to_date=True)
    if engine is None and (error := missing_error(config, plan, reusable)):
        raise error
    planned = {split: (ref.key for task in tasks for ref in task.refs) for split, tasks in plan.tasks.items()}
    lost = changes(plan.store, old, planned) if old else []  # now, since its receipts are removed next
    if old and not config.overwrite and not reusable:
        check_source(config, plan, old)
    try:
        try:
            plan.store.clean(_files_of(reusable))
        except OSError as error:
            raise write_error(config.out, error) from error
        plan.store.sign()
        report = _build_missing(config, plan, old, reusable, engine)
        splits = report.manifest.splits
        for change in lost:
            if line := change.text(splits[change.split].records if change.split in splits else 0):
                log.warning(line)
        return report
    finally:
        _tidy(plan)


def _build_missing(
    config: BuildConfig, plan: Plan, old: Manifest | None, reusable: dict[str, ReusableShard], engine: Engine | None
) -> BuildReport:
    """Builds the shards that `reusable` lacks, and publishes all of them."""
    tasks = [task for task in plan.all_tasks if task.name not in reusable]
    if reusable and engine:
        log.info("%d of %d shards are reused", len(reusable), len(plan.all_tasks))
    check_space(config, plan.store, tasks)
    num_pairs = sum(len(task.refs) for task in tasks)
    new = []
    if engine and tasks:
        with Progress(num_pairs, "image") as progress:
            new = supervise(engine, make_shard, tasks, config.num_workers, progress.show, without_pair)
    staged = [found.result for found in reusable.values() if found.is_hidden] + new
    by_name = {name: found.result for name, found in reusable.items()}
    by_name |= {task.name: result for task, result in zip(tasks, new, strict=True)}
    results = [by_name[task.name] for task in plan.all_tasks]
    rejects = all_rejects(plan, results)
    if error := _refuses(config, plan, results, rejects):
        raise error
    manifest = build_manifest(config, plan, results, rejects)
    texts = changed_texts(plan.store, manifest, rejects, has_croissant=config.croissant)
    texts[MANIFEST] = manifest.to_json().encode()
    names = [name for result in staged for name in (result.info.name, index_name(result.info.name))]
    plan.store.publish(names, texts, _obsolete(plan.store, old, manifest))
    return BuildReport(config.out, manifest, rejects, len(reusable))


def _warn_of_unknown_files(store: Store, manifest: Manifest) -> None:
    """Warns of files that readers may take for a part of the dataset: build leaves them, verify refuses them."""
    names = unknown_files(store, manifest)
    for name in names[:SHOWN_FOREIGN]:
        log.warning("Warning W_FOREIGN: %s: is not a file of the dataset. %s", shown(store.where(name)), FIX_FOREIGN)
    if len(names) > SHOWN_FOREIGN:
        log.warning("... and %d more; list them: segconv verify %s", len(names) - SHOWN_FOREIGN, shown(store.where()))


def _obsolete(store: Store, old: Manifest | None, new: Manifest) -> set[str]:
    """Returns the names of files of the old dataset that the new one does not have.

    Without a manifest of the old dataset, which --overwrite replaces, names decide.
    """
    files = {*old.files(), *tfds_files(old)} if old else set(filter(is_own_name, store.names()))
    return files - {*new.files(), *tfds_files(new), *FOR_PEOPLE}


def _refuses(
    config: BuildConfig, plan: Plan, results: list[ShardResult], rejects: list[Reject]
) -> RefusedPairsError | None:
    """Returns the error that ends a build because of its refused pairs; None where it may continue."""
    num_pairs = plan.num_pairs + len(plan.rejects)
    if not rejects:
        return None
    if not any(result.info.records for result in results):
        return RefusedPairsError(rejects, num_pairs, "No pair is left: fix them.")
    percent = MAX_BAD_PERCENT if config.max_bad is None else config.max_bad
    floor = MAX_BAD_PAIRS if config.max_bad is None else 0
    is_within = len(rejects) <= max(floor, num_pairs * percent / 100)
    if is_within and config.on_error == "skip":
        return None
    needed = math.ceil(1000 * len(rejects) / num_pairs) / 10
    options = ["--on-error skip"] if config.on_error == "fail" else []
    options += [] if is_within else [f"--max-bad {needed:g}"]
    fix = f"Fix them, or pass {' '.join(options)} to leave them out"
    if any(reject.error.code == "E_NO_MASK" for reject in rejects):
        fix += ", or --missing-mask background or --missing-mask ignore to store what an image without a mask is"
    limit = "" if config.on_error == "fail" else f"more than {percent:g} %"
    return RefusedPairsError(rejects, num_pairs, f"{fix}.", limit)


def _files_of(reusable: dict[str, ReusableShard]) -> set[str]:
    """Returns the names of the temporary files that belong to reusable shards."""
    staged = [name for name, found in reusable.items() if found.is_hidden]
    return {receipt_name(name) for name in reusable} | _staged(staged)


def _staged(shards: Iterable[str]) -> set[str]:
    """Returns the temporary names of shards and their indices."""
    return {hidden(name) for shard in shards for name in (shard, index_name(shard))}


def _tidy(plan: Plan) -> None:
    """Deletes what the next run cannot reuse, and logs how many shards it can.

    A shard with a receipt is complete. If this fails, the next run does it.
    """
    try:
        if plan.store.is_publishing():  # the temporary files are the new dataset
            return
        there = set(plan.store.names())
    except (OSError, SegconvError):
        return
    complete = [task.name for task in plan.all_tasks if receipt_name(task.name) in there]
    waiting = [name for name in complete if hidden(name) in there]
    with contextlib.suppress(OSError, SegconvError):
        plan.store.clean({receipt_name(name) for name in complete} | _staged(waiting))
    if waiting:
        count, total = len(waiting), len(plan.all_tasks)
        log.info("%d of %d shards are finished: run the same command again to resume.", count, total)
