"""Roboflow: _classes.csv, a table `Pixel Value, Class`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converter.classes.csv_table import ClassTable
from converter.classes.formats.base import LineError, Row, cells_of


def is_roboflow(table: ClassTable) -> bool:
    """Returns whether a table is meant to be Roboflow's _classes.csv."""
    return table.header == ["pixel value", "class"]


def roboflow(text: str) -> Iterator[Row | str]:
    """Roboflow's _classes.csv: `Pixel Value, Class`."""
    table = ClassTable(text)
    rows = []
    for value, name in cells_of(table):
        if not re.fullmatch("[0-9]{1,3}", value):
            raise LineError(table.line, f"pixel value {value[:60]!r} is not an 8-bit number")
        rows.append((int(value), table.line, name))
    for level, number, name in sorted(rows):
        yield Row(number, name, level)
