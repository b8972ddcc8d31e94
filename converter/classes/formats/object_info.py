"""ADE20K: objectInfo150.txt, a table separated by tabs; Idx is the value in the masks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converter.classes.class_map import IGNORE_NAME
from converter.classes.csv_table import ClassTable
from converter.classes.formats.base import LineError, Row, data_lines


def is_object_info(table: ClassTable) -> bool:
    """Returns whether a table is meant to be ADE20K's objectInfo150.txt."""
    return re.fullmatch(r"Idx\s*\t.*\tName", table.first_line.strip()) is not None


def object_info(text: str) -> Iterator[Row | str]:
    """ADE20K's objectInfo150.txt: Idx is the value in the masks, in which 0 is none of the 150 classes."""
    for index, (number, line) in enumerate(data_lines(text)):
        cells = [cell.strip() for cell in line.split("\t")]
        if index == 0:
            continue
        if cells[0] != str(index) or len(cells) < 2:
            raise LineError(number, f"begins with {cells[0][:20]!r} where Idx {index} comes next")
        yield Row(number, cells[-1].partition(",")[0], index)
    yield Row(0, IGNORE_NAME, 0)
