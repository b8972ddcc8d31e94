"""The command that writes records back as a dataset: unpack."""

from __future__ import annotations

from pathlib import Path

import click

from converter.system.console import log, print_result

MASKS = ("index", "color")


@click.command()
@click.argument("records", type=click.Path(path_type=Path))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--masks",
    type=click.Choice(MASKS),
    default=MASKS[0],
    help="Masks of class indices, or in the colours of the classes.",
)
def unpack(records: Path, folder: Path, masks: str) -> None:
    """Write records back as images, masks and split lists.

    Reads a folder of RECORDS. Writes the stored images and masks, a list for each split and classes.csv to DIR, for any
    viewer or annotation tool, and prints the command that builds records of them again.

    \b
    Example:
      segconv unpack records/ dataset/
    """  # noqa: D301
    from converter.unpacking.unpack import unpack as unpack_records

    report = unpack_records(records, folder, masks)
    print_result(report.to_text())
    log.info("next: %s", report.build_command())
