"""Build: config -> check -> plan -> engine -> commit.

Nothing appears under its final name before every pair has been looked at and every shard is on the disk; the manifest
comes last, so that a folder with a manifest is whole. Shards that are done when a build ends early wait under hidden
names, and the same command goes on from there; what a finished dataset has and would get again is left alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.class_files import FoundClasses, find_class_map
from converter.classes import ClassMap
from converter.commit import commit, finish_commit, is_begun, locked, sign
from converter.config import MAX_BAD_PAIRS, MAX_BAD_PERCENT, BuildConfig, pair_text
from converter.console import Progress, log, table
from converter.engines import run_local
from converter.errors import SHOWN_WHAT_CHARS, DataError, MachineError, SegconvError, UsageError, shown
from converter.layouts import Layout, find_layout
from converter.leaks import check_leaks
from converter.manifest import ClassInfo, Manifest, SplitInfo, read_manifest
from converter.receipts import Made, find_made, make_shard, receipt_path, written_by
from converter.schema import ERRORS, IGNORE_INDEX, MANIFEST
from converter.shards import (
    ShardResult,
    ShardTask,
    estimated_bytes,
    index_path,
    plan_shards,
    split_info,
    stored_size,
    without_pair,
)
from converter.splits import Reject
from converter.storage import TEMPORARY, remove_temporary, temporary_path, write_error
from converter.tfds import tfds_files

SHOWN_DIFFERENCES = 5  # between a finished dataset and what is wanted now
SHOWN_REJECTS = 50  # on the console; more would scroll the first ones away
REMARKS = {  # on what happened to the pairs; field of SplitInfo -> a line of the report
    "turned": "photographs turned upright by EXIF: {:,}",
    "unturned": "photographs not turned by EXIF, since their masks lie on them unturned: {:,}",
    "corrected_pixels": "mask pixels taken for the nearest listed colour: {:,}",
    "kept": "photographs stored with their own bytes: {:,}",
}


@dataclass(frozen=True)
class Plan:
    """What a build is going to do.

    Attributes:
      layout: what lies in the source folder.
      found: its class map.
      tasks: the shards of every split.
    """

    layout: Layout
    found: FoundClasses
    tasks: dict[str, list[ShardTask]]

    @property
    def classes(self) -> ClassMap:
        """Which mask value is which class."""
        return self.found.classes

    @property
    def rejects(self) -> list[Reject]:
        """The lines of lists that are no pair."""
        return list(self.layout.rejects)

    @property
    def num_pairs(self) -> int:
        """Number of pairs in all splits, those that are none not counted."""
        return sum(len(task.refs) for tasks in self.tasks.values() for task in tasks)

    @property
    def all_tasks(self) -> list[ShardTask]:
        """The shards of all splits, in order."""
        return [task for tasks in self.tasks.values() for task in tasks]

    def told_by(self) -> list[str]:
        """Returns in words how the source folder was understood: nothing of it is guessed in silence."""
        lines = [f"layout {self.layout.name}: {shown('; '.join(self.layout.evidence), SHOWN_WHAT_CHARS)}"]
        lines.append(f"classes: {len(self.classes.names)} from {shown(self.found.origin)} ({self.found.kind})")
        return [*lines, *(f"note: {shown(note, SHOWN_WHAT_CHARS)}" for note in self.found.notes)]


@dataclass(frozen=True)
class BuildReport:
    """What a build did.

    Attributes:
      out: folder of the records.
      manifest: as written.
      rejects: pairs that were left out.
      reused: shards that had been made before.
      is_up_to_date: there was nothing to do, and nothing was written.
      seconds: wall time.
    """

    out: Path
    manifest: Manifest
    rejects: list[Reject]
    reused: int = 0
    is_up_to_date: bool = False
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `segconv build --json` prints."""
        splits = self.manifest.splits
        return {
            "out": str(self.out),
            "name": self.manifest.name,
            "size": list(self.manifest.size) if self.manifest.size else None,
            "classes": list(self.manifest.class_names),
            "splits": {
                name: {"records": split.records, "shards": len(split.shards), "bytes": split.bytes}
                for name, split in splits.items()
            },
            "skipped": len(self.rejects),
            **self._sums(),
            "shards_built": sum(len(split.shards) for split in splits.values()) - self.reused,
            "shards_reused": self.reused,
            "seconds": round(self.seconds, 3),
        }

    def to_text(self) -> str:
        """Returns the report as `segconv build` prints it."""
        manifest = self.manifest
        rows: list[tuple[str, ...]] = [("split", "records", "shards", "MB", "skipped")]
        for name, split in manifest.splits.items():
            megabytes = f"{split.bytes / 1e6:.1f}"
            rows.append((name, str(split.records), str(len(split.shards)), megabytes, str(split.skipped)))
        head = f"{shown(self.out)}: {shown(manifest.name)}, {manifest.num_classes} classes"
        if self.is_up_to_date:
            head += "; up to date"
        elif self.reused:
            head += f"; {self.reused} of {len(list(manifest.shards()))} shards had been made before"
        notes = [REMARKS[name].format(count) for name, count in self._sums().items() if count]
        return "\n\n".join([head, table(rows), *(["\n".join(notes)] if notes else [])])

    def _sums(self) -> dict[str, int]:
        """Returns what was counted on the way, over all splits, by the names of REMARKS."""
        return {name: sum(getattr(split, name) for split in self.manifest.splits.values()) for name in REMARKS}


def plan_build(config: BuildConfig) -> Plan:
    """Finds the source's pairs and class map and deals the pairs into shards.

    Raises:
      UsageError: the source cannot be started on.
    """
    layout = find_layout(config.source)
    found = find_class_map(config.source, layout)
    if not config.allow_leak:
        check_leaks(config.source, layout.refs)
    tasks = {split: plan_shards(split, refs, config, found.classes) for split, refs in layout.refs.items()}
    return Plan(layout, found, tasks)


def plan_text(config: BuildConfig) -> str:
    """Returns what a build would do, for --dry-run; only lists and class map are read.

    Raises:
      UsageError: as `build`.
    """
    plan = plan_build(config)
    check_out(config, plan)
    rows: list[tuple[str, ...]] = [("split", "pairs", "shards", "MB (estimate)")]
    for name, tasks in plan.tasks.items():
        pairs = sum(len(task.refs) for task in tasks)
        rows.append((name, str(pairs), str(len(tasks)), f"{estimated_bytes(pairs, config.pair) / 1e6:.0f}"))
    legend: list[tuple[str, ...]] = [("id", "class", "values")]
    for index, name in enumerate(plan.classes.names):
        legend.append((str(index), shown(name), " ".join(plan.classes.values_of(index))))
    legend.append((str(IGNORE_INDEX), "(ignored)", " ".join(plan.classes.values_of(IGNORE_INDEX))))
    head = [f"{shown(config.source.src)} -> {shown(config.out)}: {pair_text(config.pair)}", *plan.told_by()]
    return "\n\n".join(["\n".join(head), table(rows), table(legend)])


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
        rejects = _in_order(plan, results)
        manifest = _manifest(config, plan, results, rejects)
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
    rejects = _in_order(plan, results)
    if error := _refuses(config, plan, results, rejects):
        raise error
    manifest = _manifest(config, plan, results, rejects)
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


def check_space(config: BuildConfig, tasks: list[ShardTask]) -> None:
    """Refuses to begin where the disk is clearly too small.

    Only half of the estimate must be there: pictures may be smooth. Where pairs keep their sizes nothing is known.

    Raises:
      MachineError: the disk is too small, or cannot be asked.
    """
    needed = sum(estimated_bytes(len(task.refs), config.pair) for task in tasks)
    try:
        free = shutil.disk_usage(config.out).free
    except OSError as error:
        raise write_error(config.out, error) from error
    if config.pair.size is not None and free < needed / 2:
        what = f"has {free / 1e6:,.0f} MB free, and the records will take about {needed / 1e6:,.0f} MB"
        raise MachineError(config.out, what, "Make room, or name a folder on another disk with --out.", "E_SPACE")


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


class RefusedPairsError(DataError):
    """Pairs were refused; nothing was built."""

    def __init__(self, rejects: list[Reject], num_pairs: int, mend: str, limit: str = "") -> None:
        codes = ", ".join(f"{count} {code}" for code, count in Counter(r.error.code for r in rejects).most_common())
        what = f"{len(rejects)} of {num_pairs} pairs were refused ({', '.join(filter(None, [codes, limit]))})"
        super().__init__("segconv build", f"{what}, so nothing was built", mend, "E_REFUSED")
        self.rejects = rejects


def rejects_text(rejects: list[Reject], heading: str, *, limit: int | None) -> list[str]:
    """Returns one line for each refused pair, at most `limit` of them, each behind a heading such as "Error"."""
    lines = [f"{heading}: {reject}" for reject in rejects[:limit]]
    hidden = len(rejects) - len(lines)
    return [*lines, f"... and {hidden} more; all of them with 2> errors.txt"] if hidden else lines


def check_out(config: BuildConfig, plan: Plan) -> Manifest | None:
    """Returns the manifest of the dataset that is in the output folder, or None where the folder is free.

    A folder in which a commit was ended half-way is free: what will be there is known when the commit is done.

    Raises:
      UsageError: the folder holds something else, or a dataset that was built with other options or classes and
        config.overwrite is off.
    """
    out = config.out
    if not out.exists():
        return None
    if not out.is_dir():
        raise UsageError(out, "is no folder", "Name another with --out.", "E_OUT")
    names = sorted(path.name for path in out.iterdir() if not path.name.startswith(TEMPORARY))
    if not names or is_begun(out):
        return None
    if MANIFEST not in names:
        some = ", ".join(map(shown, names[:3])) + (" ..." if len(names) > 3 else "")
        raise UsageError(out, f"holds something else ({some})", "Name another folder with --out.", "E_OUT")
    try:
        old = read_manifest(out)
    except SegconvError as error:
        mend = "Delete the folder, or name another with --out."
        raise UsageError(out, f"holds a dataset whose manifest {error.what}", mend, "E_OUT") from None
    found = differences(old, config, plan.classes)
    if found and not config.overwrite:
        some = "; ".join(found[:SHOWN_DIFFERENCES]) + ("; ..." if len(found) > SHOWN_DIFFERENCES else "")
        mend = "Pass --overwrite to replace it, or name another folder with --out."
        raise UsageError(out, f"holds a finished dataset that was built otherwise ({some})", mend, "E_OUT")
    return old


def differences(old: Manifest, config: BuildConfig, classes: ClassMap) -> list[str]:
    """Returns in what a dataset was built otherwise than is wanted now, such as "size 512x512 -> 256x256"."""
    before = {"name": old.name, "fit": old.fit, **old.options}
    wanted = {"name": config.dataset_name, "fit": config.pair.fit, **_options(config)}
    # An option that a dataset knows nothing of came after it.
    found = [
        f"{option} {_option_text(before[option])} -> {_option_text(value)}"
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


def _option_text(value: object) -> str:
    if isinstance(value, list):
        return "x".join(map(str, value))
    return "none" if value is None else str(value)


def _in_order(plan: Plan, results: list[ShardResult]) -> list[Reject]:
    """Returns all refused pairs in the order of their lists."""
    refused = [result.rejects(task) for task, result in zip(plan.all_tasks, results, strict=True)]
    rejects = [*plan.rejects, *(reject for shard in refused for reject in shard)]
    order = {split: number for number, split in enumerate(plan.tasks)}
    return sorted(rejects, key=lambda reject: (order[reject.split], reject.list_name, reject.line))


def _manifest(config: BuildConfig, plan: Plan, results: list[ShardResult], rejects: list[Reject]) -> Manifest:
    classes, pair, origin = plan.classes, config.pair, plan.found.origin
    colors = classes.colors()
    infos = tuple(
        ClassInfo(index, name, colors[index], classes.values_of(index)) for index, name in enumerate(classes.names)
    )
    return Manifest(
        name=config.dataset_name,
        size=stored_size(results, pair),
        fit=pair.fit,
        classes=infos,
        splits={split: _split_info(split, plan, results, rejects) for split in plan.tasks},
        options=_options(config),
        written_by=written_by(),
        errors_sha256=hashlib.sha256(_errors_text(rejects)).hexdigest() if rejects else None,
        layout=plan.layout.name,
        # Its name alone: a path of this machine would give other bytes on another one, and tell more than it should.
        class_map=origin if origin.startswith("preset:") else shown(Path(origin).name),
        class_map_kind=plan.found.kind,
        ignore_values=classes.values_of(IGNORE_INDEX),
    )


def _options(config: BuildConfig) -> dict[str, Any]:
    """Returns the options that decide the bytes of a dataset, as the manifest holds them."""
    pair = config.pair
    return {
        "size": list(pair.size) if pair.size else None,
        "image_format": pair.image_format,
        "mask_resample": pair.mask_resample,
        "tolerance": pair.tolerance,
        "seed": config.seed,
        "limit": config.limit,
        "shards": config.shards,
        "shard_mb": config.shard_mb,
    }


def _split_info(split: str, plan: Plan, results: list[ShardResult], rejects: list[Reject]) -> SplitInfo:
    own = [result for result in results if result.split == split]
    return split_info(own, plan.classes.num_classes, sum(reject.split == split for reject in rejects))


def _errors_text(rejects: list[Reject]) -> bytes:
    lines = (json.dumps(reject.to_json(), ensure_ascii=False) + "\n" for reject in rejects)
    return "".join(lines).encode("utf-8", "backslashreplace")


def _changed_texts(out: Path, manifest: Manifest, rejects: list[Reject]) -> dict[str, bytes]:
    """Returns the small files of a dataset that are not in the folder as they should be: name -> content."""
    texts = {name: text.encode() for name, text in tfds_files(manifest).items()}
    if rejects:
        texts[ERRORS] = _errors_text(rejects)
    texts[MANIFEST] = manifest.to_json().encode()
    return {name: text for name, text in texts.items() if not _is_there(out / name, text)}


def _is_there(path: Path, text: bytes) -> bool:
    try:
        return path.is_file() and path.stat().st_size == len(text) and path.read_bytes() == text
    except OSError:
        return False
