"""The commands that come before records: sample, check, classes, split."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from converter.cli.options import pair_of, pair_options, source_of, source_options, workers_option
from converter.config import BuildConfig, num_workers
from converter.console import log, print_json, print_result
from converter.errors import DataError


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--train", type=click.IntRange(1), default=160, help="Pairs in train.txt.")
@click.option("--val", type=click.IntRange(1), default=40, help="Pairs in val.txt.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Another seed draws another town.")
def sample(folder: Path, train: int, val: int, seed: int) -> None:
    """Draw a synthetic aerial dataset to try everything on.

    Writes DIR with jpg/, png/, val_jpg/, val_png/, train.txt, val.txt and classes.csv: tiles of 288x384 pixels seen
    from straight above, with masks of background, building, vegetation and road.

    \b
    Example:
      segconv sample dataset/
    """  # noqa: D301
    from converter.sample import write_sample

    write_sample(folder, train=train, val=val, seed=seed)
    log.info("next: segconv build --src %s", folder)


@click.command()
@source_options
@pair_options
@workers_option
@click.option("--fast", is_flag=True, help="Read a sample of the pairs.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Save a page, such as report.html.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of the text.")
@click.pass_context
def check(ctx: click.Context, /, fast: bool, html: Path | None, json: bool, **options: Any) -> None:
    """Say all that is wrong with a dataset, in one run.

    Reads every photograph and mask, and changes nothing: pairs and lists, damage, sizes, orientation, mask values and
    their classes, duplicates and leaks between splits. Exit code 1 if a build would refuse a pair.

    \b
    Example:
      segconv check --src dataset/ --html report.html
    """  # noqa: D301
    config = BuildConfig(source_of(options), pair=pair_of(options), **options)
    from converter import check as checking

    report = checking.check(config, fast=fast)
    if json:
        print_json(report.to_json())
    else:
        print_result(report.to_text())
    if html is not None:
        from converter.check_page import check_page
        from converter.storage import write_whole

        write_whole(html, check_page(report, config.source).encode())
        log.info("saved %s", html)
    if not report.ok:
        ctx.exit(DataError.exit_code)


@click.command()
@source_options
@workers_option
@click.option("--write", is_flag=True, help="Save it as classes.csv in the source folder.")
@click.option("--overwrite", is_flag=True, help="Replace a classes.csv that is there.")
def classes(write: bool, overwrite: bool, workers: int, **options: Any) -> None:
    """Draft a class map from what the masks hold.

    Reads every mask and prints a classes.csv with each value and its share, ready to edit: names come from a class
    file or a known palette where there is one.

    \b
    Examples:
      segconv classes --src dataset/
      segconv classes --src dataset/ --write
    """  # noqa: D301
    source = source_of(options)
    from converter import draft_classes as drafting

    text = drafting.draft(source, num_workers(workers))
    if not write:
        print_result(text.rstrip("\n"))
        return
    path = drafting.write_classes(source.src, text, overwrite=overwrite)
    log.info("saved %s: give the classes their names, then: segconv check --src %s", path, shlex.quote(str(source.src)))


@click.command()
def split() -> None:
    """Make train and val lists."""
