"""Options that several commands share: where a dataset is, what is done to a pair, how much of the machine is used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from converter.classes.presets import PRESETS
from converter.config import FITS, MASK_RESAMPLES, BuildConfig, PairConfig, SourceConfig, parse_size
from converter.errors import UsageError
from converter.sources.layouts.registry import LAYOUTS

DEFAULT = BuildConfig(SourceConfig(Path("dataset")))
Command = Callable[..., None]


class Size(click.ParamType[tuple[int, int]]):
    """A size on the command line: one number, or HEIGHTxWIDTH."""

    name = "HEIGHTxWIDTH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Returns (height, width); fails as click does."""
        return value if isinstance(value, tuple) else parse_size(str(value))


def _adds(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return add


reading_options = _adds(
    click.option(
        "--layout",
        metavar="NAME",
        help=f"How the folder is laid out: {', '.join(LAYOUTS)}.  [default: detected from what lies there]",
    ),
    click.option("--image", metavar="TEMPLATE", help="Photographs, such as images/{split}/{stem}.jpg"),
    click.option("--mask", metavar="TEMPLATE", help="Masks, such as masks/{split}/{stem}.png"),
    click.option(
        "--classes",
        metavar="FILE",
        help=f"Class map, or preset:NAME: {', '.join(PRESETS)}.  [default: found in the folder]",
    ),
    click.option("--follow-links", is_flag=True, help="Read what links put outside the folder."),
)

source_options = _adds(
    click.option("--src", type=click.Path(path_type=Path), required=True, help="Folder of the dataset."),
    reading_options,
)

pair_options = _adds(
    click.option(
        "--size",
        type=Size(),
        metavar="HEIGHTxWIDTH",
        help="Stored size in pixels; one number is a square.  [default: 512]",
    ),
    click.option("--keep-size", is_flag=True, help="Store each pair at its own size."),
    click.option("--fit", type=click.Choice(FITS), default=DEFAULT.pair.fit, help="What becomes of another shape."),
    click.option(
        "--mask-resample",
        type=click.Choice(MASK_RESAMPLES),
        default=DEFAULT.pair.mask_resample,
        help="Sample one pixel, or take the class with the most area.",
    ),
    click.option(
        "--image-format", metavar="FORMAT", default=DEFAULT.pair.image_format, help="jpeg:QUALITY, png or keep."
    ),
    click.option("--tolerance", type=int, default=0, help="Levels by which a damaged mask colour may differ."),
)

workers_option = click.option(
    "-j",
    "--workers",
    type=click.IntRange(0),
    default=0,
    help="Processes; 0 is one a processor, within a container's share.",
)


def source_of(options: dict[str, Any]) -> SourceConfig:
    """Takes the values of `source_options` out of those of a command."""
    names = ("src", "layout", "image", "mask", "classes", "follow_links")
    return SourceConfig(**{name: options.pop(name) for name in names})


def pair_of(options: dict[str, Any]) -> PairConfig:
    """Takes the values of `pair_options` out of those of a command."""
    names = ("fit", "mask_resample", "image_format", "tolerance")
    size, keeps_size = options.pop("size"), options.pop("keep_size")
    if size is not None and keeps_size:
        raise UsageError("--keep-size", "and --size contradict each other", "Leave one of them out.")
    stored = None if keeps_size else size or DEFAULT.pair.size
    return PairConfig(size=stored, **{name: options.pop(name) for name in names})
