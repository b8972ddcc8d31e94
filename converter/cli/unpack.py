"""The command that writes records back as a dataset: unpack."""

from __future__ import annotations

from pathlib import Path

import click

from converter.errors import UsageError
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
@click.option("--coco", "annotations", flag_value="coco", help="Polygons in COCO's format in place of masks.")
@click.option("--yolo", "annotations", flag_value="yolo", help="Polygons in YOLO's format in place of masks.")
@click.option("--cvat", "annotations", flag_value="cvat", help="Polygons in CVAT's format in place of masks.")
def unpack(records: Path, folder: Path, masks: str, annotations: str | None) -> None:
    """Write records back as images, masks and split lists.

    Reads a folder of RECORDS. Writes the stored images and masks, a list for each split and classes.csv to DIR, for any
    viewer or annotation tool, and prints the command that builds records of them again.

    With --coco, --yolo or --cvat, polygons of the connected components take the place of masks, lists and classes.csv;
    `segconv masks` draws them to the same masks.

    \b
    Examples:
      segconv unpack records/ dataset/
      segconv unpack records/ annotations/ --cvat
    """  # noqa: D301
    from converter.unpacking.unpack import unpack as unpack_records

    if annotations and masks != MASKS[0]:
        raise UsageError("--masks", f"and --{annotations} contradict each other", "Leave one of them out.")
    report = unpack_records(records, folder, masks, annotations or "")
    print_result(report.to_text())
    log.info("next: %s", report.next_command())
