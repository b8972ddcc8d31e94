"""The commands that come before records: sample, check, classes, split."""

from __future__ import annotations

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
    from converter.sample.write import write_sample

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
    from converter.checking import check as checking

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
    from converter.checking import draft
    from converter.classes.find import find_class_map
    from converter.sources.layouts.find import find_layout

    layout = find_layout(source)
    if write:
        draft.check_classes(source.src, overwrite)  # before minutes of reading
    try:
        found = find_class_map(source, layout)
    except UsageError as error:
        if source.classes is not None:
            raise
        if not error.what.startswith("does not exist"):  # which is why this command is run
            log.warning("not used: %s: %s", error.where, error.what)
        found = None
    text = draft.draft_classes(_read_all(layout, source, workers), found)
    if not write:
        print_result(text.rstrip("\n"))
        return
    path = draft.write_classes(source.src, text, overwrite)
    log.info("saved %s: mend the names, then: segconv check --src %s", path, shlex.quote(str(source.src)))


@click.command()
@source_options
@click.option("--val", type=float, default=0.2, help="Share of the pairs in val.txt.")
@click.option("--test", type=float, default=0.0, help="Share of the pairs in test.txt; 0 makes none.")
@click.option("--group", metavar="PATTERN", help="Photographs for which it finds the same text stay together.")
@click.option("--near/--no-near", default=True, help="Keep photographs that look alike together.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Another seed makes other lists.")
@workers_option
@click.option("--overwrite", is_flag=True, help="Replace lists, or divide anew what is divided.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and stop.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of the table.")
def split(workers: int, overwrite: bool, dry_run: bool, json: bool, **options: Any) -> None:
    """Write train.txt, val.txt and test.txt where there are none.

    Reads every pair. Each split gets its share of every class; copies, photographs that look alike, and those that
    --group finds to be of one scene stand on one side. A test split that is there is kept, unless --test asks for one.

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
        what = f"is divided already: {', '.join(layout.refs)} ({'; '.join(layout.evidence)})"
        raise UsageError(source.src, what, "Pass --overwrite to divide its pairs anew.", "E_OUT")
    if not dry_run:  # before minutes of reading
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

    refs = [ref for pairs in layout.refs.values() for ref in pairs]
    with Progress(len(refs), "pair") as progress:
        return survey(refs, source, num_workers(workers), progress.show)
