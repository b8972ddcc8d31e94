"""Options shared by several commands: where a dataset is, what is done to a pair, how many processes run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from converter.classes.presets import PRESETS
from converter.config import (
    EDGES,
    FITS,
    MASK_RESAMPLES,
    MISSING_MASK,
    BuildConfig,
    PairConfig,
    SourceConfig,
    TileConfig,
    parse_bands,
    parse_size,
)
from converter.errors import UsageError
from converter.sources.layouts.registry import LAYOUTS
from converter.sources.names import split_of
from converter.system.urls import UrlPath

DEFAULT = BuildConfig(SourceConfig(Path("dataset")))
Command = Callable[..., None]
FILE = "segconv.toml"  # in the current folder: defaults of options, one table a command
RUN_GIVEN = "segconv.config"  # in the context: the defaults are the options of another run


class SplitFile(click.ParamType[tuple[str, str]]):
    """A list on the command line: SPLIT=FILE, or FILE alone if the name or the rows of the list say the split."""

    name = "SPLIT=FILE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Returns (split, path of the list); split "" if the list says it."""
        if isinstance(value, tuple):
            return value
        before, equals, after = str(value).partition("=")
        split = split_of(before) if equals else None
        return (split, after) if split else ("", str(value))


class Size(click.ParamType[tuple[int, int]]):
    """A size on the command line: one number, or HEIGHTxWIDTH."""

    name = "HEIGHTxWIDTH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Returns (height, width) of a size that was given."""
        return value if isinstance(value, tuple) else parse_size(str(value))


def _adds(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


layout_options = _adds(
    click.option(
        "--layout",
        metavar="NAME",
        help=f"Layout of the folder: {', '.join(LAYOUTS)}.  [default: detected from the files]",
    ),
    click.option("--image", metavar="TEMPLATE", help="Path of each image, such as images/{split}/{stem}.jpg."),
    click.option("--mask", metavar="TEMPLATE", help="Path of each mask, such as masks/{split}/{stem}.png."),
)

list_options = _adds(
    click.option(
        "--list",
        "lists",
        type=SplitFile(),
        multiple=True,
        help="Split list, such as val=my_val.txt; may be repeated.  [default: found in the folder]",
    ),
    click.option("--follow-links", is_flag=True, help="Follow symbolic links out of the folder."),
    click.option("--fold", type=click.IntRange(0), metavar="I", help="Fold that is val; the other folds are train."),
)

reading_options = _adds(
    layout_options,
    click.option(
        "--classes",
        metavar="FILE|preset:NAME",
        help=f"Class map; presets: {', '.join(PRESETS)}.  [default: found in the folder]",
    ),
    list_options,
    click.option(
        "--missing-mask",
        type=click.Choice(MISSING_MASK),
        default=DEFAULT.source.missing_mask,
        help="What an image without a mask is.",
    ),
)

sample_options = _adds(
    click.option("--bands", metavar="R,G,B", help="Bands to read from each image, counted from 1, such as 3,2,1."),
    click.option(
        "--range",
        metavar="LOW:HIGH|percentile:LOW:HIGH",
        help="Levels that become 0 and 255 where an image has more than 8 bits.",
    ),
)

source_options = _adds(
    click.option("--src", type=click.Path(path_type=UrlPath), required=True, help="Source folder (the dataset)."),
    reading_options,
    sample_options,
)

pair_options = _adds(
    click.option(
        "--size",
        type=Size(),
        metavar="HEIGHTxWIDTH",
        help="Stored size in pixels; one number means a square.  [default: 512]",
    ),
    click.option("--keep-size", is_flag=True, help="Store each pair at its original size."),
    click.option(
        "--fit",
        type=click.Choice(FITS),
        default=DEFAULT.pair.fit,
        help="How to handle a different aspect ratio; tile cuts windows of --size out of large photographs.",
    ),
    click.option("--overlap", type=int, metavar="PIXELS", help="tile: pixels that neighbours share.  [default: 64]"),
    click.option(
        "--edge", type=click.Choice(EDGES), help="tile: move the last tile inwards, or pad it.  [default: shift]"
    ),
    click.option("--scale", type=float, metavar="FACTOR", help="tile: resize by this before cutting.  [default: 1]"),
    click.option("--gsd", type=float, metavar="METRES", help="tile: resize to metres a pixel, which a GeoTIFF says."),
    click.option(
        "--max-ignored",
        type=float,
        metavar="SHARE",
        help="tile: drop tiles of which more is ignored.  [default: 0.95]",
    ),
    click.option(
        "--mask-resample",
        type=click.Choice(MASK_RESAMPLES),
        default=DEFAULT.pair.mask_resample,
        help="Take the nearest pixel, or the class with the most area.",
    ),
    click.option(
        "--image-format",
        metavar="FORMAT",
        default=DEFAULT.pair.image_format,
        help="Image encoding: jpeg:QUALITY, png or keep.",
    ),
    click.option("--tolerance", type=int, default=0, help="Maximum difference per channel from a listed mask colour."),
)


def file_defaults(ctx: click.Context) -> dict[str, Any]:
    """Returns what segconv.toml says of the options of this command, by the names of its parameters."""
    found: dict[str, Any] = ctx.meta.get(FILE, {})
    return found


workers_option = click.option(
    "-j",
    "--workers",
    type=click.IntRange(0),
    default=0,
    help="Number of worker processes; 0 means one per available CPU.",
)


def source_of(options: dict[str, Any]) -> SourceConfig:
    """Removes the values of `source_options` from `options` and returns them as a SourceConfig."""
    names = ("src", "layout", "image", "mask", "classes", "follow_links", "lists", "fold", "missing_mask", "range")
    bands = options.pop("bands", None)
    found = {name: options.pop(name) for name in names if name in options}
    return SourceConfig(**found, bands=() if bands is None else parse_bands(bands))


def pair_of(options: dict[str, Any]) -> PairConfig:
    """Removes the values of `pair_options` from `options` and returns them as a PairConfig."""
    names = ("fit", "mask_resample", "image_format", "tolerance")
    size, keeps_size = options.pop("size"), options.pop("keep_size")
    if size is not None and keeps_size:
        raise UsageError("--keep-size", "and --size contradict each other", "Leave one of them out.")
    stored = None if keeps_size else size or DEFAULT.pair.size
    given = {name: options.pop(name) for name in ("overlap", "edge", "scale", "max_ignored", "gsd")}
    chosen = {name: value for name, value in given.items() if value is not None}
    return PairConfig(size=stored, tile=TileConfig(**chosen) if chosen else None, **{n: options.pop(n) for n in names})
