"""The commands that build and show records: build, inspect."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from converter.config import ENGINES, ON_ERROR, BuildConfig
from converter.errors import EXIT_SKIPPED, UsageError
from converter.options import DEFAULT, pair_of, pair_options, source_of, source_options, workers_option
from converter.schema import is_shard_name
from converter.system.console import log, print_json, print_result
from converter.system.urls import UrlPath

if TYPE_CHECKING:
    from converter.building.array import ShareReport
    from converter.building.report import BuildReport
    from converter.dataset.manifest import Manifest

_Report = TypeVar("_Report", "ShareReport", "BuildReport")


@click.command()
@source_options
@click.option(
    "-o", "--out", type=click.Path(path_type=UrlPath), default=DEFAULT.out, help="Output folder for the records."
)
@click.option("--name", help="Dataset name, used in shard names.  [default: name of the source folder]")
@pair_options
@click.option("--shard-mb", type=click.IntRange(1), default=DEFAULT.shard_mb, help="Target size of a shard, in MB.")
@click.option("--shards", type=click.IntRange(1), help="Number of shards per split.  [default: from --shard-mb]")
@click.option("--seed", type=click.IntRange(0), default=DEFAULT.seed, help="Random seed for the order of the records.")
@click.option("--limit", type=click.IntRange(1), help="Maximum number of pairs of each split, chosen at random.")
@workers_option
@click.option("--engine", type=click.Choice(ENGINES), default=ENGINES[0], help="What runs the work.")
@click.option(
    "--on",
    "cluster",
    metavar="ADDRESS|OPTIONS",
    help="Address of the Ray cluster (auto, HOST:PORT), or options of the Beam pipeline.  [default: this machine]",
)
@click.option(
    "--on-error", type=click.Choice(ON_ERROR), default=DEFAULT.on_error, help="What to do with an invalid pair."
)
@click.option("--allow-leak", is_flag=True, help="Allow an image to be in more than one split.")
@click.option(
    "--max-bad",
    type=float,
    metavar="PERCENT",
    help="Maximum percentage of invalid pairs to skip.  [default: 1, or 3 pairs]",
)
@click.option("--overwrite", is_flag=True, help="Replace a dataset built with other options or classes.")
@click.option("--rehash", is_flag=True, help="Read all source files, whatever their timestamps.")
@click.option("--croissant", is_flag=True, help="Write Croissant metadata for catalogues of datasets.")
@click.option(
    "--task", metavar="I/N", help="Build the share of task I of N (from 0) and stage it, for an array of jobs."
)
@click.option("--finalize", is_flag=True, help="Publish what the tasks of an array have staged, if nothing is missing.")
@click.option("--dry-run", is_flag=True, help="Print what would be built, and stop.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of a table.")
@click.pass_context
def build(ctx: click.Context, /, task: str | None, finalize: bool, dry_run: bool, json: bool, **options: Any) -> None:
    """Convert a folder of images and masks to TFRecords.

    Detects the layout and the class map of the source folder and prints what it found. Writes TFRecord shards, an
    index for each, TFDS metadata, README.md and, last, manifest.json. The same sources and options give the same
    bytes for any number of workers.

    Run again, the same command resumes an interrupted build, and rebuilds only the shards whose sources have changed.

    \b
    Examples:
      segconv build --src dataset/ --size 360x480
      segconv build --src dataset/ --task 0/8     on a cluster: tasks 0/8 to 7/8, then
      segconv build --src dataset/ --finalize
    """  # noqa: D301
    engine, cluster = options.pop("engine"), options.pop("cluster")
    config = BuildConfig(source_of(options), pair=pair_of(options), **options)
    from converter.building.build import build as build_records
    from converter.building.dry_run import plan_text
    from converter.engines.registry import engine_of

    _check_alone({"--dry-run": dry_run, "--task": task, "--finalize": finalize})
    runs = engine_of(engine, cluster, config.workers, config.source.src, config.out)
    if dry_run and json:
        raise UsageError("--json", "reports what was built, and --dry-run builds nothing", "Leave one of them out.")
    if dry_run:
        print_result(plan_text(config))
        return
    if task is not None:
        from converter.building.array import Share, build_share

        share = Share.parse(task)
        done = _with_rejects(lambda: build_share(config, share, engine=runs))
        print_json(done.to_json()) if json else print_result(done.to_text())
        ctx.exit(EXIT_SKIPPED if done.rejects else 0)
    report = _with_rejects(lambda: build_records(config, engine=runs, only_publish=finalize))
    if json:
        print_json(report.to_json())
    else:
        print_result(report.to_text())
    if report.is_up_to_date:
        log.info("up to date: nothing was written")
    _log_next(report.manifest, shlex.quote(str(config.out)))
    if report.rejects or report.unreadable_names:
        ctx.exit(EXIT_SKIPPED)


def _check_alone(options: dict[str, object]) -> None:
    """Raises UsageError where more than one of some options was given."""
    given = [name for name, value in options.items() if value]
    if len(given) > 1:
        raise UsageError(given[0], f"and {given[1]} contradict each other", "Leave one of them out.")


def _with_rejects(make: Callable[[], _Report]) -> _Report:
    """Returns what `make` returns, with every pair that was refused logged in one line."""
    from converter.building.report import SHOWN_REJECTS, RefusedPairsError, rejects_text

    limit = SHOWN_REJECTS if sys.stderr.isatty() else None  # a log file gets them all
    try:
        report = make()
    except RefusedPairsError as error:
        for line in rejects_text(error.rejects, "Error", limit=limit):
            log.error(line)
        raise
    for line in rejects_text(report.rejects, "Skipped", limit=limit):
        log.warning(line)
    return report


def _log_next(manifest: Manifest, out: str) -> None:
    """Logs the next command; where `segconv train` would refuse the records, why."""
    reasons = {
        "two classes or more": manifest.num_classes < 2,
    }
    reasons |= {
        f"labelled records in a split {split!r}": split not in manifest.splits or not any(manifest.splits[split].pixels)
        for split in ("train", "val")
    }
    lacking = [reason for reason, is_lacking in reasons.items() if is_lacking]
    if lacking:
        log.info("next: segconv inspect shard %s; segconv train needs %s", out, "; and ".join(lacking))
    else:
        crop = f" --crop {_window_of(manifest)}" if manifest.size is None else ""
        log.info("next: segconv inspect shard %s, then segconv train --data %s%s", out, out, crop)


def _window_of(manifest: Manifest) -> str:
    """Returns the size of windows to train on: a square that fits in the most frequent training images."""
    height, width, _ = manifest.splits["train"].sizes[0]
    side = max(32, min(height, width, 512) // 32 * 32)  # multiples of 32 need no padding in the models
    return f"{side}x{side}"


@click.command()
@click.argument("what", nargs=-1, metavar="[shard|dataset] [PATH]")
@click.option("--record", type=click.IntRange(0), help="Show one record of the shard, counted from 0.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Save a contact sheet, such as s.png.")
@click.option(
    "--stitch",
    type=(str, click.Path(path_type=Path, dir_okay=False)),
    metavar="NAME FILE",
    help="Put the tiles of photograph NAME together, and save its class map, such as m.png.",
)
@click.option("--scan", is_flag=True, help="Read every shard of a dataset, not only its manifest.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of a table.")
def inspect(
    what: tuple[str, ...],
    record: int | None,
    save: Path | None,
    stitch: tuple[str, Path] | None,
    scan: bool,
    json: bool,
) -> None:
    """Show what is inside a shard or a dataset.

    PATH is a shard or a folder of records, by default ./records; `inspect shard` shows the first shard of a folder. Of
    a shard, and with --scan of a dataset, every record is read, its checksums verified and the pixels of each class
    counted; otherwise a dataset is described by its manifest.

    \b
    Examples:
      segconv inspect shard
      segconv inspect dataset records/ --save sheet.png
    """  # noqa: D301
    kind, path = _kind_and_path(what, record, scan=scan)
    from converter.system.outputs import check_output_file
    from converter.verifying import inspect as inspecting
    from converter.verifying import stitch as stitching
    from converter.verifying.sheet import SUFFIXES, save_sheet, some_records

    for file, suffixes in ((save, SUFFIXES), (stitch and stitch[1], stitching.SUFFIXES)):
        if file is not None:  # fail before minutes of reading
            check_output_file(file, suffixes)
    if kind == "dataset":
        manifest, scanned = inspecting.inspect_dataset(path, scan=scan)
        classes, shards = manifest.classes, [path / shard.name for _, shard in manifest.shards()]
        text, facts = inspecting.dataset_text(path, manifest, scanned), inspecting.dataset_json(path, manifest, scanned)
        reports = scanned or []
    else:
        path = inspecting.find_shard(path)
        reports = [inspecting.inspect_shard(path)]
        classes, shards = reports[0].classes, [path]
        text, facts = reports[0].to_text(), reports[0].to_json()
    records = None
    if record is not None:
        records = [inspecting.record_at(path, record)]
        text = inspecting.record_text(records[0], record, classes)
        facts = inspecting.record_json(records[0], record, classes)
    stitched = stitching.stitch(shards, stitch[0]) if stitch else None
    if json:
        print_json(facts)
    else:
        print_result(text)
    for problem in filter(None, (report.problem for report in reports)):
        raise problem
    if save is not None:
        save_sheet(records or some_records(shards), classes, path.name, save)
        log.info("saved %s", save)
    if stitch and stitched:
        stitching.save_stitched(stitched, classes, stitch[1])
        log.info(stitched.to_text(*stitch))


def _kind_and_path(what: tuple[str, ...], record: int | None, *, scan: bool) -> tuple[str, Path]:
    """Returns ("shard" or "dataset", path) from the arguments of `segconv inspect`.

    Raises:
      UsageError: more than one path, or an option that is about the other kind.
    """
    words = list(what)
    kind = words.pop(0) if words and words[0] in ("shard", "dataset") else None
    if len(words) > 1:
        raise UsageError("segconv inspect", f"takes one path, not {len(words)}", "Name one shard or folder.")
    path = UrlPath(words[0]) if words else DEFAULT.out
    is_dataset = not is_shard_name(path.name) if isinstance(path, UrlPath) else path.is_dir()
    kind = kind or ("dataset" if is_dataset else "shard")
    if record is not None and kind == "dataset":
        raise UsageError("--record", "counts the records of one shard", "Name a shard.")
    if scan and kind == "shard":
        raise UsageError("--scan", "is about a dataset: a shard is always read", "Leave it out.")
    return kind, path
