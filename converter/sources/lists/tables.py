"""Tables: a list with more columns than it needs -> the ways to read it; the one that finds most files is used.

Columns are chosen by the header, or, without one, because only two of them name image files. A column called split says
which row belongs to which split.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from converter.errors import shown
from converter.limits import MAX_READINGS, MAX_TABLE_COLUMNS
from converter.sources.lists.text import Line, SplitList, fields_of
from converter.sources.names import has_extension, is_both, split_within, words_in

_IMAGE_WORDS = {"image", "images", "img", "imgs", "photo", "photos", "picture", "pictures", "input", "rgb"}
_MASK_WORDS = {
    "mask",
    "masks",
    "label",
    "labels",
    "annotation",
    "annotations",
    "seg",
    "segmentation",
    "target",
    "gt",
    "y",
}
_NAME_WORDS = {"file", "files", "filename", "filenames", "path", "paths", "name", "names", "stem", "id", "ids"}
_SPLIT_WORDS = {"split", "splits", "subset", "partition", "fold", "folds"}
_SPLIT_CELLS = {"set", "phase", "usage", "dataset", "type", "group"}  # only if they are the whole name of a column
_EMPTY = {"nan", "na", "n/a", "none", "null", "-"}  # what programs write for a cell without a value
SHOWN_NAME_CHARS = 40  # of a column
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Table:
    """The rows of a list with several columns.

    Attributes:
      listed: the list, as one without further columns.
      separator: ";", TAB, "," or " ".
      header: names of the columns; empty if there is no header.
      rows: (line, its cells) of all other lines; no cells if a line has another number of columns.
      width: number of columns.
    """

    listed: SplitList
    separator: str
    header: tuple[str, ...]
    rows: tuple[tuple[Line, tuple[str, ...]], ...]
    width: int

    @property
    def split_column(self) -> int | None:
        """Number of the column that says which split a row belongs to, from 0; None if there is none."""
        names = [name.strip().casefold() for name in self.header]
        by_word = [number for number, name in enumerate(names) if _SPLIT_WORDS.intersection(words_in(name))]
        by_cell = [number for number, name in enumerate(names) if name in _SPLIT_CELLS]
        for number in (*by_word, *by_cell):
            if any(split_within(value) for value in self.values(number)):
                return number
        return by_word[0] if by_word else None

    def values(self, column: int) -> Counter[str]:
        """Returns how often each value is in a column."""
        return Counter(cells[column] for _, cells in self.rows if cells)

    def name_of(self, column: int) -> str:
        """Returns the name of a column, or its number from 1."""
        return shown(self.header[column], SHOWN_NAME_CHARS) if self.header else str(column + 1)

    def select(self, columns: Sequence[int]) -> SplitList:
        """Returns the list of these columns, one or two."""
        lines = (replace(line, fields=tuple(cells[c] for c in columns) if cells else ()) for line, cells in self.rows)
        noun = "columns" if len(columns) > 1 else "column"
        reading = (
            f"{_separator_text(self.separator)}, {noun} {' and '.join(map(self.name_of, columns))} of {self.width}"
        )
        separator = self.separator if len(columns) > 1 else ""
        folds = len(self.values(self.split_column)) if self.split_column is not None else 0
        return replace(
            self.listed, separator=separator, lines=tuple(lines), masks_first=False, reading=reading, folds=folds
        )


def table_of(listed: SplitList) -> Table | None:
    """Returns the table in a list; None if it has no header and no more columns than it needs."""
    texts = [line.text for line in listed.lines]
    for separator in (";", "\t", ",", " "):
        if 2 * sum(separator in text or (separator == " " and "\t" in text) for text in texts) < len(texts):
            continue
        cells = [fields_of(text, separator) for text in texts]
        (width, number), *_ = Counter(map(len, cells)).most_common(1)
        if not 2 <= width <= MAX_TABLE_COLUMNS or 2 * number < len(cells):
            continue
        header = _header(cells[0], width, separator)
        if not header and width == 2:
            continue
        rows = list(zip(listed.lines, cells, strict=True))[1 if header else 0 :]
        cleaned = tuple((line, _cleaned(each, width, separator)) for line, each in rows)
        return Table(listed, separator, header, cleaned, width) if cleaned else None
    return None


def readings(listed: SplitList) -> Iterator[dict[str, SplitList]]:
    """Yields the ways to read a list as a table, the most likely first: the list of each split.

    If its rows say which split they belong to, each split is a list of its own; the rows without a known split are
    those of split "". Otherwise all rows are of the split of the list, unless that is "".
    """
    table = table_of(listed)
    if table is None:
        return
    column = table.split_column
    splits = {value: _split_of_cell(value) for value in table.values(column)} if column is not None else {}
    is_split = len(set(splits.values()) - {""}) > 1 or (not listed.split and any(splits.values()))
    if not is_split and not listed.split:
        return
    for columns in itertools.islice(_choices(table), MAX_READINGS):
        if column in columns:
            continue
        whole = table.select(columns)
        if not is_split or column is None:
            yield {listed.split: whole}
            continue
        parts: dict[str, list[Line]] = {}
        for line, (_, cells) in zip(whole.lines, table.rows, strict=True):
            parts.setdefault(splits[cells[column]] if cells else "", []).append(line)
        text = f"{whole.reading}, split by column {table.name_of(column)}"
        whole = replace(whole, reading=text, folds=0)
        yield {split: replace(whole, split=split, lines=tuple(own)) for split, own in parts.items()}


def _choices(table: Table) -> Iterator[tuple[int, ...]]:
    """Yields the columns that may be image and mask, then those that may be the image alone."""
    if table.header:
        words = [set(words_in(name)) for name in table.header]
        masks = [number for number, own in enumerate(words) if own & _MASK_WORDS]
        images = [number for number, own in enumerate(words) if own & _IMAGE_WORDS and number not in masks]
        others = [number for number, own in enumerate(words) if own & _NAME_WORDS and number not in (*masks, *images)]
        yield from ((image, mask) for image in (*images, *others) for mask in masks)
        yield from ((number,) for number in (*images, *others))
        return
    paths = [number for number in range(table.width) if _share(table, number, has_extension) > 0.5]
    if len(paths) == 2:
        yield (paths[0], paths[1])
    elif len(paths) == 1:
        yield (paths[0],)
    elif not paths and all(_share(table, number, _is_number) == 1 for number in range(1, table.width)):
        yield (0,)


def _share(table: Table, column: int, has: Callable[[str], bool]) -> float:
    cells = [cells[column] for _, cells in table.rows if cells]
    return sum(map(has, cells)) / max(1, len(cells))


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _header(cells: Sequence[str], width: int, separator: str) -> tuple[str, ...]:
    """Returns the names of the columns if the first line has them; the column of an index may have no name."""
    if separator == "\t" and len(cells) == width - 1:
        cells = ("", *cells)  # a leading TAB is stripped with the white space of a line
    if len(cells) != width or any(has_extension(cell) or "/" in cell or _is_number(cell) for cell in cells):
        return ()
    known = _IMAGE_WORDS | _MASK_WORDS | _NAME_WORDS
    named = [cell for cell in cells if known.intersection(words_in(cell)) and not any(map(str.isdigit, cell))]
    return tuple(cells) if named else ()


def _cleaned(cells: tuple[str, ...], width: int, separator: str) -> tuple[str, ...]:
    """Returns the cells of a row, "" for those without a value; none if their number is wrong."""
    if separator == "\t" and 0 < len(cells) < width:
        cells = (*cells, *[""] * (width - len(cells)))  # trailing TABs are stripped
    if len(cells) != width:
        return ()
    return tuple("" if cell.lower() in _EMPTY else cell for cell in cells)


def _split_of_cell(value: str) -> str:
    return split_within(value) or ("train" if is_both(value) else "")


def _separator_text(separator: str) -> str:
    return {"\t": "separator TAB", " ": "separator space"}.get(separator, f"separator {separator!r}")
