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
from converter.errors import UsageError
from converter.pixels.colors import Color
from converter.pixels.masks import PNG_LEVEL
from converter.pixels.polygons import opencv
from converter.pixels.signatures import JPEG_SIGNATURE
from converter.schema import IGNORE_INDEX
from converter.system.console import Progress, table
from converter.system.files import check_relative, temporary_path, write_error
from converter.unpacking.annotated import FORMATS, Photograph, labels_of
from converter.unpacking.paths import Paths

_JPEG, _PNG = (".jpg", ".jpeg"), (".png",)


@dataclass(frozen=True)
class UnpackReport:
    """What was unpacked.

    Attributes:
      out: folder of the dataset.
      manifest: of the records.
      records: number of records of each split.
      annotations: format of the annotations; "" where masks were written.
    """

    out: Path
    manifest: Manifest
    records: dict[str, int]
    annotations: str = ""

    def to_text(self) -> str:
        """Returns the number of records of each split, as a table."""
        rows: list[tuple[str, ...]] = [
            ("split", "records"),
            *((split, str(count)) for split, count in self.records.items()),
        ]
        return f"{self.out}: {self.manifest.name}\n\n{table(rows)}"

    def next_command(self) -> str:
        """Returns the command that makes records of it again, or masks of its annotations."""
        if self.annotations:
            out = Path(f"{self.out}-masks")
            return shlex.join(["segconv", "masks", "--src", str(self.out), "--out", str(out)])
        shards = {len(split.shards) for split in self.manifest.splits.values()}
        words = ["segconv", "build", "--src", str(self.out), "--name", self.manifest.name]
        words += ["--keep-size", "--image-format", "keep"]
        return shlex.join([*words, "--shards", str(shards.pop())] if len(shards) == 1 else words)


def unpack(records: Path, out: Path, masks: str = "index", annotations: str = "") -> UnpackReport:
    """Writes the dataset that records hold: images and masks byte for byte, under the paths that they came from.

    The extension of a path becomes that of the stored format. Tiles are named by their corners, "a@448_0.jpg". Where
    two records have one path all the same, a number is added.

    Args:
      records: folder of records.
      out: folder of the dataset; must not exist, or be empty.
      masks: "index": grey PNG of class indices, as they are stored; "color": palette PNG of the classes' colours.
      annotations: "coco", "yolo" or "cvat": polygons in place of masks, lists and classes.csv; "" for none.

    Raises:
      UsageError: no records, an output folder that holds something, classes that share a colour, or polygons without
        opencv.
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
            if annotations:
                _Annotator(hidden, manifest, annotations).write(records)
            else:
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
    return UnpackReport(out, manifest, counts, annotations)


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
        self.paths = Paths({CLASSES_CSV, *(f"{split}.txt" for split in manifest.splits)})

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
        suffixes = _suffixes(record)
        image = self.paths.of(record.name, suffixes)
        mask_name = record.mask_name or f"masks/{posixpath.splitext(record.file_name)[0]}.png"
        mask = self.paths.of(dataclasses.replace(record, file_name=mask_name).name, _PNG)  # of a tile with its corner
        for path, data in ((image, record.image_bytes), (mask, record.mask_bytes)):
            final = self.folder / path
            final.parent.mkdir(parents=True, exist_ok=True)
            final.write_bytes(data)
        if self.palette is not None:
            picture = Image.fromarray(record.mask)
            picture.putpalette(self.palette)
            picture.save(self.folder / mask, compress_level=PNG_LEVEL)
        return f"{image};{mask}\n"


class _Annotator:
    """Writes photographs and their polygons below a folder."""

    def __init__(self, folder: Path, manifest: Manifest, kind: str) -> None:
        opencv(f"--{kind}")
        self.folder = folder
        self.manifest = manifest
        self.kind = kind
        self.paths = Paths(by_stem=kind == "yolo")  # whose files of labels have the names of the photographs

    def write(self, records: Path) -> None:
        """Writes all records."""
        labels = labels_of(self.manifest)
        writer = FORMATS[self.kind](self.folder, labels)
        try:
            with Progress(sum(info.records for info in self.manifest.splits.values()), "record") as progress:
                done = 0
                for split in self.manifest.splits:
                    for record in _records(RecordSource(records, split)):
                        mask = record.mask
                        path = self._write_image(record, split)
                        writer.add(Photograph(path, split, mask.shape, labels.polygons(mask)))
                        done += 1
                        progress.show(done)
            writer.finish()
        finally:
            writer.close()

    def _write_image(self, record: Record, split: str) -> str:
        """Writes the photograph of a record; returns its path."""
        check_relative(record.name)
        # The folders of a YOLO dataset say the split of what is in them, whatever other folders are called.
        name = record.name.replace("/", "-") if self.kind == "yolo" else record.name
        path = self.paths.of(f"images/{split}/{name}", _suffixes(record))
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_bytes(record.image_bytes)
        return path


def _suffixes(record: Record) -> tuple[str, ...]:
    """Returns the extensions of the format of a stored image, the usual one first."""
    return _JPEG if record.image_bytes.startswith(JPEG_SIGNATURE) else _PNG


def _records(source: RecordSource) -> Iterator[Record]:
    return (source[number] for number in range(len(source)))
