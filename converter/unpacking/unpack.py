"""Unpack: records -> images and masks as files, a list for each split, and classes.csv, as build reads them.

All of it is made in a hidden folder beside the output folder, and renamed when it is complete.
"""

from __future__ import annotations

import dataclasses
import os
import posixpath
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from converter.classes.class_map import CLASSES_CSV, IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.classes.native import to_csv
from converter.dataset.example import Record
from converter.dataset.manifest import Manifest
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.errors import DataError, UsageError
from converter.pixels.colors import Color
from converter.pixels.masks import PNG_LEVEL
from converter.pixels.signatures import JPEG_SIGNATURE
from converter.schema import IGNORE_INDEX
from converter.sources.lists.text import why_unlistable
from converter.system.console import Progress, table
from converter.system.files import check_relative, temporary_path, write_error

_JPEG, _PNG = (".jpg", ".jpeg"), (".png",)


@dataclass(frozen=True)
class UnpackReport:
    """What was unpacked.

    Attributes:
      out: folder of the dataset.
      manifest: of the records.
      records: number of records of each split.
    """

    out: Path
    manifest: Manifest
    records: dict[str, int]

    def to_text(self) -> str:
        """Returns the number of records of each split, as a table."""
        rows: list[tuple[str, ...]] = [
            ("split", "records"),
            *((split, str(count)) for split, count in self.records.items()),
        ]
        return f"{self.out}: {self.manifest.name}\n\n{table(rows)}"

    def build_command(self) -> str:
        """Returns the command that makes records of it again."""
        shards = {len(split.shards) for split in self.manifest.splits.values()}
        words = ["segconv", "build", "--src", str(self.out), "--name", self.manifest.name]
        words += ["--keep-size", "--image-format", "keep"]
        return shlex.join([*words, "--shards", str(shards.pop())] if len(shards) == 1 else words)


def unpack(records: Path, out: Path, masks: str = "index") -> UnpackReport:
    """Writes the dataset that records hold: images and masks byte for byte, under the paths that they came from.

    The extension of a path becomes that of the stored format. Tiles are named by their corners, "a@448_0.jpg". Where
    two records have one path all the same, a number is added.

    Args:
      records: folder of records.
      out: folder of the dataset; must not exist, or be empty.
      masks: "index": grey PNG of class indices, as they are stored; "color": palette PNG of the classes' colours.

    Raises:
      UsageError: no records, an output folder that holds something, or classes that share a colour.
      DataError: a shard is damaged, or a record names a path that cannot be written.
      MachineError: the output folder cannot be written.
    """
    manifest = read_manifest(records)
    if os.path.lexists(out) and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(out, "holds something already", "Choose another folder.", "E_OUT")
    classes = _class_map(manifest, masks)
    hidden = temporary_path(Path(os.path.abspath(out)))  # noqa: PTH100 - "." has no name
    try:
        try:
            hidden.mkdir(parents=True)
            _Writer(hidden, manifest, masks).write(records)
            (hidden / CLASSES_CSV).write_text(to_csv(classes), "utf-8", newline="\n")
            if out.is_dir():
                out.rmdir()
            hidden.rename(out)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
    except OSError as error:
        raise write_error(out, error) from error
    counts = {split: sum(shard.records for shard in info.shards) for split, info in manifest.splits.items()}
    return UnpackReport(out, manifest, counts)


def _class_map(manifest: Manifest, masks: str) -> ClassMap:
    """Returns the class map of the masks that are written.

    Raises:
      UsageError: two classes have the same colour, and masks are to be in colours.
    """
    builder = ClassMapBuilder()
    seen: dict[Color, str] = {}
    for info in manifest.classes:
        if masks == "color" and info.color in seen:
            what = f"draws {info.name!r} and {seen[info.color]!r} in the same colour, {info.color}"
            raise UsageError("--masks color", what, "Pass --masks index.")
        seen[info.color] = info.name
        builder.add(info.name, info.color if masks == "color" else info.id, info.id)
    builder.add(IGNORE_NAME, _ignore_color(manifest) if masks == "color" else IGNORE_INDEX)
    return builder.finish()


def _ignore_color(manifest: Manifest) -> Color:
    """Returns the colour of ignored pixels: Pascal VOC's, or a grey, that no class has."""
    used = {info.color for info in manifest.classes}
    return next(color for color in ((224, 224, 192), *((grey,) * 3 for grey in range(256))) if color not in used)


class _Writer:
    """Writes the files of a dataset below a folder."""

    def __init__(self, folder: Path, manifest: Manifest, masks: str) -> None:
        self.folder = folder
        self.manifest = manifest
        palette = np.zeros((256, 3), np.uint8)
        palette[: manifest.num_classes] = [info.color for info in manifest.classes]
        palette[IGNORE_INDEX] = _ignore_color(manifest)
        self.palette = palette.tobytes() if masks == "color" else None
        self.taken = {CLASSES_CSV, *(f"{split}.txt" for split in manifest.splits)}

    def write(self, records: Path) -> None:
        """Writes all records, and the list of each split."""
        total = sum(shard.records for info in self.manifest.splits.values() for shard in info.shards)
        done = 0
        with Progress(total, "record") as progress:
            for split in self.manifest.splits:
                lines = []
                for record in _records(RecordSource(records, split)):
                    lines.append(self._write(record))
                    done += 1
                    progress.show(done)
                (self.folder / f"{split}.txt").write_text("".join(lines), "utf-8", newline="\n")

    def _write(self, record: Record) -> str:
        """Writes one record; returns its line in the list."""
        suffixes = _JPEG if record.image_bytes.startswith(JPEG_SIGNATURE) else _PNG
        image = self._path(record.name, suffixes)
        mask_name = record.mask_name or f"masks/{posixpath.splitext(record.file_name)[0]}.png"
        mask = self._path(dataclasses.replace(record, file_name=mask_name).name, _PNG)  # of a tile with its corner
        for path, data in ((image, record.image_bytes), (mask, record.mask_bytes)):
            final = self.folder / path
            final.parent.mkdir(parents=True, exist_ok=True)
            final.write_bytes(data)
        if self.palette is not None:
            picture = Image.fromarray(record.mask)
            picture.putpalette(self.palette)
            picture.save(self.folder / mask, compress_level=PNG_LEVEL)
        return f"{image};{mask}\n"

    def _path(self, name: str, suffixes: tuple[str, ...]) -> str:
        """Returns the path of a file, with one of the extensions, that no other record has.

        Raises:
          DataError: it leads out of the folder, or no list can name it.
        """
        check_relative(name)
        if why := why_unlistable(name):
            raise DataError(name, why, "Rename the file in the source folder, and build the records again.", "E_PATH")
        stem, suffix = posixpath.splitext(name)
        suffix = suffix if suffix.lower() in suffixes else suffixes[0]
        path, number = f"{stem}{suffix}", 1
        while path in self.taken:
            number += 1
            path = f"{stem}-{number}{suffix}"
        self.taken.add(path)
        return path


def _records(source: RecordSource) -> Iterator[Record]:
    return (source[number] for number in range(len(source)))
