"""Classes: classes.csv -> ClassMap, the legend that says which mask value is which class.

One row for each value: `name,value` or `name,value,index`. A value is a grey level or palette index (`76`), a colour
(`#00FF00` or `0 255 0`), a palette index alone (`p15`), or `*` for everything that is not listed. Rows are in order of
class index; a name that occurs twice merges its values; the name `ignore` stands for IGNORE_INDEX; a line that begins
with `#` is a remark. Without a `*` row an unlisted value in a mask is an error: silence is how people lose labels.
"""

from __future__ import annotations

import colorsys
import csv
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.errors import UsageError
from converter.schema import IGNORE_INDEX, MAX_CLASSES

CLASSES_CSV = "classes.csv"
IGNORE_NAME = "ignore"
MAX_GREY = 65535  # of a 16-bit mask
MAX_BYTES = 1 << 20  # of a class map; one with 255 classes has some 5 kB
MAX_NAME_CHARS = 200
MAX_VALUE_CHARS = 60  # of a value; the longest, (255, 255, 255) with spaces, has some 20

_MEND = "Write one line a class: name,value (data/README.md shows every form)."

Color = tuple[int, int, int]


@dataclass(frozen=True)
class ClassMap:
    """Which mask value is which class.

    Attributes:
      names: class names in order of their indices.
      grey: grey level or palette index -> class index or IGNORE_INDEX.
      rgb: colour -> class index or IGNORE_INDEX.
      palette: palette index -> class index or IGNORE_INDEX; stands above `grey` and `rgb` for palette masks.
      default: class index or IGNORE_INDEX of every value that is not listed; None makes one an error.
    """

    names: tuple[str, ...]
    grey: dict[int, int]
    rgb: dict[Color, int]
    palette: dict[int, int]
    default: int | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes, ignore not counted."""
        return len(self.names)

    def name_of(self, index: int) -> str:
        """Returns the name of a class index, or "ignore"."""
        return IGNORE_NAME if index == IGNORE_INDEX else self.names[index]

    def colors(self) -> tuple[Color, ...]:
        """Returns the colour to draw each class with: its own in the masks if it has one, else one of a wheel."""
        own: dict[int, Color] = {}
        for color, index in self.rgb.items():
            own.setdefault(index, color)
        return tuple(own.get(index, wheel_color(index)) for index in range(self.num_classes))

    def values_of(self, index: int) -> tuple[str, ...]:
        """Returns the mask values of a class, in the notation of classes.csv."""
        values = [str(grey) for grey, i in self.grey.items() if i == index]
        values += ["#{:02X}{:02X}{:02X}".format(*color) for color, i in self.rgb.items() if i == index]
        values += [f"p{entry}" for entry, i in self.palette.items() if i == index]
        return (*values, "*") if self.default == index else tuple(values)


def wheel_color(index: int) -> Color:
    """Returns a colour for a class that has none in the masks: hues in golden-ratio steps, so neighbours differ."""
    red, green, blue = colorsys.hsv_to_rgb(index * 0.61803398875 % 1.0, 0.75 if index % 2 else 0.95, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


def luminance(color: Color) -> int:
    """Returns the grey that Pillow's convert("L") makes of a colour (ITU-R 601-2 luma, in 16-bit fixed point)."""
    red, green, blue = color
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16


def greys_of(classes: ClassMap) -> dict[int, Color]:
    """Returns what becomes of the colours of a class map in masks that some tool made grey: level -> colour.

    For messages only: two colours may become the same grey, and then the first in the map is told.
    """
    greys: dict[int, Color] = {}
    for color in classes.rgb:
        if len(set(color)) > 1:
            greys.setdefault(luminance(color), color)
    return greys


def read_class_map(path: Path) -> ClassMap:
    """Returns the class map in a native CSV file.

    Raises:
      UsageError: the file is missing, is no text, or a line of it is wrong; the message names the line.
    """
    return parse_class_map(read_class_text(path), path)


def read_class_text(path: Path) -> str:
    """Returns the text of a file that may be a class map: at most MAX_BYTES of UTF-8, without its byte order mark.

    Raises:
      UsageError: the file is missing, is no regular file, is too large, or is no text.
    """
    try:
        # O_NONBLOCK: opening a named pipe must not wait for a writer. What is checked is the handle that is read.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # ValueError: NUL in the name
        raise UsageError(path, "does not exist", f"{_MEND} Name it with --classes.", "E_CLASSES") from None
    except OSError as error:
        raise UsageError(path, f"cannot be read ({error.strerror})", _MEND, "E_CLASSES") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)  # fdopen would fail on a folder, and leave it open
        raise UsageError(path, "is no regular file", "Name a class map with --classes.", "E_CLASSES")
    with os.fdopen(descriptor, "rb") as file:
        try:
            data = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise UsageError(path, f"cannot be read ({error.strerror})", _MEND, "E_CLASSES") from None
    if len(data) > MAX_BYTES:
        raise UsageError(path, f"has more than {MAX_BYTES} bytes, which no class map has", _MEND, "E_CLASSES")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        mend = "Save it as UTF-8 (in a spreadsheet: CSV UTF-8)."
        raise UsageError(path, "is not UTF-8 text", mend, "E_CLASSES") from None


def parse_class_map(text: str, where: object) -> ClassMap:
    """Returns the class map in the text of a native CSV file.

    Args:
      text: with a header `name,value` or `name,value,index`; delimiter `,`, `;` or TAB; not trusted.
      where: path of the file, for messages.

    Raises:
      UsageError: a line is wrong; the message names it.
    """
    table = ClassTable(text)
    if not table.is_native:
        what = f"begins with {table.first_line[:60]!r}, not with the header name,value"
        raise UsageError(where, what, "Make `name,value` the first line.", "E_CLASSES")
    builder = ClassMapBuilder()
    try:
        for cells in table:
            builder.add(cells[0], cells[1], _index(cells[0], cells[2]) if len(cells) == 3 else None)
        return builder.finish()
    except ValueError as error:
        if not table.line:
            raise UsageError(where, str(error), "Mend the class map.", "E_CLASSES") from None
        mend = "A line is name,value; a value is 76, #00FF00, 0 255 0, p15 or *."
        raise UsageError(f"{where}:{table.line}", str(error), mend, "E_CLASSES") from None


def to_csv(classes: ClassMap) -> str:
    """Returns the text of a native class map that parses back to `classes`.

    Args:
      classes: as ClassMapBuilder makes them; a class without a value would be lost.
    """
    indices = (*range(classes.num_classes), IGNORE_INDEX)
    rows = [f"{_cell(classes.name_of(index))},{value}" for index in indices for value in classes.values_of(index)]
    return "\n".join(("name,value", *rows)) + "\n"


def _cell(name: str) -> str:
    """Returns a name as a cell: in quotes where it would be read as a remark or as two cells."""
    return '"' + name.replace('"', '""') + '"' if re.search('^#|[",]', name) else name


def _index(name: str, cell: str) -> int | None:
    if name.lower() == IGNORE_NAME and not cell:
        return None
    if not re.fullmatch("[0-9]{1,3}", cell):
        raise ValueError(f"index {cell[:MAX_VALUE_CHARS]!r} is no number")
    return int(cell)


class ClassTable:
    """The rows of a CSV file, with what spreadsheets do to one taken back.

    Tolerated: a first line `sep=;`, delimiters `,`, `;` and TAB, quotes, spaces around cells, empty cells at the end
    of a line, blank lines, and lines that begin with `#`.

    Attributes:
      first_line: the header as it stands.
      header: its cells, in lower case; empty where it is no CSV.
      line: number of the line that was read last; 0 before the first row and after the last.
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
        """Yields the cells of each row, as many as the header has; ValueError says what is wrong with one."""
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
    """Returns whether a line of a class file is neither blank nor a remark."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


class ClassMapBuilder:
    """Collects the rows of a class map; every method raises ValueError with what is wrong."""

    def __init__(self) -> None:
        self._indices: dict[str, int] = {}
        self._grey: dict[int, int] = {}
        self._rgb: dict[Color, int] = {}
        self._palette: dict[int, int] = {}
        self._default: int | None = None

    def add(self, name: str, value: str | int | Color, index: int | None = None) -> None:
        """Gives a value to a class.

        Args:
          name: of the class, new or not; "ignore" in any case stands for IGNORE_INDEX.
          value: grey level, colour, or text in the notation of classes.csv.
          index: of the class; None takes that of the name, and the next one for a new name.
        """
        name = name.strip()
        if not name or not name.isprintable():
            raise ValueError("has no name that could be printed")
        if len(name) > MAX_NAME_CHARS:
            raise ValueError(f"has a name of {len(name)} characters, more than {MAX_NAME_CHARS}")
        index = self._index(name, index)
        if isinstance(value, tuple):
            value = "{} {} {}".format(*value)
        text = str(value)
        if len(text) > MAX_VALUE_CHARS:
            raise ValueError(f"value {text[:MAX_VALUE_CHARS]!r}... is neither a grey level nor a colour")
        if text == "*":
            if self._default not in (None, index):
                raise ValueError("is a second * row")
            self._default = index
        elif match := re.fullmatch("[pP]([0-9]{1,3})", text):
            _put(self._palette, int(match[1]), index, text, largest=255)
        elif re.fullmatch("[0-9]{1,5}", text):
            _put(self._grey, int(text), index, text, largest=MAX_GREY)
        else:
            _put(self._rgb, _color(text), index, text)

    def _index(self, name: str, index: int | None) -> int:
        if name.lower() == IGNORE_NAME:
            if index not in (None, IGNORE_INDEX):
                raise ValueError(f"{IGNORE_NAME!r} has the index {IGNORE_INDEX}, not {index}")
            return IGNORE_INDEX
        known = self._indices.get(name)
        if index is None:
            index = len(self._indices) if known is None else known
        elif known not in (None, index):
            raise ValueError(f"class {name!r} has another index, {known}, in an earlier line")
        if index >= MAX_CLASSES:
            raise ValueError(f"class {name!r} would have index {index}; the largest is {MAX_CLASSES - 1}")
        self._indices[name] = index
        return index

    def finish(self) -> ClassMap:
        """Returns the class map once all rows are in."""
        if not self._indices:
            raise ValueError("names no class")
        by_index = {index: name for name, index in self._indices.items()}
        if len(by_index) < len(self._indices):
            raise ValueError("gives two names the same index")
        if sorted(by_index) != list(range(len(by_index))):
            raise ValueError(f"has the indices {sorted(by_index)}, which are not 0, 1, 2, ...")
        for (red, green, blue), index in self._rgb.items():
            if red == green == blue and self._grey.get(red, index) != index:
                raise ValueError(f"gives {red} and {red} {red} {red}, the same drawing, to two classes")
        names = tuple(by_index[index] for index in range(len(by_index)))
        return ClassMap(names, self._grey, self._rgb, self._palette, self._default)


def _put(table: dict[Any, int], value: Any, index: int, text: str, *, largest: int | None = None) -> None:
    if largest is not None and value > largest:
        raise ValueError(f"value {text!r} exceeds {largest}")
    if table.setdefault(value, index) != index:
        raise ValueError(f"value {text!r} already belongs to another class")


def _color(text: str) -> Color:
    """Returns (red, green, blue) from "#00FF00", "0 255 0" or "0,255,0"."""
    if match := re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text):
        return int(match[1], 16), int(match[2], 16), int(match[3], 16)
    match = re.fullmatch(r"\(?\s*([0-9]{1,3})[\s,]+([0-9]{1,3})[\s,]+([0-9]{1,3})\s*\)?", text)
    if match is None or max(int(level) for level in match.groups()) > 255:
        raise ValueError(f"value {text!r} is neither a grey level nor a colour")
    return int(match[1]), int(match[2]), int(match[3])
