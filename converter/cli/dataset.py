"""The commands on source datasets: sample, check, classes, split."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from converter.cli.options import pair_of, pair_options, source_of, source_options, workers_option
from converter.config import BuildConfig, SourceConfig, num_workers
from converter.errors import DataError, UsageError
from converter.system.console import Progress, log, print_json, print_result

if TYPE_CHECKING:
    from converter.checking.survey import PairFacts
    from converter.sources.layouts.find import Layout


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--train", type=click.IntRange(1), default=160, help="Number of pairs in train.txt.")
@click.option("--val", type=click.IntRange(1), default=40, help="Number of pairs in val.txt.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Random seed of the synthetic town.")
def sample(folder: Path, train: int, val: int, seed: int) -> None:
    """Generate a synthetic aerial dataset to try things out.

    Writes jpg/, png/, val_jpg/, val_png/, train.txt, val.txt and classes.csv to DIR: tiles of 288x384 pixels seen from
    straight above, with the classes background, building, vegetation and road.

    \b
    Example:
      segconv sample dataset/
    """  # noqa: D301
    from converter.sample.write import write_sample

    write_sample(folder, train=train, val=val, seed=seed)
    log.info("next: segconv build --src %s", folder)


@click.command()
@source_options
@pair_options
@workers_option
@click.option("--fast", is_flag=True, help="Check only a random sample of the pairs.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Save an HTML page, such as report.html.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of text.")
@click.pass_context
def check(ctx: click.Context, /, fast: bool, html: Path | None, json: bool, **options: Any) -> None:
    """Report all problems in a dataset.

    Reads every image and mask and changes nothing. Checks pairs and lists, damaged files, sizes, orientation, mask
    values and their classes, duplicates and leaks between splits. Exit code 1 if a build would refuse a pair.

    \b
    Example:
      segconv check --src dataset/ --html report.html
    """  # noqa: D301
    config = BuildConfig(source_of(options), pair=pair_of(options), **options)
    from converter.checking import check as checking
    from converter.sources.levels import with_levels

    config = dataclasses.replace(config, source=with_levels(config.source, config.num_workers))
    report = checking.check(config, fast=fast)
    if json:
        print_json(report.to_json())
    else:
        print_result(report.to_text())
    if html is not None:
        from converter.checking.page import check_page
        from converter.system.files import write_whole

        write_whole(html, check_page(report, config.source).encode())
        log.info("saved %s", html)
    if not report.ok:
        ctx.exit(DataError.exit_code)


@click.command()
@source_options
@workers_option
@click.option("--write", is_flag=True, help="Save it as classes.csv in the source folder.")
@click.option("--overwrite", is_flag=True, help="Replace an existing classes.csv.")
def classes(write: bool, overwrite: bool, workers: int, **options: Any) -> None:
    """Draft a class map from the values in the masks.

    Reads every mask and prints a classes.csv with each value and its share of the pixels, ready to edit. Names come
    from a class file or a known palette, if there is one.

    \b
    Examples:
      segconv classes --src dataset/
      segconv classes --src dataset/ --write
    """  # noqa: D301
    source = source_of(options)
    from converter.checking import draft
    from converter.classes.find import find_class_map
    from converter.sources.layouts.find import find_layout

    layout = find_layout(source)
    if write:
        draft.check_classes(source.src, overwrite)  # fail before minutes of reading
    try:
        found = find_class_map(source, layout)
    except UsageError as error:
        if source.classes is not None:
            raise
        if not error.what.startswith("does not exist"):  # the usual reason to run this command
            log.warning("not used: %s: %s", error.where, error.what)
        found = None
    text = draft.draft_classes(_read_all(layout, source, workers), found)
    if not write:
        print_result(text.rstrip("\n"))
        return
    path = draft.write_classes(source.src, text, overwrite)
    log.info("saved %s: edit the names, then run: segconv check --src %s", path, shlex.quote(str(source.src)))


@click.command()
@source_options
@click.option("--val", type=float, default=0.2, help="Fraction of the pairs in val.txt.")
@click.option("--test", type=float, default=0.0, help="Fraction of the pairs in test.txt; 0 means no test split.")
@click.option("--group", metavar="REGEX", help="Keep images with the same match in one split.")
@click.option("--near/--no-near", default=True, help="Keep near-duplicate images in one split.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Random seed of the split.")
@workers_option
@click.option("--overwrite", is_flag=True, help="Replace existing lists, or split again.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and stop.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of a table.")
def split(workers: int, overwrite: bool, dry_run: bool, json: bool, **options: Any) -> None:
    """Split a dataset into train, val and test lists.

    Reads every pair and writes train.txt, val.txt and, for a test split, test.txt. The splits are stratified by class.
    Duplicates, near-duplicates and images that --group puts together stay in one split. An existing test split is left
    as it is, unless --test is given.

    \b
    Examples:
      segconv split --src dataset/ --val 0.2
      segconv split --src dataset/ --group '^[^_]+'
    """  # noqa: D301
    source = source_of(options)
    from converter.checking.split import make_splits
    from converter.checking.split_files import check_lists, write_lists
    from converter.checking.split_plan import SplitConfig
    from converter.classes.find import find_class_map
    from converter.sources.layouts.find import find_layout

    config = SplitConfig(**options)
    layout = find_layout(source)
    if not overwrite and ("val" in layout.refs or (config.test and "test" in layout.refs)):
        what = f"is already split: {', '.join(layout.refs)} ({'; '.join(layout.evidence)})"
        raise UsageError(source.src, what, "Pass --overwrite to split its pairs again.", "E_OUT")
    if not dry_run:  # fail before minutes of reading
        check_lists(source.src, [*config.shares(), *(layout.refs.keys() & {"test"})], overwrite)
    if layout.rejects:
        more = f", and {len(layout.rejects) - 1} more" if len(layout.rejects) > 1 else ""
        log.warning("left out of the lists: %s%s", layout.rejects[0], more)
    try:
        classes = find_class_map(source, layout).classes
    except UsageError as error:
        if source.classes is not None:
            raise
        log.info("no class map, so each mask value counts as a class (%s: %s)", error.where, error.what)
        classes = None
    facts = _read_all(layout, source, workers)
    plan = make_splits([fact.ref for fact in facts], facts, config, classes)
    if json:
        print_json(plan.to_json())
    else:
        print_result(plan.to_text())
    if not dry_run:
        for path in write_lists(source.src, plan, overwrite):
            log.info("saved %s", path)


def _read_all(layout: Layout, source: SourceConfig, workers: int) -> list[PairFacts]:
    """Reads every pair of a dataset, with a progress bar."""
    from converter.checking.survey import survey
    from converter.sources.levels import with_levels

    source = with_levels(source, num_workers(workers))
    refs = [ref for pairs in layout.refs.values() for ref in pairs]
    with Progress(len(refs), "pair") as progress:
        return survey(refs, source, num_workers(workers), progress.show)
