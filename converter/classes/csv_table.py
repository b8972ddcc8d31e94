"""CSV table: the rows of a class file, in any of the dialects that spreadsheets write."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator


class ClassTable:
    """The rows of a CSV file, in any of the dialects that spreadsheets write.

    Tolerated: a first line `sep=;`, delimiters `,`, `;` and TAB, quotes, spaces around cells, empty cells at the end
    of a line, blank lines, and lines that begin with `#`.

    Attributes:
      first_line: the header, unparsed.
      header: its cells, in lower case; empty if it is not CSV.
      line: number of the last line read; 0 before the first row and after the last.
    """

    def __init__(self, text: str) -> None:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if is_data(line)]
        match = re.fullmatch('"?sep=([,;\t])"?', lines[0][1], re.IGNORECASE) if lines else None
        lines = lines[1:] if match else lines
        self.first_line = lines[0][1] if lines else ""
        self._delimiter = match[1] if match else next((d for d in ";\t," if d in self.first_line), ",")
        self._lines = lines[1:]
        self.line = 0
        try:
            self.header = [cell.lower() for cell in self._cells(self.first_line)]
        except ValueError:
            self.header = []
        while self.header and not self.header[-1]:
            self.header.pop()

    @property
    def is_native(self) -> bool:
        """Whether the header is that of a native class map."""
        return self.header in (["name", "value"], ["name", "value", "index"])

    def __iter__(self) -> Iterator[list[str]]:
        """Yields the cells of each row, as many as the header has; ValueError if a row is invalid."""
        width = len(self.header)
        for number, line in self._lines:
            self.line = number
            cells = self._cells(line)
            if not any(cells):
                continue
            while len(cells) > width and not cells[-1]:
                cells.pop()
            if len(cells) != width:
                raise ValueError(f"has {len(cells)} columns, the header has {width}")
            yield cells
        self.line = 0

    def _cells(self, line: str) -> list[str]:
        try:
            row = next(csv.reader([line], delimiter=self._delimiter, strict=True, skipinitialspace=True), [])
        except csv.Error as error:
            raise ValueError(str(error)) from None
        return [cell.strip() for cell in row]


def is_data(line: str) -> bool:
    """Returns whether a line of a class file is neither blank nor a comment."""
    return bool(line.strip()) and not line.lstrip().startswith("#")
