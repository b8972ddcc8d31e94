"""Build: config -> check -> plan -> engine -> commit.

Nothing appears under its final name before every pair has been looked at and every shard is on the disk; the manifest
comes last, so that a folder with a manifest is whole.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import __version__ as pillow_version
from PIL import features

from converter import __version__
from converter.class_files import FoundClasses, find_class_map
from converter.classes import ClassMap
from converter.config import BuildConfig, pair_text
from converter.console import Progress, log, table
from converter.engines import held_signals, run_local
from converter.errors import SHOWN_WHAT_CHARS, DataError, SegconvError, UsageError, shown
from converter.layouts import Layout, find_layout
from converter.leaks import check_leaks
from converter.manifest import ClassInfo, Manifest, SplitInfo, read_manifest
from converter.schema import ERRORS, IGNORE_INDEX, MANIFEST
from converter.shards import (
    ShardResult,
    ShardTask,
    estimated_bytes,
    plan_shards,
    run_shard_task,
    split_info,
    stored_size,
)
from converter.splits import Reject
from converter.storage import (
    TEMPORARY,
    remove_temporary,
    sync_folder,
    temporary_path,
    write_durably,
    write_error,
)
from converter.tfds import tfds_files

COMMIT = TEMPORARY + "commit"  # final names, one a line, while they are being given
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
      seconds: wall time.
    """

    out: Path
    manifest: Manifest
    rejects: list[Reject]
    seconds: float

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
            "shards_built": sum(len(split.shards) for split in splits.values()),
            "shards_reused": 0,
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
    check_out(config)
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
    """Builds the records of a dataset.

    Raises:
      UsageError: the source cannot be started on, or the output folder holds something else.
      RefusedPairsError: pairs were refused, and config.on_error is "fail".
      MachineError: disk, memory, a lost worker.
    """
    start = time.monotonic()
    plan = plan_build(config)
    for line in plan.told_by():
        log.info(line)
    check_out(config)  # before a folder is made
    is_new = _make_folder(config.out)
    with _lock(config.out):
        try:
            _clear(config.out)
            manifest, rejects = _build(config, plan, check_out(config))
        finally:
            _clear(config.out)
            if is_new and not any(config.out.iterdir()):
                config.out.rmdir()
    return BuildReport(config.out, manifest, rejects, time.monotonic() - start)


def _build(config: BuildConfig, plan: Plan, old: Manifest | None) -> tuple[Manifest, list[Reject]]:
    """Makes all shards and commits them; returns what was built and what was left out."""
    tasks = [task for split_tasks in plan.tasks.values() for task in split_tasks]
    with Progress(plan.num_pairs, "image") as progress:
        results = run_local(run_shard_task, tasks, config.num_workers, progress.show)
    rejects = _in_order(plan, results)
    if rejects and (config.on_error == "fail" or not any(result.info.records for result in results)):
        raise RefusedPairsError(rejects, plan.num_pairs + len(plan.rejects))
    manifest = _manifest(config, plan, results, rejects)
    _commit(config.out, manifest, rejects, old)
    return manifest, rejects


class RefusedPairsError(DataError):
    """Pairs were refused; nothing was built."""

    def __init__(self, rejects: list[Reject], num_pairs: int) -> None:
        codes = ", ".join(f"{count} {code}" for code, count in Counter(r.error.code for r in rejects).most_common())
        what = f"{len(rejects)} of {num_pairs} pairs were refused ({codes}), so nothing was built"
        can_skip = len(rejects) < num_pairs
        mend = "Mend them, or pass --on-error skip to leave them out." if can_skip else "No pair is left: mend them."
        super().__init__("segconv build", what, mend, "E_REFUSED")
        self.rejects = rejects


def rejects_text(rejects: list[Reject], heading: str, *, limit: int | None) -> list[str]:
    """Returns one line for each refused pair, at most `limit` of them, each behind a heading such as "Error"."""
    lines = [f"{heading}: {reject}" for reject in rejects[:limit]]
    hidden = len(rejects) - len(lines)
    return [*lines, f"... and {hidden} more; all of them with 2> errors.txt"] if hidden else lines


def check_out(config: BuildConfig) -> Manifest | None:
    """Returns the manifest of the dataset that the build will replace, or None where the folder is free.

    Raises:
      UsageError: the folder holds a finished dataset and config.overwrite is off, or holds something else.
    """
    out = config.out
    if not out.exists():
        return None
    if not out.is_dir():
        raise UsageError(out, "is no folder", "Name another with --out.", "E_OUT")
    names = sorted(path.name for path in out.iterdir() if not path.name.startswith(TEMPORARY))
    if MANIFEST not in names:
        names = [name for name in names if name not in _begun(out)]
    if not names:
        return None
    if MANIFEST not in names:
        some = ", ".join(map(shown, names[:3])) + (" ..." if len(names) > 3 else "")
        raise UsageError(out, f"holds something else ({some})", "Name another folder with --out.", "E_OUT")
    if not config.overwrite:
        mend = "Pass --overwrite to replace it, or name another folder with --out."
        raise UsageError(out, "holds a finished dataset", mend, "E_OUT")
    try:
        return read_manifest(out)
    except SegconvError as error:
        mend = "Delete the folder, or name another with --out."
        raise UsageError(out, f"holds a dataset whose manifest {error.what}", mend, "E_OUT") from None


@contextlib.contextmanager
def _lock(out: Path) -> Iterator[None]:
    """Keeps a second build out of a folder. The system lets go of the lock when the process ends, however it ends.

    Raises:
      UsageError: another build holds it.
    """
    descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            mend = "Wait until it is done, or name another folder with --out."
            raise UsageError(out, "is being written by another build", mend, "E_LOCKED") from None
        yield
    finally:
        os.close(descriptor)


def _begun(out: Path) -> list[str]:
    """Returns the final names that a commit had begun to give when it was ended."""
    try:
        names = (out / COMMIT).read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return []
    return [name for name in names if name and name == Path(name).name]


def _clear(out: Path) -> None:
    """Deletes what a build has left that did not come to its manifest."""
    if not (out / MANIFEST).exists():
        for name in _begun(out):
            with contextlib.suppress(IsADirectoryError):  # no file of ours
                (out / name).unlink(missing_ok=True)
    remove_temporary(out)


def _make_folder(out: Path) -> bool:
    """Makes the output folder; tells whether it is new."""
    try:
        is_new = not out.exists()
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(out, error) from error
    return is_new


def _in_order(plan: Plan, results: list[ShardResult]) -> list[Reject]:
    """Returns all refused pairs in the order of their lists."""
    rejects = plan.rejects + [reject for result in results for reject in result.rejects]
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
        options={
            "image_format": pair.image_format,
            "mask_resample": pair.mask_resample,
            "tolerance": pair.tolerance,
            "seed": config.seed,
            "limit": config.limit,
        },
        written_by={
            "segconv": __version__,
            "pillow": pillow_version,
            "libjpeg_turbo": str(features.version("libjpeg_turbo")),
        },
        errors_sha256=hashlib.sha256(_errors_text(rejects)).hexdigest() if rejects else None,
        layout=plan.layout.name,
        # Its name alone: a path of this machine would give other bytes on another one, and tell more than it should.
        class_map=origin if origin.startswith("preset:") else shown(Path(origin).name),
        class_map_kind=plan.found.kind,
        ignore_values=classes.values_of(IGNORE_INDEX),
    )


def _split_info(split: str, plan: Plan, results: list[ShardResult], rejects: list[Reject]) -> SplitInfo:
    own = [result for result in results if result.split == split]
    return split_info(own, plan.classes.num_classes, sum(reject.split == split for reject in rejects))


def _errors_text(rejects: list[Reject]) -> bytes:
    lines = (json.dumps(reject.to_json(), ensure_ascii=False) + "\n" for reject in rejects)
    return "".join(lines).encode("utf-8", "backslashreplace")


def _commit(out: Path, manifest: Manifest, rejects: list[Reject], old: Manifest | None) -> None:
    """Gives every file its final name, the manifest last.

    All bytes are on the disk before the first name is given. COMMIT lists the names for as long as they are being
    given, so that whoever finds it beside no manifest knows which files to delete.

    Raises:
      MachineError: the disk failed; without a manifest the folder does not pass for a dataset.
    """
    texts = tfds_files(manifest)
    names = [*manifest.files(), *texts]
    try:
        if rejects:
            write_durably(temporary_path(out / ERRORS), _errors_text(rejects))
        for name, text in {**texts, MANIFEST: manifest.to_json()}.items():
            write_durably(temporary_path(out / name), text.encode())
        write_durably(out / COMMIT, "\n".join(names).encode())
        sync_folder(out)
        with held_signals():  # some milliseconds, in which an end would cost the old dataset and the new one
            if old is not None:
                (out / MANIFEST).unlink()
                for name in {*old.files(), *texts} - set(names):
                    (out / name).unlink(missing_ok=True)
            for name in names:
                temporary_path(out / name).replace(out / name)
            sync_folder(out)
            temporary_path(out / MANIFEST).replace(out / MANIFEST)
            sync_folder(out)
    except OSError as error:
        raise write_error(out, error) from error
