"""Parse: the content of a recognised class file -> ClassMap, with all that its format says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.classes.class_map import IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.classes.formats.base import LineError, Row
from converter.classes.formats.recognise import FIX
from converter.classes.formats.registry import Format
from converter.classes.native import DRAFT_MARK, GUESS_MARK
from converter.errors import UsageError
from converter.schema import IGNORE_INDEX
from converter.sources.refs import Unused

_VOIDS = ("void", "unlabelled", "unlabeled", "ignored", "unknown")  # they remain classes, with a note


@dataclass(frozen=True)
class FoundClasses:
    """A class map and where it comes from.

    Attributes:
      classes: the map.
      origin: path of the file, or preset:NAME.
      kind: of the file, such as "classes.csv" or "CVAT labelmap.txt"; for reports.
      notes: what a user should know about how the file was read, one clause each.
      places: (number, class index) of each line, for masks that hold numbers under a file that lists colours.
      is_by_place: whether the place of a line may be its value, so that no line may be removed.
      is_draft: whether it is a draft of `segconv classes` that still says so.
      is_guess: whether that draft still says that its classes are a guess.
      warnings: class files that are not used, and a draft that nobody edited.
    """

    classes: ClassMap
    origin: str
    kind: str
    notes: tuple[str, ...] = ()
    places: tuple[tuple[int, int], ...] = ()
    is_by_place: bool = False
    is_draft: bool = False
    is_guess: bool = False
    warnings: tuple[Unused, ...] = ()


def parsed(form: Format, content: Any, path: Path) -> FoundClasses:
    """Returns the class map of a recognised file.

    Args:
      form: its format.
      content: the text or the JSON value, from `recognise`.
      path: of the file, for messages.

    Raises:
      UsageError: it is invalid; the message names the line.
    """
    if form.has_own_reader:
        classes = form.class_map(content, path)
        places = tuple((index, index) for index in range(classes.num_classes))
        is_draft = content.startswith(DRAFT_MARK)
        is_guess = is_draft and any(GUESS_MARK in line for line in content.splitlines() if line.startswith("#"))
        return FoundClasses(classes, str(path), form.kind, (), places, is_draft=is_draft, is_guess=is_guess)
    builder = ClassMapBuilder()
    notes = []
    rows: list[Row] = []
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
            rows.append(row)
            where, whose = str(path), ""
        classes = builder.finish()
    except ValueError as error:
        where = f"{path}:{error.line}" if isinstance(error, LineError) else where
        raise UsageError(where, f"{whose}{error}", FIX, "E_CLASSES") from None
    notes += merged.values()
    for name in classes.names:
        if name.lower() in _VOIDS:
            notes.append(f"class {name!r} is kept as a class; call it {IGNORE_NAME} in a classes.csv to leave it out")
    return FoundClasses(
        classes, str(path), form.kind, tuple(notes), _places(rows, classes), is_by_place=form.is_by_place
    )


def _places(rows: list[Row], classes: ClassMap) -> tuple[tuple[int, int], ...]:
    """Returns the number of each row that has one, or else its place, with its class index."""
    names = {name: index for index, name in enumerate(classes.names)}
    has_numbers = all(row.number is not None for row in rows)
    places: dict[int, int] = {}
    for place, row in enumerate(rows):
        number = row.number if has_numbers and row.number is not None else place
        if number in places:
            return ()  # a number of two lines says nothing
        places[number] = names.get(row.name.strip(), IGNORE_INDEX)
    return tuple(places.items())
