"""CLI: the segconv command. At its top click, pathlib and configuration alone, so that `--help` answers at once."""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from converter import __version__
from converter.config import (
    FITS,
    MASK_RESAMPLES,
    ON_ERROR,
    BuildConfig,
    PairConfig,
    SourceConfig,
    pair_text,
    parse_size,
)
from converter.console import log, print_json, print_result, set_verbosity
from converter.errors import EXIT_SKIPPED, MachineError, SegconvError, UsageError, shown
from trainer.cli import evaluate, train

DEFAULT = BuildConfig(SourceConfig(Path("dataset")))
SETTINGS = {
    "auto_envvar_prefix": "SEGCONV",
    "help_option_names": ["-h", "--help"],
    "show_default": True,
    "max_content_width": 100,
}


class Interrupted(BaseException):
    """The process was asked to end; no `except Exception` may hold it up."""

    def __init__(self, signal_number: int) -> None:
        self.exit_code = 128 + signal_number


@click.group(context_settings=SETTINGS)
@click.option("-v", "--verbose", count=True, help="Say more.")
@click.option("-q", "--quiet", is_flag=True, help="Say only warnings and errors.")
@click.version_option(__version__)
def segconv(verbose: int, quiet: bool) -> None:
    """Photographs and label masks to checked TFRecords, and a trained model.

    \b
    segconv sample dataset/         draw a dataset to try everything on
    segconv build --src dataset/    dataset/ -> records/
    segconv inspect shard           what is inside a shard
    segconv train                   records/ -> runs/<time>/
    segconv evaluate                scores of the newest run
    """  # noqa: D301 - \b is click's mark for lines that are not to be rewrapped
    set_verbosity(-1 if quiet else verbose)


segconv.add_command(train)
segconv.add_command(evaluate)


class Size(click.ParamType[tuple[int, int]]):
    """A size on the command line: one number, or HEIGHTxWIDTH."""

    name = "HEIGHTxWIDTH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Returns (height, width); fails as click does."""
        return value if isinstance(value, tuple) else parse_size(str(value))


@segconv.command()
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


def source_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds the options that say where a dataset is and how it is to be read: the fields of SourceConfig."""
    options = (
        click.option("--src", type=click.Path(path_type=Path), required=True, help="Folder of the dataset."),
        click.option("--layout", help="How the folder is laid out.  [default: told by what lies there]"),
        click.option("--image", metavar="TEMPLATE", help="Photographs, such as images/{split}/{stem}.jpg"),
        click.option("--mask", metavar="TEMPLATE", help="Masks, such as masks/{split}/{stem}.png"),
        click.option("--classes", metavar="FILE", help="Class map, or preset:NAME.  [default: found in the folder]"),
        click.option("--follow-links", is_flag=True, help="Read what links put outside the source folder."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _source(options: dict[str, Any]) -> SourceConfig:
    """Takes the values of `source_options` out of those of a command."""
    names = ("src", "layout", "image", "mask", "classes", "follow_links")
    return SourceConfig(**{name: options.pop(name) for name in names})


@segconv.command()
@source_options
@click.option("-o", "--out", type=click.Path(path_type=Path), default=DEFAULT.out, help="Folder for the records.")
@click.option("--name", help="Name of the dataset, in the shards' names.  [default: that of the source folder]")
@click.option("--size", type=Size(), default="512", help="Stored size in pixels; one number is a square.")
@click.option(
    "--fit", type=click.Choice(FITS), default=DEFAULT.pair.fit, help="How a picture of another shape is fitted."
)
@click.option("--keep-size", is_flag=True, help="Store each pair at its own size.")
@click.option(
    "--mask-resample", type=click.Choice(MASK_RESAMPLES), default=DEFAULT.pair.mask_resample, help="One pixel, or area."
)
@click.option("--image-format", metavar="FORMAT", default=DEFAULT.pair.image_format, help="jpeg:QUALITY, png or keep.")
@click.option(
    "--tolerance", type=click.IntRange(0), default=0, help="Levels by which a damaged mask colour may differ."
)
@click.option("--shard-mb", type=click.IntRange(1), default=DEFAULT.shard_mb, help="Target size of a shard, in MB.")
@click.option("--shards", type=click.IntRange(1), help="Shards of each split.  [default: as --shard-mb asks]")
@click.option("--seed", type=click.IntRange(0), default=DEFAULT.seed, help="Decides the order of the records.")
@click.option("--limit", type=click.IntRange(1), help="At most so many pairs of each split, by chance.")
@click.option("-j", "--workers", type=click.IntRange(0), default=0, help="Processes; 0 is one a processor.")
@click.option("--on-error", type=click.Choice(ON_ERROR), default=DEFAULT.on_error, help="What a bad pair does.")
@click.option("--allow-leak", is_flag=True, help="Let a photograph stand in two splits.")
@click.option("--overwrite", is_flag=True, help="Replace a finished dataset.")
@click.option("--dry-run", is_flag=True, help="Say what would be built, and stop.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of the table.")
@click.pass_context
def build(ctx: click.Context, /, dry_run: bool, json: bool, **options: Any) -> None:
    """Convert a folder of photographs and masks to records.

    Reads train.txt, val.txt (lines such as photo.jpg;mask.png), jpg/, png/ and classes.csv of the source folder.
    Writes TFRecord shards with an index each, the files that TFDS reads, and manifest.json, which comes last. The
    same sources and options give the same bytes, whatever -j is.

    \b
    Example:
      segconv build --src dataset/ --size 360x480
    """  # noqa: D301
    if options.pop("keep_size"):
        options["size"] = None
    pair = PairConfig(
        **{name: options.pop(name) for name in ("size", "fit", "mask_resample", "image_format", "tolerance")}
    )
    config = BuildConfig(_source(options), pair=pair, **options)
    from converter import build as building

    if dry_run and json:
        raise UsageError("--json", "tells what was built, and --dry-run builds nothing", "Leave one of them out.")
    if dry_run:
        print_result(building.plan_text(config))
        return
    log.info("%s, %d workers", pair_text(pair), config.num_workers)
    limit = building.SHOWN_REJECTS if sys.stderr.isatty() else None  # a file takes them all
    try:
        report = building.build(config)
    except building.RefusedPairsError as error:
        for line in building.rejects_text(error.rejects, "Error", limit=limit):
            log.error(line)
        raise
    for line in building.rejects_text(report.rejects, "Skipped", limit=limit):
        log.warning(line)
    if json:
        print_json(report.to_json())
    else:
        print_result(report.to_text())
    log.info("next: segconv inspect shard %s, then segconv train --data %s", config.out, config.out)
    if report.rejects:
        ctx.exit(EXIT_SKIPPED)


@segconv.command()
@click.argument("what", nargs=-1, metavar="[shard|dataset] [PATH]")
@click.option("--record", type=click.IntRange(0), help="One record of the shard, counted from 0.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Save a contact sheet, such as s.png.")
@click.option("--json", is_flag=True, help="Print one JSON object instead of the table.")
def inspect(what: tuple[str, ...], record: int | None, save: Path | None, json: bool) -> None:
    """Tell what is inside a shard or a dataset.

    Reads every record, holds its checksums and counts the pixels of each class. PATH is a shard or a folder of
    records; without one it is ./records, and `inspect shard` takes the first shard there.

    \b
    Examples:
      segconv inspect shard
      segconv inspect dataset records/ --save sheet.png
    """  # noqa: D301
    kind, path = _kind_and_path(what)
    from converter import inspect_shard as inspecting

    if record is not None and kind == "dataset":
        raise UsageError("--record", "counts the records of one shard", "Name a shard.")
    if kind == "dataset":
        manifest, reports = inspecting.inspect_dataset(path)
        classes, shards = manifest.classes, [report.path for report in reports]
        text, facts = inspecting.dataset_text(path, manifest, reports), inspecting.dataset_json(path, manifest, reports)
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
    if json:
        print_json(facts)
    else:
        print_result(text)
    for report in reports:
        if report.fault is not None:
            raise report.fault
    if save is not None:
        inspecting.save_sheet(records or inspecting.some_records(shards), classes, path.name, save)
        log.info("saved %s", save)


def _kind_and_path(what: tuple[str, ...]) -> tuple[str, Path]:
    """Returns ("shard" or "dataset", path) from what stands behind `segconv inspect`."""
    words = list(what)
    kind = words.pop(0) if words and words[0] in ("shard", "dataset") else None
    if len(words) > 1:
        raise UsageError("segconv inspect", f"takes one path, not {len(words)}", "Name one shard or folder.")
    path = Path(words[0]) if words else DEFAULT.out
    return kind or ("dataset" if path.is_dir() else "shard"), path


def main() -> NoReturn:
    """Runs the command; every failure of a user's is one line on stderr and an exit code."""
    _open_streams()
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # under nohup it stays ignored
            signal.signal(number, _interrupt)
    set_verbosity(0)  # until the options are read
    sys.exit(_run())


def _open_streams() -> None:
    """Makes sure that stdout and stderr can be written to: some callers close them, some have no Unicode."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115, PTH123 - for as long as the process lives
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _run() -> int:
    try:
        # Click gives the code of ctx.exit() back, and otherwise what the command returned.
        code = segconv.main(standalone_mode=False)
        return code if isinstance(code, int) else 0
    except SegconvError as error:
        log.error("Error: %s", error)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "segconv"
        log.error("Error: %s: %s See %s --help", command, error.format_message(), command)
        return error.exit_code
    except OSError as error:
        log.debug("", exc_info=True)
        where = shown(error.filename or "segconv")
        log.error("Error: %s: %s. Mend it, then run the same command again.", where, error.strerror or error)
        return MachineError.exit_code
    except (KeyboardInterrupt, click.Abort):
        log.error("Interrupted. No file was left half-written.")
        return 128 + signal.SIGINT
    except Interrupted as interrupted:
        log.error("Ended by a signal. No file was left half-written.")
        return interrupted.exit_code


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)
