"""Base: what every format of class files yields, and helpers to read its lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from converter.classes.csv_table import ClassTable, is_data
from converter.limits import MAX_CLASSES
from converter.pixels.colors import Color, voc_color


class Row(NamedTuple):
    """One value of a class.

    Attributes:
      line: number of its line; 0 if the format has no lines.
      name: of the class.
      value: as for ClassMapBuilder.add.
      number: that the file gives a class next to its colour; None if it gives none.
    """

    line: int
    name: str
    value: str | int | Color
    number: int | None = None


class LineError(ValueError):
    """A line is invalid.

    Attributes:
      line: its number.
    """

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


def data_lines(text: str) -> list[tuple[int, str]]:
    """Returns (number, line) of every line that is neither blank nor a comment."""
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if is_data(line)]


def matched_lines(pattern: str, text: str, form: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Yields (number, match) of every data line; LineError if one does not have the form."""
    for number, line in data_lines(text):
        match = re.fullmatch(pattern, line.strip())
        if match is None:
            raise LineError(number, f"{line.strip()[:60]!r} is not {form}")
        yield number, match


def at_place(line: int, name: str, place: int) -> Iterator[Row]:
    """Yields the values of a class that is known by its number only: the number, and VOC's colour for it.

    A grey colour is left out: it is also a level, which could be the number of another class.
    """
    yield Row(line, name, place)
    color = voc_color(place) if place < MAX_CLASSES else (0, 0, 0)
    if len(set(color)) > 1:
        yield Row(line, name, color)


def channels_of(number: int, cells: list[str]) -> Color:
    """Returns a colour from three integers, which some programs write with zero decimals."""
    matches = [re.fullmatch(r"([0-9]{1,3})(?:\.0*)?", cell.strip()) for cell in cells]
    red, green, blue, *more = [int(match[1]) if match else -1 for match in matches] + [-1] * (3 - len(cells))
    if more or min(red, green, blue) < 0 or max(red, green, blue) > 255:
        raise LineError(number, f"colour {','.join(cells)[:60]!r} is not three integers 0..255")
    return red, green, blue


def cells_of(table: ClassTable) -> Iterator[list[str]]:
    """Yields the cells of each row; LineError names an invalid row."""
    try:
        yield from table
    except ValueError as error:
        raise LineError(table.line, str(error)) from None


def telling_colors(colors: Iterable[Color]) -> set[Color]:
    """Returns the colours that identify a class as well as its value does: those of one class only, and not grey."""
    return {color for color, count in Counter(colors).items() if count == 1 and len(set(color)) > 1}


def nothing_drawn(names: Collection[str]) -> Iterator[Row | str]:
    """Yields the class of value 0 in a format that lists only drawn classes."""
    name = "unlabelled" if "background" in names else "background"
    yield f"value 0, where nothing is drawn, is the class {name!r}"
    yield Row(0, name, 0)
