"""Classes: classes.csv -> ClassMap, the legend that says which mask value is which class.

One row for each value: `name,value` or `name,value,index`. A value is a grey level or palette index (`76`), a colour
(`#00FF00` or `0 255 0`), a palette index alone (`p15`), or `*` for everything that is not listed. Rows are in order of
class index; a name that occurs twice merges its values; the name `ignore` stands for IGNORE_INDEX. Without a `*` row
an unlisted value in a mask is an error: silence there is how people lose labels.
"""

from __future__ import annotations

import colorsys
import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.errors import UsageError
from converter.schema import IGNORE_INDEX, MAX_CLASSES

CLASSES_CSV = "classes.csv"
IGNORE_NAME = "ignore"
MAX_GREY = 65535  # of a 16-bit mask
MAX_BYTES = 1 << 20  # of a class map; one with 255 classes has some 5 kB

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


def read_class_map(path: Path) -> ClassMap:
    """Returns the class map in a native CSV file.

    Raises:
      UsageError: the file is missing, is no text, or a line of it is wrong; the message names the line.
    """
    mend = "Write one line a class: name,value (data/README.md shows every form)."
    try:
        data = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise UsageError(path, f"cannot be read ({error.strerror})", mend, "E_CLASSES") from None
    if data is None:
        raise UsageError(path, "does not exist", f"{mend} Name it with --classes.", "E_CLASSES")
    if len(data) > MAX_BYTES:
        raise UsageError(path, f"has {len(data)} bytes, which no class map has", mend, "E_CLASSES")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(path, "is not UTF-8 text", mend, "E_CLASSES") from None
    return parse_class_map(text, path)


def parse_class_map(text: str, where: object) -> ClassMap:
    """Returns the class map in the text of a native CSV file.

    Args:
      text: with a header `name,value` or `name,value,index`; delimiter `,`, `;` or TAB; not trusted.
      where: path of the file, for messages.

    Raises:
      UsageError: a line is wrong; the message names it.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    header = lines[0][1] if lines else ""
    delimiter = next((d for d in ";\t," if d in header), ",")
    columns = [column.strip().lower() for column in header.split(delimiter)]
    if columns not in (["name", "value"], ["name", "value", "index"]):
        what = f"begins with {header[:60]!r}, not with the header name,value"
        raise UsageError(where, what, "Make `name,value` the first line.", "E_CLASSES")
    builder = _Builder(has_index=len(columns) == 3)
    for number, line in lines[1:]:
        try:
            builder.add([cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True))])
        except (ValueError, csv.Error) as error:
            mend = "A line is name,value; a value is 76, #00FF00, 0 255 0, p15 or *."
            raise UsageError(f"{where}:{number}", str(error), mend, "E_CLASSES") from None
    try:
        return builder.finish()
    except ValueError as error:
        raise UsageError(where, str(error), "Mend the class map.", "E_CLASSES") from None


class _Builder:
    """Collects the rows of a class map; every method raises ValueError with what is wrong."""

    def __init__(self, *, has_index: bool) -> None:
        self.has_index = has_index
        self.indices: dict[str, int] = {}
        self.grey: dict[int, int] = {}
        self.rgb: dict[Color, int] = {}
        self.palette: dict[int, int] = {}
        self.default: int | None = None

    def add(self, cells: list[str]) -> None:
        """Takes one row."""
        expected = 3 if self.has_index else 2
        if len(cells) != expected:
            raise ValueError(f"has {len(cells)} columns, the header has {expected}")
        name, value = cells[:2]
        if not name or not name.isprintable():
            raise ValueError("has no name that could be printed")
        index = self._index(name, cells[2] if self.has_index else None)
        if value == "*":
            if self.default not in (None, index):
                raise ValueError("is a second * row")
            self.default = index
        elif match := re.fullmatch(r"[pP](\d{1,3})", value):
            self._put(self.palette, int(match[1]), index, value, largest=255)
        elif re.fullmatch(r"\d{1,5}", value):
            self._put(self.grey, int(value), index, value, largest=MAX_GREY)
        else:
            self._put(self.rgb, _color(value), index, value)

    def _index(self, name: str, cell: str | None) -> int:
        if name.lower() == IGNORE_NAME:
            return IGNORE_INDEX
        index = self.indices.get(name, len(self.indices))
        if cell is not None:
            if not re.fullmatch(r"\d{1,3}", cell):
                raise ValueError(f"index {cell!r} is no number")
            if int(cell) != self.indices.get(name, int(cell)):
                raise ValueError(f"class {name!r} has another index, {self.indices[name]}, in an earlier line")
            index = int(cell)
        if index >= MAX_CLASSES:
            raise ValueError(f"class {name!r} would have index {index}; the largest is {MAX_CLASSES - 1}")
        self.indices[name] = index
        return index

    def _put(self, table: dict[Any, int], value: Any, index: int, text: str, *, largest: int | None = None) -> None:
        if largest is not None and isinstance(value, int) and value > largest:
            raise ValueError(f"value {text!r} exceeds {largest}")
        if table.setdefault(value, index) != index:
            raise ValueError(f"value {text!r} already belongs to another class")

    def finish(self) -> ClassMap:
        """Returns the class map once all rows are in."""
        if not self.indices:
            raise ValueError("names no class")
        by_index = {index: name for name, index in self.indices.items()}
        if len(by_index) < len(self.indices):
            raise ValueError("gives two names the same index")
        if sorted(by_index) != list(range(len(by_index))):
            raise ValueError(f"has the indices {sorted(by_index)}, which are not 0, 1, 2, ...")
        for (red, green, blue), index in self.rgb.items():
            if red == green == blue and self.grey.get(red, index) != index:
                raise ValueError(f"gives {red} and {red} {red} {red}, the same drawing, to two classes")
        names = tuple(by_index[index] for index in range(len(by_index)))
        return ClassMap(names, self.grey, self.rgb, self.palette, self.default)


def _color(text: str) -> Color:
    """Returns (red, green, blue) from "#00FF00", "0 255 0" or "0,255,0"."""
    if match := re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", text):
        return int(match[1], 16), int(match[2], 16), int(match[3], 16)
    match = re.fullmatch(r"\(?\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*\)?", text)
    if match is None or max(int(level) for level in match.groups()) > 255:
        raise ValueError(f"value {text!r} is neither a grey level nor a colour")
    return int(match[1]), int(match[2]), int(match[3])
