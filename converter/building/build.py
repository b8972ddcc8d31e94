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
from pathlib import Path

from converter.building.commit import commit, finish_commit, is_begun, locked, sign
from converter.building.output import check_out, check_space
from converter.building.plan import Plan, plan_build
from converter.building.receipts import Made, find_made, make_shard, receipt_path
from converter.building.report import BuildReport, RefusedPairsError
from converter.building.shards import ShardResult, index_path, without_pair
from converter.building.summary import all_rejects, build_manifest, errors_text
from converter.config import BuildConfig
from converter.dataset.manifest import Manifest
from converter.dataset.tfds import tfds_files
from converter.engines.local import run_local
from converter.limits import MAX_BAD_PAIRS, MAX_BAD_PERCENT
from converter.schema import ERRORS, MANIFEST
from converter.sources.refs import Reject
from converter.system.console import Progress, log
from converter.system.files import remove_temporary, temporary_path, write_error


def build(config: BuildConfig) -> BuildReport:
    """Builds the records of a dataset, or as much of it as has changed.

    Raises:
      UsageError: the source cannot be started on, or the output folder holds something else.
      RefusedPairsError: pairs were refused, and config.on_error is "fail", or they are too many.
      MachineError: disk, memory, a lost worker.
    """
    start = time.monotonic()
    plan = plan_build(config)
    for line in plan.told_by():
        log.info(line)
    check_out(config, plan)  # before a folder is made
    with locked(config.out):
        finish_commit(config.out)
        report = _build(config, plan, check_out(config, plan))
    return dataclasses.replace(report, seconds=time.monotonic() - start)


def _build(config: BuildConfig, plan: Plan, old: Manifest | None) -> BuildReport:
    """Makes the shards that are not there yet and commits the dataset, in a folder that is locked."""
    made = {task.path: found for task in plan.all_tasks if (found := find_made(task, rehash=config.rehash))}
    if len(made) == len(plan.all_tasks) and not any(found.is_hidden for found in made.values()):
        results = [found.result for found in made.values()]
        rejects = all_rejects(plan, results)
        manifest = build_manifest(config, plan, results, rejects)
        if not _refuses(config, plan, results, rejects) and not _changed_texts(config.out, manifest, rejects):
            with contextlib.suppress(OSError):  # of a build that was killed behind its last step
                remove_temporary(config.out, _files_of(made))
            return BuildReport(config.out, manifest, rejects, len(made), is_up_to_date=True)
    try:
        try:
            remove_temporary(config.out, _files_of(made))
            sign(config.out)
        except OSError as error:
            raise write_error(config.out, error) from error
        return _make(config, plan, old, made)
    finally:
        _tidy(config.out, plan)


def _make(config: BuildConfig, plan: Plan, old: Manifest | None, made: dict[Path, Made]) -> BuildReport:
    """Makes the shards that `made` lacks, and commits all."""
    tasks = [task for task in plan.all_tasks if task.path not in made]
    if made:
        log.info("%d of %d shards have been made before", len(made), len(plan.all_tasks))
    check_space(config, tasks)
    num_pairs = sum(len(task.refs) for task in tasks)
    with Progress(num_pairs, "image") as progress:
        new = run_local(make_shard, tasks, config.num_workers, progress.show, without_pair)
    hidden = [found.result for found in made.values() if found.is_hidden] + new
    by_path = {path: found.result for path, found in made.items()}
    by_path |= {task.path: result for task, result in zip(tasks, new, strict=True)}
    results = [by_path[task.path] for task in plan.all_tasks]
    rejects = all_rejects(plan, results)
    if error := _refuses(config, plan, results, rejects):
        raise error
    manifest = build_manifest(config, plan, results, rejects)
    texts = _changed_texts(config.out, manifest, rejects) | {MANIFEST: manifest.to_json().encode()}
    shards = [name for result in hidden for name in (result.info.name, index_path(Path(result.info.name)).name)]
    commit(config.out, shards, texts, _obsolete(old, manifest))
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


def _files_of(made: dict[Path, Made]) -> set[str]:
    """Returns the names of the hidden files that belong to shards which need not be made again."""
    names = {receipt_path(path).name for path in made}
    hidden = [path for path, found in made.items() if found.is_hidden]
    return names | {temporary_path(path).name for shard in hidden for path in (shard, index_path(shard))}


def _tidy(out: Path, plan: Plan) -> None:
    """Deletes what the next run has no use for; tells how many shards wait for it.

    A shard that came to its receipt is whole. Should this fail, the next run does it.
    """
    if is_begun(out):  # all that is hidden is the new dataset
        return
    paths = [task.path for task in plan.all_tasks if receipt_path(task.path).exists()]
    waiting = [path for path in paths if temporary_path(path).exists()]
    keep = {receipt_path(path).name for path in paths}
    keep |= {temporary_path(path).name for shard in waiting for path in (shard, index_path(shard))}
    with contextlib.suppress(OSError):
        remove_temporary(out, keep)
    if waiting:
        count, total = len(waiting), len(plan.all_tasks)
        log.info("%d of %d shards are kept, hidden: run the same command again to go on from there.", count, total)


def _changed_texts(out: Path, manifest: Manifest, rejects: list[Reject]) -> dict[str, bytes]:
    """Returns the small files of a dataset that are not in the folder as they should be: name -> content."""
    texts = {name: text.encode() for name, text in tfds_files(manifest).items()}
    if rejects:
        texts[ERRORS] = errors_text(rejects)
    texts[MANIFEST] = manifest.to_json().encode()
    return {name: text for name, text in texts.items() if not _is_there(out / name, text)}


def _is_there(path: Path, text: bytes) -> bool:
    try:
        return path.is_file() and path.stat().st_size == len(text) and path.read_bytes() == text
    except OSError:
        return False
