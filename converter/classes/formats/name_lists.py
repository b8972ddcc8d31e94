"""Name lists: one name per line, numbered or by position; labelme, COCO-Stuff, bare lists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converter.classes.class_map import IGNORE_NAME
from converter.classes.formats.base import LineError, Row, at_place, data_lines, matched_lines
from converter.limits import MAX_CLASSES
from converter.schema import IGNORE_INDEX

# After a colon anything is a name; after another separator what begins with a letter, or columns of numbers would fit.
_AFTER_NUMBER = r"(?:\s*+:\s*+|(?:\s*+[,;=]\s*+|\s++)(?=[^\W\d]))"


def is_numbered(first: str) -> bool:
    """Returns whether a first line is meant to be one of a numbered list."""
    return re.match(rf"[0-9]+{_AFTER_NUMBER}\S", first) is not None


def numbered(text: str) -> Iterator[Row | str]:
    """`0: road` or `0 road`, one class per line.

    COCO-Stuff's labels.txt is one, but its masks hold the number minus one.
    """
    matches = matched_lines(rf"([0-9]{{1,5}}){_AFTER_NUMBER}(\S.*)", text, "number: name")
    rows = sorted((int(match[1]), number, match[2]) for number, match in matches)
    if [(value, name) for value, _, name in rows[:2]] == [(0, "unlabeled"), (1, "person")]:
        yield "the numbers are COCO-Stuff's: the masks hold each minus one, and 255 for unlabeled"
        rows = [(value - 1, number, name) for value, number, name in rows[1:]]
        rows.append((IGNORE_INDEX, 0, IGNORE_NAME))
    for value, number, name in rows:
        yield Row(number, name, value)


def is_labelme(first: str) -> bool:
    """Returns whether a first line is meant to be that of labelme's class_names.txt."""
    return first in ("__ignore__", "_background_")


def labelme(text: str) -> Iterator[Row | str]:
    """Labelme's class_names.txt and labels.txt: `_background_` is 0; `__ignore__`, before it, is 255 in a PNG."""
    place = 0
    for number, name in _in_lines(text):
        if name != "__ignore__":
            yield from at_place(number, name, place)
            place += 1
        elif place:
            raise LineError(number, "has __ignore__, which must come first or not at all")
    yield Row(0, IGNORE_NAME, IGNORE_INDEX)


def is_list_of_names(text: str) -> bool:
    """Returns whether all lines could be names: few words each, without the punctuation of tables or prose."""
    lines = [line.strip() for _, line in data_lines(text)]
    is_name = re.compile(r'[^\W\d][^,;:=|<>{}\[\]"\t]{0,60}').fullmatch
    return 0 < len(lines) <= MAX_CLASSES and all(is_name(line) and len(line.split()) <= 5 for line in lines)


def names(text: str) -> Iterator[Row | str]:
    """A bare list of names: the first is value 0."""
    for place, (number, name) in enumerate(_in_lines(text)):
        if place == 0:
            yield f"the file is a bare list of names: the first, {name!r}, is taken as value 0"
        yield Row(number, name, place)


def _in_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yields (number, name) of a list with one name per line, whose positions are the values of the classes."""
    names: set[str] = set()
    previous = 0
    for number, line in data_lines(text):
        name = line.strip()
        if name in names:
            raise LineError(number, f"names {name[:60]!r} again")
        if previous not in (0, number - 1):
            raise LineError(number, "follows a line without a name, so its position in the list is uncertain")
        previous = number
        names.add(name)
        yield number, name
