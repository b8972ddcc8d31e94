"""ID tables: a CSV table with the number and the name of each class, `id,name`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converter.classes.csv_table import ClassTable
from converter.classes.formats.base import LineError, Row, cells_of
from converter.limits import MAX_VALUE_CHARS

_ID_COLUMNS = ("id", "classid", "labelid", "categoryid", "index", "idx", "classindex", "value", "pixelvalue")
_NAME_COLUMNS = ("name", "classname", "labelname", "categoryname", "class", "label", "category")
_EITHER = ("class", "label", "category")  # the number where there is a column `name` as well, else the name


def is_id_table(table: ClassTable) -> bool:
    """Returns whether a table is meant to be one of numbers and names."""
    return id_columns(table.header) is not None


def id_table(text: str) -> Iterator[Row | str]:
    """A table such as `id,name`: the number is the value in the masks."""
    table = ClassTable(text)
    columns = id_columns(table.header) or (0, 0)
    for number, column in enumerate(table.header):
        if number not in columns:
            yield f"column {column!r} is not read"
    rows = []
    for cells in cells_of(table):
        rows.append((whole_number(table.line, cells[columns[0]]), table.line, cells[columns[1]]))
    for value, line, name in sorted(rows):
        yield Row(line, name, value)


def id_columns(header: list[str]) -> tuple[int, int] | None:
    """Returns the columns of number and name; None if the header is of another format."""
    columns = [re.sub(r"[\s_-]+", "", column) for column in header]
    names = [name for name in _NAME_COLUMNS if name in columns]
    ids = [name for name in _ID_COLUMNS if name in columns]
    if not ids and names and names[0] not in _EITHER:
        ids = [name for name in _EITHER if name in columns]
    return (columns.index(ids[0]), columns.index(names[0])) if ids and names else None


def whole_number(line: int, cell: str) -> int:
    """Returns the number in a cell, which some programs write with zero decimals; LineError if it is not one."""
    match = re.fullmatch(r"([0-9]{1,5})(?:\.0*)?", cell)
    if match is None:
        raise LineError(line, f"number {cell[:MAX_VALUE_CHARS]!r} is not an integer")
    return int(match[1])
