"""Class map: which mask value is which class.

A value is a grey level or palette index, a colour, a palette index only, or `*` for everything unlisted. Without `*`,
an unlisted value in a mask is an error, because ignoring it silently would lose labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from converter.limits import MAX_CLASS_NAME_CHARS, MAX_CLASSES, MAX_GREY, MAX_VALUE_CHARS
from converter.pixels.colors import Color, luminance, wheel_color
from converter.schema import IGNORE_INDEX

CLASSES_CSV = "classes.csv"
IGNORE_NAME = "ignore"


@dataclass(frozen=True)
class ClassMap:
    """Which mask value is which class.

    Attributes:
      names: class names in order of their indices.
      grey: grey level or palette index -> class index or IGNORE_INDEX.
      rgb: colour -> class index or IGNORE_INDEX.
      palette: palette index -> class index or IGNORE_INDEX; overrides `grey` and `rgb` in palette masks.
      default: class index or IGNORE_INDEX of every unlisted value; None makes such a value an error.
    """

    names: tuple[str, ...]
    grey: dict[int, int]
    rgb: dict[Color, int]
    palette: dict[int, int]
    default: int | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes, without ignore."""
        return len(self.names)

    def name_of(self, index: int) -> str:
        """Returns the name of a class index, or "ignore"."""
        return IGNORE_NAME if index == IGNORE_INDEX else self.names[index]

    def colors(self) -> tuple[Color, ...]:
        """Returns the colour to draw each class in: its colour in the masks if any, else one of a colour wheel."""
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


def greys_of(classes: ClassMap) -> dict[int, Color]:
    """Returns the grey level of each colour of a class map, for masks that were converted to grey: level -> colour.

    For messages only: two colours may have the same level, and then the first in the map is returned.
    """
    greys: dict[int, Color] = {}
    for color in classes.rgb:
        if len(set(color)) > 1:
            greys.setdefault(luminance(color), color)
    return greys


class ClassMapBuilder:
    """Collects the rows of a class map; every method raises ValueError with the problem."""

    def __init__(self) -> None:
        self._indices: dict[str, int] = {}
        self._grey: dict[int, int] = {}
        self._rgb: dict[Color, int] = {}
        self._palette: dict[int, int] = {}
        self._default: int | None = None

    def add(self, name: str, value: str | int | Color, index: int | None = None) -> None:
        """Assigns a value to a class.

        Args:
          name: of the class, new or not; "ignore" in any case means IGNORE_INDEX.
          value: grey level, colour, or text in the notation of classes.csv.
          index: of the class; None means that of the name, or the next one for a new name.
        """
        name = name.strip()
        if not name or not name.isprintable():
            raise ValueError("has no printable name")
        if len(name) > MAX_CLASS_NAME_CHARS:
            raise ValueError(f"has a name of {len(name)} characters, more than {MAX_CLASS_NAME_CHARS}")
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
        """Returns the class map of all rows."""
        if not self._indices:
            raise ValueError("names no class")
        by_index = {index: name for name, index in self._indices.items()}
        if len(by_index) < len(self._indices):
            raise ValueError("assigns the same index to two names")
        if sorted(by_index) != list(range(len(by_index))):
            raise ValueError(f"has the indices {sorted(by_index)}, which are not 0, 1, 2, ...")
        for (red, green, blue), index in self._rgb.items():
            if red == green == blue and self._grey.get(red, index) != index:
                raise ValueError(f"assigns {red} and {red} {red} {red}, the same value, to two classes")
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
