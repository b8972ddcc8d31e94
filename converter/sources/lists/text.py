"""Lists: the text of a split list -> its lines, not resolved yet.

A list has one pair per line, or one name per line if the layout knows the mask of each image. The whole list has one
separator. A byte order mark, CRLF, blank lines, comments and quotes are tolerated. Lists with more columns are read by
`tables`.
"""

from __future__ import annotations

import csv
import os
import re
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

from converter.errors import UsageError
from converter.limits import MAX_LINE_CHARS, MAX_LIST_BYTES, MAX_LIST_LINES
from converter.sources.names import has_extension
from converter.system.files import NotRegularError, open_regular

_FIX_LIST = "A list is UTF-8 text with one pair per line: image.jpg;mask.png"
_COLUMN = "(?i:({}))s?(?i:[ _-]?(file|path|name|id)s?)*"
_IMAGE_COLUMN = re.compile(_COLUMN.format("image|img|photo|picture|input|rgb|x"))
_MASK_COLUMN = re.compile(_COLUMN.format("mask|label|annotation|seg|segmentation|target|gt|y"))
HEADER = re.compile(f"{_IMAGE_COLUMN.pattern}|{_MASK_COLUMN.pattern}|{_COLUMN.format('file|path|name|stem|id')}")
_BLOCK = re.compile(r"(.+)\[(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9})\]")  # a.tif[top,left,height,width]
_WORDS = re.compile(r'"[^"]*"|\'[^\']*\'|\S+')


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list that is neither blank nor a comment: its number from 1, its text, and its fields.

    A line that names a block of an image has its (top, left, height, width) in pixels.
    """

    number: int
    text: str
    fields: tuple[str, ...]
    block: tuple[int, int, int, int] | None = None


class Lines(Sequence[Line]):
    """Lines of a list; each is divided into its fields when it is asked for, since those of all would fill memory."""

    def __init__(self, texts: Sequence[str], numbers: Sequence[int], separator: str, *, masks_first: bool) -> None:
        """Takes texts of lines, their numbers from 1, and what is in SplitList."""
        self._texts, self._numbers, self._separator, self._masks_first = texts, numbers, separator, masks_first

    @overload
    def __getitem__(self, place: int) -> Line: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Line]: ...
    def __getitem__(self, place: int | slice) -> Line | Sequence[Line]:
        if isinstance(place, slice):
            return [self[each] for each in range(len(self))[place]]
        text = self._texts[place]
        fields = fields_of(text, self._separator)
        return _with_block(Line(self._numbers[place], text, fields[::-1] if self._masks_first else fields))

    def __len__(self) -> int:
        return len(self._texts)


@dataclass(frozen=True)
class SplitList:
    """A split list, read but not resolved.

    Attributes:
      split: name of the split.
      name: path of the list relative to the source folder.
      separator: ";", TAB, "," or " " (any white space); "" if each line is one name.
      lines: in the order of the file; the image is always the first field.
      masks_first: whether the mask comes first in the file, according to its header.
      reading: how the fields were chosen from more columns, or from JSON; "" for a list of just these fields.
      folds: number of folds of a cross-validation that its lines are in, which are not used; 0 for none.
    """

    split: str
    name: str
    separator: str
    lines: Sequence[Line]
    masks_first: bool = False
    reading: str = ""
    folds: int = 0

    @property
    def num_fields(self) -> int:
        """Number of fields that a line must have."""
        return 2 if self.separator else 1

    def names_image_files(self) -> bool:
        """Returns whether most lines are two names of image files, existing or not."""
        pairs = sum(len(line.fields) == 2 and all(map(has_extension, line.fields)) for line in self.lines)
        return 2 * pairs > len(self.lines)

    def separator_text(self) -> str:
        """Returns the separator, or another way in which the list was read, in words."""
        if self.reading:
            return self.reading
        words = {"": "one name per line", "\t": "separator TAB", " ": "separator space"}
        text = words.get(self.separator, f"separator {self.separator!r}")
        return f"{text}, masks first" if self.masks_first else text


def read_split_list(split: str, path: Path, name: str) -> SplitList:
    """Returns the lines of a split list.

    Args:
      split: name of the split.
      path: of the list.
      name: of the list, relative to the source folder.

    Raises:
      UsageError: the list cannot be read, is not UTF-8 text, or names no pair.
    """
    text = list_text(path, MAX_LIST_BYTES)
    texts, numbers = [], array("L")
    for number, line in enumerate(re.split("\r\n|\r|\n", text), 1):
        if (stripped := line.strip()) and not stripped.startswith("#"):
            texts.append(stripped)
            numbers.append(number)
    if not texts:
        raise UsageError(path, "names no pair", _FIX_LIST, "E_LIST")
    separator = _separator(texts)
    masks_first = _names_masks_first(Line(numbers[0], texts[0], fields_of(texts[0], separator)))
    return SplitList(split, name, separator, Lines(texts, numbers, separator, masks_first=masks_first), masks_first)


def _with_block(line: Line) -> Line:
    """Returns a line whose first field names the image alone, and its block, if any: `a.tif[0,0,2048,2048];a.png`."""
    match = _BLOCK.fullmatch(line.fields[0]) if line.fields and line.fields[0].endswith("]") else None
    if match is None:
        return line
    top, left, height, width = map(int, match.groups()[1:])
    return replace(line, fields=(match[1], *line.fields[1:]), block=(top, left, height, width))


def block_text(image: str, block: Sequence[int]) -> str:
    """Returns how a list names a block of an image."""
    return f"{image}[{','.join(map(str, block))}]"


def list_text(path: Path, max_bytes: int) -> str:
    """Returns the text of a list.

    Raises:
      UsageError: the list cannot be read, is larger than `max_bytes`, has too many lines, or is not UTF-8 text.
    """
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_size > max_bytes:
                raise UsageError(path, f"exceeds {max_bytes} bytes, the maximum for a list", _FIX_LIST, "E_LIST")
            data = file.read()
        if data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n") > MAX_LIST_LINES:
            raise UsageError(path, f"has more than {MAX_LIST_LINES} lines, the maximum for a list", _FIX_LIST, "E_LIST")
        return data.decode("utf-8-sig")
    except NotRegularError:
        raise UsageError(path, "cannot be read (it is not a regular file)", _FIX_LIST, "E_LIST") from None
    except OSError as error:
        raise UsageError(path, f"cannot be read ({error.strerror})", _FIX_LIST, "E_LIST") from None
    except UnicodeDecodeError as error:
        raise UsageError(path, f"is not UTF-8 text (byte {error.start})", _FIX_LIST, "E_LIST") from None


def why_unlistable(name: str) -> str:
    """Returns why no list can name a file; "" if `segconv split` may write its path and every reader finds it again.

    Args:
      name: path relative to the source folder.
    """
    if any(character in name for character in ";\n\r\0"):
        return "holds a ';' or a line break, which no list can"
    if '"' in name or name.startswith(("#", "'")) or name != name.strip():
        return "holds a quote, begins with #, or begins or ends with a space, which a list does not keep"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not UTF-8, which every list is"
    return "" if len(name) <= MAX_LINE_CHARS // 2 - 1 else "is too long for a line of a list"


def _names_masks_first(line: Line) -> bool:
    """Returns whether a line is a header of two columns, the masks first."""
    return len(line.fields) == 2 and all(map(re.fullmatch, (_MASK_COLUMN, _IMAGE_COLUMN), line.fields))


def _separator(lines: Sequence[str]) -> str:
    """Returns the separator of a list: the first that splits at least half of the lines into two fields."""
    for separator in (";", "\t", ","):
        # The second field is empty where an image has no mask.
        pairs = sum(len(fields := fields_of(line, separator)) == 2 and bool(fields[0]) for line in lines)
        if 2 * pairs >= len(lines):
            return separator
    # Many names contain spaces, so white space separates only what looks like two paths.
    pairs = sum(len(fields := fields_of(line, " ")) == 2 and _are_paths(fields) for line in lines)
    return " " if 2 * pairs >= len(lines) else ""


def _are_paths(fields: Sequence[str]) -> bool:
    return all(has_extension(text) or "/" in text or "\\" in text for text in fields)


def fields_of(line: str, separator: str) -> tuple[str, ...]:
    """Returns the fields of a line; none if it is too long or its quotes are wrong."""
    if len(line) > MAX_LINE_CHARS:
        return ()
    if separator == "":
        return (_unquoted(line),)
    if separator == " ":
        return tuple(map(_unquoted, _WORDS.findall(line)))
    if '"' in line:
        try:
            return tuple(text.strip() for text in next(csv.reader([line], delimiter=separator, skipinitialspace=True)))
        except csv.Error:
            return ()
    return tuple(map(_unquoted, line.split(separator)))


def _unquoted(text: str) -> str:
    text = text.strip()
    is_quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    return text[1:-1].strip() if is_quoted else text
