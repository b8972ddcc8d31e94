"""Sheet: records -> a contact sheet, each image with its classes overlaid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image

from converter.dataset.example import Record, decode_record
from converter.dataset.manifest import ClassInfo
from converter.dataset.tfrecord import read_shard
from converter.errors import REBUILD, DataError, UsageError, shown
from converter.pixels.colors import Color
from converter.pixels.overlays import contact_sheet, overlay
from converter.schema import IGNORE_INDEX
from converter.system.files import whole_file
from converter.system.outputs import MARK, check_output_file

SHEET_RECORDS = 12  # images on a contact sheet
SHEET_COLUMNS = 4
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif")  # of the formats that can hold our mark
CELL_SIDE = 320  # maximum height and width of an image on it, in pixels


def save_sheet(records: list[Record], classes: Sequence[ClassInfo], title: str, path: Path) -> None:
    """Saves a contact sheet: each image with its classes overlaid, and the legend.

    Raises:
      DataError: an image or mask is damaged.
      UsageError: as `check_output_file` with SUFFIXES.
      MachineError: it cannot be written.
    """
    if not records:
        raise UsageError(path, "would be empty: there is no record", "Name a shard with records.", "E_NO_RECORD")
    colors = [info.color for info in classes]
    cells = _of_one_size([_overlay(record, colors) for record in records])
    rows = [cells[start : start + SHEET_COLUMNS] for start in range(0, len(cells), SHEET_COLUMNS)]
    legend: list[tuple[str, Color | None]] = [(info.name, info.color) for info in classes]
    if any((record.mask == IGNORE_INDEX).any() for record in records):
        legend.append(("(ignored)", None))
    sheet = contact_sheet(rows, captions=[shown(record.name) for record in records], legend=legend, title=title)
    check_output_file(path, SUFFIXES)
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = MARK
    with whole_file(path) as temporary:
        sheet.save(temporary, exif=exif, comment=MARK)


def some_records(shards: Sequence[Path]) -> list[Record]:
    """Returns up to 12 records, taken in turn from the start of each shard."""
    readers: list[Iterator[bytes]] = [read_shard(path.parent, path.name) for path in shards]
    found: list[Record] = []
    while readers and len(found) < SHEET_RECORDS:
        for reader in list(readers):
            data = next(reader, None)
            if data is None:
                readers.remove(reader)
            elif len(found) < SHEET_RECORDS:
                found.append(decode_record(data, "record"))
    return found


def _overlay(record: Record, colors: Sequence[Color]) -> np.ndarray:
    image, mask = record.image, record.mask
    if image.shape[:2] != mask.shape:
        raise DataError(record.file_name, "has another size than its mask in the record", REBUILD, "E_RECORD")
    return overlay(image, mask, colors)


def _of_one_size(cells: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Returns images scaled to one size, at most CELL_SIDE either way, padded with white.

    An overlay may be blended; a mask may not.
    """
    images = [Image.fromarray(cell) for cell in cells]
    images = [_scaled(image, (CELL_SIDE, CELL_SIDE)) if max(image.size) > CELL_SIDE else image for image in images]
    size = max(image.width for image in images), max(image.height for image in images)
    scaled = []
    for image in images:
        inside = _scaled(image, size)
        cell = Image.new("RGB", size, "white")
        cell.paste(inside, ((size[0] - inside.width) // 2, (size[1] - inside.height) // 2))
        scaled.append(np.asarray(cell))
    return scaled


def _scaled(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Returns an image scaled to fit `size`, (width, height), with its aspect ratio preserved."""
    scale = min(size[0] / image.width, size[1] / image.height)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Image.Resampling.BOX)
