"""Find: the class file of a source folder, or one given by name -> ClassMap.

A file is recognised by its content, never by its name alone. What its format leaves open is not guessed: it is refused
or reported in a note. Values are shifted only if the format itself counts from one. A class is ignored only if the
format says so or the class is named `ignore`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.classes.class_map import CLASSES_CSV, IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.classes.formats.base import LineError, data_lines
from converter.classes.formats.recognise import FIX, recognise
from converter.classes.formats.registry import FORMATS, NATIVE, Format
from converter.classes.native import read_class_text
from converter.classes.presets.registry import PREFIX, preset
from converter.config import SourceConfig
from converter.errors import DataError, UsageError
from converter.sources.layouts.find import Layout
from converter.system.files import resolve_inside

_VOIDS = ("void", "unlabelled", "unlabeled", "ignored", "unknown")  # they remain classes, with a note


@dataclass(frozen=True)
class FoundClasses:
    """A class map and where it comes from.

    Attributes:
      classes: the map.
      origin: path of the file, or preset:NAME.
      kind: of the file, such as "classes.csv" or "CVAT labelmap.txt"; for reports.
      notes: what a user should know about how the file was read, one clause each.
    """

    classes: ClassMap
    origin: str
    kind: str
    notes: tuple[str, ...] = ()


def find_class_map(source: SourceConfig, layout: Layout) -> FoundClasses:
    """Returns the class map of a dataset.

    In this order: the one that `source` names; classes.csv in the source folder; a class file of another format at its
    usual place; the class file or the preset of the layout.

    Raises:
      UsageError: there is none, it is invalid, or several files disagree.
    """
    if source.classes is not None:
        if source.classes.startswith(PREFIX):
            return _of_preset(source.classes.removeprefix(PREFIX))
        return read_class_file(Path(source.classes))
    native = _inside(source, CLASSES_CSV)
    if native is not None:
        return read_class_file(native)
    found, skipped = _foreign_files(source)
    if any(file.classes != found[0].classes for file in found):
        origins = ", ".join(file.origin for file in found)
        fix = "Name the right one with --classes."
        raise UsageError(source.src, f"contains class files that disagree: {origins}", fix, "E_CLASSES")
    if found:
        return found[0]
    if layout.class_file:
        return read_class_file(source.src / layout.class_file)
    if layout.preset is not None:
        return _of_preset(layout.preset)
    what = "; ".join(("does not exist, nor any other class file", *skipped))
    fix = (
        f"Write one from the values of the masks with `segconv classes --src {source.src} --write`, "
        f"or pass --classes FILE or --classes {PREFIX}NAME."
    )
    raise UsageError(source.src / CLASSES_CSV, what, fix, "E_CLASSES")


def read_class_file(path: Path) -> FoundClasses:
    """Returns the class map in a file of any format that segconv knows, with its kind and notes.

    A bare list of names is accepted here: its first line is the name of value 0. `find_class_map` does not accept one,
    since such lists are as often without the background as with it.

    Raises:
      UsageError: the file is missing, is not text, is of no known format, or is invalid; the message names the line.
    """
    text = read_class_text(path)
    form, content = recognise(text, path, is_named=True) or (FORMATS[NATIVE], text)  # whose reader reports the problem
    return _parse(form, content, path)


def _of_preset(name: str) -> FoundClasses:
    return FoundClasses(preset(name), f"{PREFIX}{name}", "preset")


def _inside(source: SourceConfig, name: str) -> Path | None:
    """Returns the path of a file below the source folder; None if nothing has that name."""
    path = source.src / name
    if not os.path.lexists(path):
        return None
    try:
        return resolve_inside(source.src, name, follow_links=source.follow_links)
    except DataError as error:
        raise UsageError(path, error.what, error.fix, error.code) from None


def _foreign_files(source: SourceConfig) -> tuple[list[FoundClasses], list[str]]:
    """Returns the class files in a source folder, and why each skipped file was skipped."""
    found, skipped = [], []
    places = [place for form in FORMATS.values() for place in form.places]
    shared_places = dict.fromkeys(place for form in FORMATS.values() for place in form.shared_places)
    for name in (*places, *shared_places):
        path = _inside(source, name)
        if path is None:
            continue
        try:
            text = read_class_text(path)
            recognised = recognise(text, path)
        except UsageError as error:
            if name not in shared_places:
                raise
            skipped.append(f"{name} {error.what}")
            continue
        if recognised is not None:
            found.append(_parse(*recognised, path))
        elif name in shared_places:
            skipped.append(f"{name} does not say which value is which class")
        else:
            first = next((line for _, line in data_lines(text)), "")
            what = f"begins with {first[:60]!r}, which fits no known class file format"
            raise UsageError(path, what, FIX, "E_CLASSES")
    return found, skipped


def _parse(form: Format, content: Any, path: Path) -> FoundClasses:
    """Returns the class map of a recognised file."""
    if form.has_own_reader:
        return FoundClasses(form.class_map(content, path), str(path), form.kind)
    builder = ClassMapBuilder()
    notes = []
    lines: dict[str, int] = {}
    merged: dict[str, str] = {}
    where, whose = str(path), ""
    try:
        for row in form.rows(content):
            if isinstance(row, str):
                notes.append(row)
                continue
            where, whose = (f"{path}:{row.line}", "") if row.line else (str(path), f"class {row.name!r}: ")
            if row.line and lines.setdefault(row.name, row.line) != row.line:
                merged[row.name] = f"class {row.name!r} of line {lines[row.name]} has values in later lines too"
            builder.add(IGNORE_NAME if row.name == "__ignore__" else row.name, row.value)
            where, whose = str(path), ""
        classes = builder.finish()
    except ValueError as error:
        where = f"{path}:{error.line}" if isinstance(error, LineError) else where
        raise UsageError(where, f"{whose}{error}", FIX, "E_CLASSES") from None
    notes += merged.values()
    for name in classes.names:
        if name.lower() in _VOIDS:
            notes.append(f"class {name!r} is kept as a class; call it {IGNORE_NAME} in a classes.csv to leave it out")
    return FoundClasses(classes, str(path), form.kind, tuple(notes))
