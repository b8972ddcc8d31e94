"""class_dict.csv: a table of names and colours, as in Kaggle's CamVid and similar datasets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converter.classes.csv_table import ClassTable
from converter.classes.formats.base import Row, cells_of, channels_of

_NAME_COLUMNS = ("name", "class", "label", "class_name", "label_name")
_ID_COLUMNS = ("id", "class_id", "label_id", "index", "value")  # read where the masks hold numbers
_CHANNEL_COLUMNS = (("r", "g", "b"), ("red", "green", "blue"))


def is_class_dict(table: ClassTable) -> bool:
    """Returns whether a table is meant to be a class_dict.csv."""
    return _columns(table.header) is not None


def class_dict(text: str) -> Iterator[Row | str]:
    """class_dict.csv of Kaggle's CamVid and similar datasets: `name,r,g,b`."""
    table = ClassTable(text)
    columns = _columns(table.header) or []
    ids = [table.header.index(column) for column in _ID_COLUMNS if column in table.header][:1]
    for number, column in enumerate(table.header):
        if number not in (*columns, *ids):
            yield f"column {column!r} is not read"
    for cells in cells_of(table):
        name, *channels = [cells[column] for column in columns]
        is_numbered = bool(ids) and re.fullmatch("[0-9]{1,5}", cells[ids[0]]) is not None
        value = int(cells[ids[0]]) if is_numbered else None
        yield Row(table.line, name, channels_of(table.line, channels), value)


def _columns(header: list[str]) -> list[int] | None:
    """Returns the columns of name, red, green and blue in a class_dict.csv; None if the header is of another format."""
    for name in _NAME_COLUMNS:
        for channels in _CHANNEL_COLUMNS:
            if {name, *channels} <= set(header):
                return [header.index(column) for column in (name, *channels)]
    return None
