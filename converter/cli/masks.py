"""The command that draws annotations into masks: masks."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from converter.annotations.config import MasksConfig
from converter.annotations.registry import FORMATS
from converter.config import SourceConfig, source_options
from converter.errors import DataError, UsageError
from converter.options import workers_option
from converter.system.console import log, print_json, print_result

ORDERS = ("file", "area", "class")
SHOWN_PROBLEMS = 50  # on a terminal; a log file gets them all


@click.command()
@click.option("--src", type=click.Path(path_type=Path), required=True, help="Folder of annotations and photographs.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Output folder for the dataset.")
@click.option("--format", metavar="NAME", help=f"Format: {', '.join(FORMATS)}.  [default: detected from the files]")
@click.option("--files", metavar="PATTERN", help="Annotation files to read, such as 'instances_*'.  [default: all]")
@click.option("--order", type=click.Choice(ORDERS), default="file", help="Order of drawing, later over earlier.")
@click.option("--val", type=float, default=0.2, help="Fraction in val.txt, if the annotations have no splits.")
@click.option("--line-width", type=click.IntRange(1, 1000), default=10, help="Width of lines, in pixels.")
@click.option("--follow-links", is_flag=True, help="Follow symbolic links out of the folder.")
@workers_option
@click.option("--overwrite", is_flag=True, help="Replace a dataset that this command drew otherwise.")
@click.option("--dry-run", is_flag=True, help="Print what would be drawn, and stop.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of text.")
def masks(dry_run: bool, json: bool, **options: Any) -> None:
    """Draw polygons and other annotations into masks.

    Reads labelme, COCO, YOLO, CVAT, Label Studio, VIA and Supervisely files, and masks of one class or object each.
    Writes jpg/, png/ (index masks with a palette), train.txt, val.txt and classes.csv, which every other command
    reads. Photographs are hard links, or copies where the disk has none. Run again, the same command resumes.

    \b
    Example:
      segconv masks --src labelme_folder/ --out dataset/
    """  # noqa: D301
    config = MasksConfig(**options)
    from converter.annotations.report import RefusedAnnotationsError
    from converter.annotations.write import draw_masks, dry_run_text

    if dry_run and json:
        raise UsageError("--json", "reports what was drawn, and --dry-run draws nothing", "Leave one of them out.")
    try:
        if dry_run:
            print_result(dry_run_text(config))
            return
        report = draw_masks(config)
    except RefusedAnnotationsError as error:
        _log_all(error.problems)
        raise
    for warning in report.plan.warnings:
        log.warning("Warning %s", warning)
    if json:
        print_json(report.to_json())
    else:
        print_result(report.to_text())
    if report.is_up_to_date:
        log.info("up to date: nothing was written")
    source = source_options(SourceConfig(config.out))
    log.info("next: segconv build %s", source)
    if not report.plan.has_splits:
        log.info("or, to keep near-duplicates in one split: segconv split %s --overwrite", source)


def _log_all(problems: Sequence[DataError]) -> None:
    """Logs one line for each problem; on a terminal more would scroll the first ones away."""
    limit = SHOWN_PROBLEMS if sys.stderr.isatty() else None
    for problem in problems[:limit]:
        log.error("Error: %s", problem)
    if limit and len(problems) > limit:
        log.error("... and %d more; redirect with 2> errors.txt to see all", len(problems) - limit)
