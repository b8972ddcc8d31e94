"""Text: formats with one class a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converter.classes.class_map import IGNORE_NAME
from converter.classes.csv_table import ClassTable
from converter.classes.formats.base import (
    LineError,
    Row,
    at_place,
    cells_of,
    channels_of,
    data_lines,
    matched_lines,
    telling_colors,
)
from converter.limits import MAX_CLASSES
from converter.schema import IGNORE_INDEX


def cvat(text: str) -> Iterator[Row | str]:
    """CVAT's and Datumaro's labelmap.txt: `name:red,green,blue:parts:actions`.

    Where no label has a colour, masks are drawn in VOC's colours by the places of the labels; where some have, the
    others are not drawn at all (datumaro, voc/format.py, make_voc_categories).
    """
    labels = [(number, [field.strip() for field in line.split(":")]) for number, line in data_lines(text)]
    has_colors = any(len(fields) > 1 and fields[1] for _, fields in labels)
    names = set()
    for place, (number, fields) in enumerate(labels):
        if len(fields) != 4:
            raise LineError(number, f"has {len(fields)} fields, not the 4 of name:red,green,blue:parts:actions")
        name, color = fields[:2]
        if name in names:
            raise LineError(number, f"names {name!r} again")
        names.add(name)
        if color:
            yield Row(number, name, channels_of(number, color.split(",")))
        elif has_colors:
            yield f"label {name!r} has no colour, in which CVAT draws nothing; taken for value {place}, its place"
            yield Row(number, name, place)
        else:
            yield from at_place(number, name, place)


_NAME_COLUMNS = ("name", "class", "label", "class_name", "label_name")
_CHANNEL_COLUMNS = (("r", "g", "b"), ("red", "green", "blue"))


def class_dict_columns(header: list[str]) -> list[int] | None:
    """Returns the columns of name, red, green and blue in a class_dict.csv; None where the header is another's."""
    for name in _NAME_COLUMNS:
        for channels in _CHANNEL_COLUMNS:
            if {name, *channels} <= set(header):
                return [header.index(column) for column in (name, *channels)]
    return None


def class_dict(text: str) -> Iterator[Row | str]:
    """class_dict.csv of Kaggle's CamVid and its kin: `name,r,g,b`."""
    table = ClassTable(text)
    columns = class_dict_columns(table.header) or []
    for number, column in enumerate(table.header):
        if number not in columns:
            yield f"column {column!r} is not read"
    for cells in cells_of(table):
        name, *channels = [cells[column] for column in columns]
        yield Row(table.line, name, channels_of(table.line, channels))


def roboflow(text: str) -> Iterator[Row | str]:
    """Roboflow's _classes.csv: `Pixel Value, Class`."""
    table = ClassTable(text)
    rows = []
    for value, name in cells_of(table):
        if not re.fullmatch("[0-9]{1,3}", value):
            raise LineError(table.line, f"pixel value {value[:60]!r} is no number of 8 bits")
        rows.append((int(value), table.line, name))
    for level, number, name in sorted(rows):
        yield Row(number, name, level)


def label_colors(text: str) -> Iterator[Row | str]:
    """CamVid's label_colors.txt: `64 128 64<TAB>Animal`."""
    for number, match in matched_lines(r"([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+(\S.*)", text, "red green blue name"):
        yield Row(number, match[4], channels_of(number, list(match.groups()[:3])))


def qgis(text: str) -> Iterator[Row | str]:
    """Colour map of a QGIS raster with a palette: `value red green blue alpha label`."""
    pattern = r"([0-9]{1,5})\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+[0-9]+\s+(\S.*)"
    rows = list(matched_lines(pattern, text, "value red green blue alpha label"))
    colors = [channels_of(number, [match[2], match[3], match[4]]) for number, match in rows]
    telling = telling_colors(colors)
    for (number, match), color in zip(rows, colors, strict=True):
        yield Row(number, match[5], match[1])
        if color in telling:
            yield Row(number, match[5], color)


def object_info(text: str) -> Iterator[Row | str]:
    """ADE20K's objectInfo150.txt: Idx is the value in the masks, whose 0 is none of the 150 classes."""
    for index, (number, line) in enumerate(data_lines(text)):
        cells = [cell.strip() for cell in line.split("\t")]
        if index == 0:
            continue
        if cells[0] != str(index) or len(cells) < 2:
            raise LineError(number, f"begins with {cells[0][:20]!r} where Idx {index} comes next")
        yield Row(number, cells[-1].partition(",")[0], index)
    yield Row(0, IGNORE_NAME, 0)


def numbered(text: str) -> Iterator[Row | str]:
    """`0: road`, one class a line; COCO-Stuff's labels.txt is one, but its masks hold the number less one."""
    matches = matched_lines(r"([0-9]{1,5})\s*:\s*(\S.*)", text, "number: name")
    rows = sorted((int(match[1]), number, match[2]) for number, match in matches)
    if [(value, name) for value, _, name in rows[:2]] == [(0, "unlabeled"), (1, "person")]:
        yield "the numbers are COCO-Stuff's: the masks hold each less one, and 255 for unlabeled"
        rows = [(value - 1, number, name) for value, number, name in rows[1:]]
        rows.append((IGNORE_INDEX, 0, IGNORE_NAME))
    for value, number, name in rows:
        yield Row(number, name, value)


def _in_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yields (number, name) of a list with one name a line, whose places are the values of the classes."""
    names: set[str] = set()
    previous = 0
    for number, line in data_lines(text):
        name = line.strip()
        if name in names:
            raise LineError(number, f"names {name[:60]!r} again")
        if previous not in (0, number - 1):
            raise LineError(number, "follows a line without a name, so its place in the list is not sure")
        previous = number
        names.add(name)
        yield number, name


def labelme(text: str) -> Iterator[Row | str]:
    """Labelme's class_names.txt and labels.txt: `_background_` is 0; `__ignore__`, before it, is 255 in a PNG."""
    place = 0
    for number, name in _in_lines(text):
        if name != "__ignore__":
            yield from at_place(number, name, place)
            place += 1
        elif place:
            raise LineError(number, "has __ignore__, which stands first or not at all")
    yield Row(0, IGNORE_NAME, IGNORE_INDEX)


def names(text: str) -> Iterator[Row | str]:
    """A bare list of names: the first is value 0."""
    for place, (number, name) in enumerate(_in_lines(text)):
        if place == 0:
            yield f"the file is a bare list of names: the first, {name!r}, is taken for value 0"
        yield Row(number, name, place)


def is_list_of_names(text: str) -> bool:
    """Returns whether all lines could be names: few words each, and no punctuation that a table or prose has."""
    lines = [line.strip() for _, line in data_lines(text)]
    is_name = re.compile(r'[^\W\d][^,;:=|<>{}\[\]"\t]{0,60}').fullmatch
    return 0 < len(lines) <= MAX_CLASSES and all(is_name(line) and len(line.split()) <= 5 for line in lines)
