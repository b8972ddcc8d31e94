"""Inputs: what a user names on the command line -> photographs, each with a name of its own below the output folder."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import math
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from converter.config import SourceConfig
from converter.dataset.parse import read_manifest
from converter.dataset.reader import RecordSource
from converter.errors import DataError, UsageError
from converter.limits import MAX_RASTER_BYTES, MAX_WORLD_BYTES
from converter.pixels.bands import AS_STORED, Samples
from converter.schema import MANIFEST
from converter.sources.lists.text import HEADER, read_split_list
from converter.sources.names import has_extension, stem_of
from converter.sources.rasters import is_beyond
from converter.sources.tree import list_tree
from converter.system.console import log
from converter.system.files import (
    NotRegularError,
    Stamp,
    check_relative,
    opened_inside,
    read_regular,
    read_stamped,
)

_PATTERN = re.compile(r"[*?\[]")
WORLD_NUMBERS = 6  # of a world file: the transform from pixels to a map
BLOCK_BYTES = 1 << 20  # that are read at a time
_FIX = "Pass photographs, folders, patterns such as 'photos/*.jpg', a list (.txt), or a folder of records."


@dataclass(frozen=True)
class Photograph:
    """One photograph to predict.

    Attributes:
      name: its path below the folder, list or pattern that it was found by; outputs have the same.
      folder: in which `path` is.
      path: of the file, relative to `folder`; of a record, that of the photograph that it was built from.
      source: the records that it is stored in; None for a file.
      number: of its record in `source`.
    """

    name: str
    folder: Path
    path: str
    source: RecordSource | None = None
    number: int = 0

    @property
    def where(self) -> str:
        """For messages: the path as the user wrote it."""
        return str(self.folder / self.path)

    @property
    def is_tile(self) -> bool:
        """Whether it is a tile, which has the size of things in it that the run was trained on."""
        return self.source is not None and self.source.manifest.fit == "tile"

    def read(self) -> tuple[bytes, Stamp | None]:
        """Returns the content of the file, and its stamp, as `read_stamped` does.

        Raises:
          DataError: it is missing, empty, too large or not a regular file, or its shard is damaged.
          MachineError: the disk failed.
        """
        if self.source is not None:
            return self.source[self.number].image_bytes, None
        try:
            return read_stamped(self.folder, self.path, follow_links=True)
        except DataError as error:
            raise DataError(self.where, error.what, error.fix, error.code) from None

    def digest(self) -> tuple[str, Stamp | None]:
        """Returns the SHA-256 of the content in hex, and the stamp as `read` does; a file of any size is not held.

        Raises:
          DataError, MachineError: as `read`.
        """
        if self.source is not None:
            return hashlib.sha256(self.source[self.number].image_bytes).hexdigest(), None
        now_ns, digest = time.time_ns(), hashlib.sha256()
        try:
            with opened_inside(self.folder, self.path, follow_links=True, most=MAX_RASTER_BYTES) as (file, info):
                while block := file.read(BLOCK_BYTES):
                    digest.update(block)
        except DataError as error:
            raise DataError(self.where, error.what, error.fix, error.code) from None
        stamp = Stamp.of(info)
        return digest.hexdigest(), stamp if stamp.is_settled(now_ns) else None

    def world_file(self) -> bytes | None:
        """Returns the content of the world file beside the file, such as a.jgw or a.wld; None where there is none."""
        stem, _, suffix = self.path.rpartition(".")
        if self.source is not None or not stem:
            return None
        names = [f"{stem}.{suffix[:1]}{suffix[-1:]}w", f"{stem}.{suffix}w", f"{stem}.wld"]
        for name in [*names, *(f"{stem}.{name[len(stem) + 1 :].upper()}" for name in names)]:
            with contextlib.suppress(OSError, NotRegularError, ValueError):
                data = read_regular(self.folder / name, MAX_WORLD_BYTES)
                numbers = [float(number) for number in data.split()]
                if len(numbers) == WORLD_NUMBERS and all(map(math.isfinite, numbers)):
                    return data
        return None

    def raster_source(self, samples: Samples, max_pixels: int) -> SourceConfig:
        """Returns how the file is opened as a Raster, by `path`.

        Args:
          samples: bands and levels that are read from it.
          max_pixels: a TIFF with more is read by windows.
        """
        return SourceConfig(
            self.folder, follow_links=True, max_pixels=max_pixels, bands=samples.bands, levels=samples.levels
        )

    def is_raster(self, max_pixels: int) -> bool:
        """Returns whether it is read by windows; False for what cannot be read, of which `read` says why.

        Raises:
          MachineError: the disk failed.
        """
        if self.source is not None:
            return False
        try:
            return is_beyond(self.path, self.raster_source(AS_STORED, max_pixels))
        except DataError:
            return False

    def stamp(self) -> Stamp | None:
        """Returns the stamp of the file without reading it; None for a record, or where there is none."""
        try:
            return None if self.source is not None else Stamp.of((self.folder / self.path).stat())
        except OSError:
            return None


def find_photographs(inputs: Sequence[str], out: Path) -> list[Photograph]:
    """Returns the photographs that a user names, in that order, those of a folder by name.

    Args:
      inputs: paths of files, folders, lists and folders of records, or patterns.
      out: the output folder, whose files are left out of a folder.

    Raises:
      UsageError: one of them does not exist, or names no photograph, or two photographs have the same name.
      DataError: a list holds a path that leads out of its folder.
    """
    found = [photograph for text in inputs for photograph in _named(text, out)]
    first: dict[str, Photograph] = {}
    for photograph in found:
        other = first.setdefault(stem_of(photograph.name), photograph)
        if other is not photograph:
            what = f"and {other.where} would have outputs of the same name"
            fix = "Rename one, or predict them into two folders: run segconv predict twice, each with its own --out."
            raise UsageError(photograph.where, what, fix, "E_DUPLICATE")
    return found


def _named(text: str, out: Path) -> list[Photograph]:
    path = Path(text)
    if (path / MANIFEST).is_file():
        found = list(_in_records(path))
    elif path.is_dir():
        found = _in_folder(path, out)
    elif path.suffix.lower() == ".txt" and path.exists():
        found = list(_in_list(path))
    elif path.exists():
        found = [Photograph(path.name, path.parent, path.name)]
    elif _PATTERN.search(text):
        found = _by_pattern(text)
    else:
        raise UsageError(text, "does not exist", _FIX, "E_MISSING")
    if not found:
        raise UsageError(text, "names no photograph", _FIX, "E_MISSING")
    return found


def _in_folder(folder: Path, out: Path) -> list[Photograph]:
    tree = list_tree(folder, follow_links=True)
    real = out.resolve()
    inside = f"{real.relative_to(folder.resolve())}/" if real.is_relative_to(folder.resolve()) else None
    files = [name for name in tree.files if inside is None or not name.startswith(inside)]
    found = [Photograph(name, folder, name) for name in files if has_extension(name)]
    if others := len(files) - len(found):
        log.info("%s: %d other file%s without the extension of a photograph.", folder, others, "s" * (others > 1))
    if tree.unnamed:
        log.warning("Warning: %s: %d names are not UTF-8 and left out.", folder, len(tree.unnamed))
    return found


def _in_list(path: Path) -> Iterator[Photograph]:
    lines = read_split_list("", path, path.name).lines
    lines = lines[1:] if HEADER.fullmatch(lines[0].fields[0]) else lines
    for line in lines:
        check_relative(line.fields[0])
    names = [str(PurePath(line.fields[0])) for line in lines]
    folder = _folder_of_list(path, names)
    yield from (Photograph(name, folder, name) for name in names)


def _folder_of_list(path: Path, names: list[str]) -> Path:
    """Returns the folder that has the first photograph of a list: beside it, or val_jpg/ and jpg/ there for val.txt."""
    folders = (path.parent, path.parent / f"{path.stem}_jpg", path.parent / "jpg")
    return next((folder for folder in folders if names and (folder / names[0]).exists()), path.parent)


def _by_pattern(text: str) -> list[Photograph]:
    parts = PurePath(text).parts
    fixed = next(number for number, part in enumerate(parts) if _PATTERN.search(part))
    folder = Path(*parts[:fixed])
    matches = glob.glob(text, recursive=True)  # noqa: PTH207 - Path.glob matches hidden files, too
    files = sorted(path for path in map(Path, matches) if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in files]
    return [Photograph(name, folder, name) for name in names]


def _in_records(folder: Path) -> Iterator[Photograph]:
    for split in read_manifest(folder).splits:
        source = RecordSource(folder, split)
        for number in range(len(source)):
            record = source[number]
            check_relative(record.file_name)
            yield Photograph(record.name, folder, record.file_name, source, number)
