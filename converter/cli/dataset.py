"""The commands on source datasets: sample, check, classes, split."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from converter.config import BuildConfig, PairConfig, SourceConfig, num_workers
from converter.config import source_options as options_of
from converter.errors import DataError, UsageError
from converter.limits import MAX_TOLERANCE
from converter.options import pair_of, pair_options, source_of, source_options, workers_option
from converter.system.console import Progress, log, print_json, print_result

if TYPE_CHECKING:
    from converter.checking.blocks import BlockPlan
    from converter.checking.split_plan import SplitPlan
    from converter.checking.survey import PairFacts
    from converter.classes.class_map import ClassMap
    from converter.sources.layouts.layout import Layout

PAGE_SUFFIXES = (".html", ".htm")


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
    log.info("next: segconv build %s", options_of(SourceConfig(folder)))


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
    from converter.system.outputs import check_output_file

    if html is not None:  # fail before minutes of reading
        check_output_file(html, PAGE_SUFFIXES)
    config = dataclasses.replace(config, source=with_levels(config.source, config.num_workers))
    report = checking.check(config, fast=fast)
    if json:
        print_json(report.to_json())
    else:
        print_result(report.to_text())
    if html is not None:
        from converter.checking.page import check_page
        from converter.system.files import write_whole

        check_output_file(html, PAGE_SUFFIXES)
        write_whole(html, check_page(report, config.source).encode())
        log.info("saved %s", html)
    if not report.ok:
        ctx.exit(DataError.exit_code)


@click.command()
@source_options
@click.option("--tolerance", type=click.IntRange(0, MAX_TOLERANCE), default=0, help="Tolerance of the build to come.")
@workers_option
@click.option("--write", is_flag=True, help="Save it as classes.csv in the source folder.")
@click.option("--overwrite", is_flag=True, help="Replace an existing classes.csv.")
@click.option("--instances", is_flag=True, help="Draft values even if they look like instances.")
def classes(tolerance: int, write: bool, overwrite: bool, instances: bool, workers: int, **options: Any) -> None:
    """Draft a class map from the values in the masks.

    Reads every mask, JPEG included, and prints a classes.csv with each value and its share of the pixels, ready to
    edit. Names come from a class file or a known palette, if there is one. The draft says which --tolerance a build
    needs for damaged edges.

    \b
    Examples:
      segconv classes --src dataset/
      segconv classes --src dataset/ --write
    """  # noqa: D301
    source = source_of(options)
    from converter.checking import draft
    from converter.classes.class_map import CLASSES_CSV
    from converter.classes.find import find_class_map
    from converter.sources.layouts.find import find_layout
    from converter.sources.mirror import local_source, require_folder

    if write:
        require_folder(source, "classes --write")
    source = local_source(source)
    layout = find_layout(source)
    if write:
        draft.check_classes(source.src, overwrite)  # fail before minutes of reading
    try:
        found = find_class_map(source, layout, allows_doubt=True)
    except UsageError as error:
        if source.classes is not None:
            raise
        if not error.what.startswith("does not exist"):  # the usual reason to run this command
            log.warning("not used: %s: %s", error.where, error.what)
        found = None
    facts = _read_all(layout, source, workers, tolerance=max(tolerance, 1))  # of any size, to read JPEG
    drafted = draft.draft_classes(facts, found, allows_instances=instances)
    tolerance = max(tolerance, drafted.tolerance)
    if not write:
        print_result(drafted.text.rstrip("\n"))
        given = {"--instances": instances, "--write": True, "--overwrite": (source.src / CLASSES_CSV).exists()}
        flags = " ".join(flag for flag, is_given in given.items() if is_given)
        log.info("next: segconv classes %s %s", options_of(source, tolerance), flags)
        return
    path = draft.write_classes(source.src, drafted.text, overwrite)
    checked = draft.checked_next(drafted, layout, source)
    edit = f"{checked.classes} has these values and their names" if checked.classes else "edit the names"
    log.info("saved %s: %s; next: segconv check %s", path, edit, options_of(checked, tolerance))


@click.command()
@source_options
@click.option("--val", type=float, default=0.2, help="Fraction of the pairs in val.txt.")
@click.option("--test", type=float, default=0.0, help="Fraction of the pairs in test.txt; 0 means no test split.")
@click.option("--folds", type=int, default=0, help="Make this number of folds instead of train and val.")
@click.option("--group", metavar="REGEX", help="Keep images with the same match in one split.")
@click.option(
    "--blocks", type=click.IntRange(0), default=0, help="Divide photographs into blocks of this side, in pixels."
)
@click.option("--gap", type=click.IntRange(0), help="Pixels between two blocks that no split has.  [default: 64]")
@click.option("--near/--no-near", default=True, help="Keep near-duplicate images in one split.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Random seed of the split.")
@click.option("--tolerance", type=int, default=0, help="Maximum difference per channel from a listed mask colour.")
@workers_option
@click.option("--overwrite", is_flag=True, help="Replace existing lists, or split again.")
@click.option("--dry-run", is_flag=True, help="Print what would be written, and stop.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of a table.")
def split(workers: int, overwrite: bool, dry_run: bool, json: bool, tolerance: int, **options: Any) -> None:
    """Split a dataset into train, val and test lists.

    Reads every pair and writes train.txt, val.txt and, for a test split, test.txt. The splits are stratified by class.
    Duplicates, near-duplicates and images that --group puts together stay in one split. A test split that the dataset
    has is left as it is.

    \b
    Examples:
      segconv split --src dataset/ --val 0.2
      segconv split --src dataset/ --group '^[^_]+'
      segconv split --src orthophoto/ --blocks 2048 --gap 64
    """  # noqa: D301
    source = source_of(options)
    from converter.checking import split_source
    from converter.checking.split import make_splits
    from converter.checking.split_files import check_lists
    from converter.checking.split_plan import SplitConfig
    from converter.sources.layouts.find import find_layout
    from converter.sources.lists.exchange import finish
    from converter.sources.mirror import require_folder

    require_folder(source, "split")
    PairConfig(tolerance=tolerance)  # refuses what is out of range
    options["gap"] = min(64, options["blocks"] // 8) if options["gap"] is None else options["gap"]
    config = SplitConfig(**options)
    if not dry_run and finish(source.src):
        log.info("finished the lists of a `segconv split` that was ended before")
        overwrite = True
    layout = find_layout(source)
    split_source.check_layout(source, layout, config, overwrite)
    if not dry_run:  # fail before minutes of reading
        check_lists(source.src, [*config.shares(), *(layout.refs.keys() & {"test"})], overwrite)
    if layout.rejects:
        more = f", and {len(layout.rejects) - 1} more" if len(layout.rejects) > 1 else ""
        log.warning("left out of the lists: %s%s", layout.rejects[0], more)
    for unused in split_source.unused_beyond(layout, config):
        log.warning(unused.warning())
    classes = _classes_of(source, layout)
    if config.blocks:
        from converter.checking.blocks import make_blocks

        blocks = make_blocks([ref for pairs in layout.refs.values() for ref in pairs], source, config)
        _print_and_save(source, blocks, overwrite=overwrite, dry_run=dry_run, json=json)
        step = f"{config.command()} {options_of(source, tolerance)}{' --overwrite' * overwrite}"
        if not dry_run:
            step = split_source.next_step(source, tolerance, has_classes=classes is not None)
            step += " --fit tile" if classes else ""
        log.info("next: %s", step)
        return
    facts = _read_all(layout, source, workers, tolerance=tolerance)
    if bad := split_source.check_read(facts):
        log.warning("%d pairs that a build would refuse are in the lists, such as %s", len(bad), bad[0].error)
    plan = make_splits([fact.ref for fact in facts], facts, config, classes)
    _print_and_save(source, plan, overwrite=overwrite, dry_run=dry_run, json=json)
    _warn_of_scenes(source, plan, facts)
    step = f"{plan.config.command()} {options_of(source, tolerance)}{' --overwrite' * overwrite}"
    if not dry_run:
        step = split_source.next_step(source, tolerance, has_classes=classes is not None, folds=config.folds)
    log.info("next: %s", step)


def _print_and_save(
    source: SourceConfig, plan: SplitPlan | BlockPlan, *, overwrite: bool, dry_run: bool, json: bool
) -> None:
    """Prints a split, and saves its lists unless it is a dry run."""
    from converter.checking.split_files import write_lists

    if json:
        print_json(plan.to_json())
    else:
        print_result(plan.to_text())
    if not dry_run:
        for path in write_lists(source.src, plan, overwrite):
            log.info("saved %s", path)


def _classes_of(source: SourceConfig, layout: Layout) -> ClassMap | None:
    """Returns the class map to split by; None where there is none, so that each mask value counts as a class."""
    from converter.classes.find import find_class_map

    try:
        return find_class_map(source, layout).classes
    except UsageError as error:
        if source.classes is not None:
            raise
        log.info("no class map, so each mask value counts as a class (%s: %s)", error.where, error.what)
        return None


def _warn_of_scenes(source: SourceConfig, plan: SplitPlan, facts: list[PairFacts]) -> None:
    """Logs that frames of a video are in different splits, with the command that keeps them together."""
    from converter.checking.scenes import torn_scenes

    if plan.config.group is not None or (torn := torn_scenes(plan, facts)) is None:
        return
    fix = "Pass a --group that matches the name of the scene."
    if torn.group:
        command = dataclasses.replace(plan.config, group=torn.group).command()
        fix = f"Keep scenes together: {command} {options_of(source)} --overwrite"
    log.warning("Warning W_SCENES: %s. %s", torn, fix)


def _read_all(layout: Layout, source: SourceConfig, workers: int, *, tolerance: int = 0) -> list[PairFacts]:
    """Reads every pair of a dataset, with a progress bar."""
    from converter.checking.survey import survey
    from converter.sources.levels import with_levels

    source = with_levels(source, num_workers(workers))
    refs = [ref for pairs in layout.refs.values() for ref in pairs]
    with Progress(len(refs), "pair") as progress:
        return survey(refs, source, num_workers(workers), progress.show, tolerance=tolerance)
