"""Class files: whatever says which mask value is which class, in a source folder or by name -> ClassMap.

A file is recognised by its content, never by its name alone. What its format leaves open is not guessed: it is refused,
or said in a note. No value is shifted but where the format itself counts from one, and a class is ignored only where
the format says so or the class is called `ignore`.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from converter.classes import (
    CLASSES_CSV,
    IGNORE_NAME,
    ClassMap,
    ClassMapBuilder,
    ClassTable,
    Color,
    is_data,
    parse_class_map,
    read_class_text,
)
from converter.config import SourceConfig
from converter.errors import DataError, UsageError
from converter.layouts import Layout
from converter.presets import PREFIX, preset, voc_color
from converter.schema import IGNORE_INDEX, MAX_CLASSES
from converter.storage import resolve_inside

# Where the formats put their files below the source folder; a QGIS palette has no place of its own. Files of other
# kinds bear the names of the second row too, so there one that is no class file is passed over.
_ROBOFLOW = ("_classes.csv", *(f"{split}/_classes.csv" for split in ("train", "valid", "val", "test")))
_PLACES = (
    *("labelmap.txt", "class_dict.csv", "label_colors.txt", "class_names.txt", "dataset_meta.json"),
    *("obj_class_to_machine_color.json", "label_classes.json", "objectInfo150.txt", *_ROBOFLOW),
)
_SHARED_PLACES = ("dataset.json", "labels.txt", "classes.txt", "data.yaml", "data.yml", "dataset.yaml")

_VOIDS = ("void", "unlabelled", "unlabeled", "ignored", "unknown")  # classes all the same, with a note
_MEND = "Mend it, or write a classes.csv: `segconv classes --src DIR --write`."


@dataclass(frozen=True)
class FoundClasses:
    """A class map and where it comes from.

    Attributes:
      classes: the map.
      origin: path of the file, or preset:NAME.
      kind: of the file, such as "classes.csv" or "CVAT labelmap.txt"; for reports.
      notes: what a user should know of how the file was read, one clause each.
    """

    classes: ClassMap
    origin: str
    kind: str
    notes: tuple[str, ...] = ()


def find_class_map(source: SourceConfig, layout: Layout) -> FoundClasses:
    """Returns the class map of a dataset.

    That is the one which `source` names; else classes.csv in the source folder; else a class file of another format
    where that format puts it; else the preset that goes with the layout.

    Raises:
      UsageError: there is none, it is wrong, or several files say different things.
    """
    if source.classes is not None:
        if source.classes.startswith(PREFIX):
            return _of_preset(source.classes.removeprefix(PREFIX))
        return read_class_file(Path(source.classes))
    native = _inside(source, CLASSES_CSV)
    if native is not None:
        return read_class_file(native)
    found, passed_over = _foreign_files(source)
    if any(file.classes != found[0].classes for file in found):
        origins = ", ".join(file.origin for file in found)
        mend = "Name the right one with --classes."
        raise UsageError(source.src, f"holds class files that say different things: {origins}", mend, "E_CLASSES")
    if found:
        return found[0]
    if layout.preset is not None:
        return _of_preset(layout.preset)
    what = "; ".join(("does not exist, nor any other class file", *passed_over))
    mend = (
        f"Make one from what the masks hold with `segconv classes --src {source.src} --write`, "
        f"or pass --classes FILE or --classes {PREFIX}NAME."
    )
    raise UsageError(source.src / CLASSES_CSV, what, mend, "E_CLASSES")


def read_class_file(path: Path) -> FoundClasses:
    """Returns the class map in a file of any format that segconv knows, with its kind and notes.

    A bare list of names counts here as one: its first line is the name of value 0. `find_class_map` takes none, since
    as many people leave the background out of such a list as put it in.

    Raises:
      UsageError: the file is missing, is no text, is of no known format, or is wrong; the message names the line.
    """
    text = read_class_text(path)
    recognised = _recognise(text, path)
    if recognised is None and _is_list_of_names(text):
        recognised = _NAMES, text
    if recognised is None:
        return FoundClasses(parse_class_map(text, path), str(path), CLASSES_CSV)  # which says what is wrong
    return _parse(*recognised, path)


def _of_preset(name: str) -> FoundClasses:
    return FoundClasses(preset(name), f"{PREFIX}{name}", "preset")


def _inside(source: SourceConfig, name: str) -> Path | None:
    """Returns the path of a file below the source folder, None where nothing has that name."""
    path = source.src / name
    if not os.path.lexists(path):
        return None
    try:
        return resolve_inside(source.src, name, follow_links=source.follow_links)
    except DataError as error:
        raise UsageError(path, error.what, error.mend, error.code) from None


def _foreign_files(source: SourceConfig) -> tuple[list[FoundClasses], list[str]]:
    """Returns the class files in a source folder, and of each file that was passed over why."""
    found, passed_over = [], []
    for name in (*_PLACES, *_SHARED_PLACES):
        path = _inside(source, name)
        if path is None:
            continue
        try:
            text = read_class_text(path)
            recognised = _recognise(text, path)
        except UsageError as error:
            if name not in _SHARED_PLACES:
                raise
            passed_over.append(f"{name} {error.what}")
            continue
        if recognised is not None:
            found.append(_parse(*recognised, path))
        elif name in _SHARED_PLACES:
            passed_over.append(f"{name} does not say which value is which class")
        else:
            first = next((line for _, line in _data_lines(text)), "")
            what = f"begins with {first[:60]!r}, as no class file that segconv knows does"
            raise UsageError(path, what, _MEND, "E_CLASSES")
    return found, passed_over


class _Row(NamedTuple):
    """One value of a class.

    Attributes:
      line: number of the line that it stands in; 0 where the format has no lines.
      name: of the class.
      value: as ClassMapBuilder takes it.
    """

    line: int
    name: str
    value: str | int | Color


class _LineError(ValueError):
    """A line is wrong."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(what)
        self.line = line


@dataclass(frozen=True)
class _Format:
    """A format of class files.

    Attributes:
      kind: for reports.
      is_meant: first data line, or JSON value -> whether the content is meant to be of this format.
      rows: text, or JSON value -> rows in the order of class indices, and notes between them.
    """

    kind: str
    is_meant: Callable[[Any], object]
    rows: Callable[[Any], Iterator[_Row | str]]


def _recognise(text: str, path: Path) -> tuple[_Format, Any] | None:
    """Returns the format of a class file and the content for its parser; None where it is of no known format."""
    if text.lstrip()[:1] in ("{", "["):
        try:
            data = json.loads(text, object_pairs_hook=_unique_keys)
        except json.JSONDecodeError as error:
            raise UsageError(f"{path}:{error.lineno}", f"is no JSON ({error.msg})", _MEND, "E_CLASSES") from None
        except RecursionError:
            raise UsageError(path, "is nested too deeply", _MEND, "E_CLASSES") from None
        except ValueError as error:  # a key twice, or a number of thousands of digits
            raise UsageError(path, str(error), _MEND, "E_CLASSES") from None
        return next(((form, data) for form in _JSON_FORMATS if form.is_meant(data)), None)
    if re.search("^names[ \t]*:", text, re.MULTILINE):
        return _ULTRALYTICS, text
    first = ClassTable(text).first_line.strip()
    return next(((form, text) for form in _TEXT_FORMATS if form.is_meant(first)), None)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key, value in pairs:
        if key in data:
            raise ValueError(f"has {key!r} twice")
        data[key] = value
    return data


def _parse(form: _Format, content: Any, path: Path) -> FoundClasses:
    """Returns the class map of a recognised file."""
    if form is _NATIVE:
        return FoundClasses(parse_class_map(content, path), str(path), form.kind)
    builder = ClassMapBuilder()
    notes = []
    lines: dict[str, int] = {}
    merged: dict[str, str] = {}
    where, whose = str(path), ""
    try:
        for row in form.rows(content):
            if isinstance(row, str):
                notes.append(row)
                continue
            where, whose = (f"{path}:{row.line}", "") if row.line else (str(path), f"class {row.name!r}: ")
            if row.line and lines.setdefault(row.name, row.line) != row.line:
                merged[row.name] = f"class {row.name!r} of line {lines[row.name]} has values in later lines too"
            builder.add(IGNORE_NAME if row.name == "__ignore__" else row.name, row.value)
            where, whose = str(path), ""
        classes = builder.finish()
    except ValueError as error:
        where = f"{path}:{error.line}" if isinstance(error, _LineError) else where
        raise UsageError(where, f"{whose}{error}", _MEND, "E_CLASSES") from None
    notes += merged.values()
    for name in classes.names:
        if name.lower() in _VOIDS:
            notes.append(f"class {name!r} is kept as a class; call it {IGNORE_NAME} in a classes.csv to leave it out")
    return FoundClasses(classes, str(path), form.kind, tuple(notes))


def _data_lines(text: str) -> list[tuple[int, str]]:
    """Returns (number, line) of every line that is neither blank nor a remark."""
    return [(number, line) for number, line in enumerate(text.splitlines(), 1) if is_data(line)]


def _matches(pattern: str, text: str, form: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Yields (number, match) of every data line; ValueError where one is not of the form."""
    for number, line in _data_lines(text):
        match = re.fullmatch(pattern, line.strip())
        if match is None:
            raise _LineError(number, f"{line.strip()[:60]!r} is not {form}")
        yield number, match


def _at_place(line: int, name: str, place: int) -> Iterator[_Row]:
    """Yields what a class has that is known by its number alone: the number, and VOC's colour for it.

    A colour that is grey is left out: it is a level too, and so could be the number of another class.
    """
    yield _Row(line, name, place)
    color = voc_color(place) if place < MAX_CLASSES else (0, 0, 0)
    if len(set(color)) > 1:
        yield _Row(line, name, color)


# Text, one class a line.


def _cvat(text: str) -> Iterator[_Row | str]:
    """CVAT's and Datumaro's labelmap.txt: `name:red,green,blue:parts:actions`.

    Where no label has a colour, masks are drawn in VOC's colours by the places of the labels; where some have, the
    others are not drawn at all (datumaro, voc/format.py, make_voc_categories).
    """
    labels = [(number, [field.strip() for field in line.split(":")]) for number, line in _data_lines(text)]
    has_colors = any(len(fields) > 1 and fields[1] for _, fields in labels)
    names = set()
    for place, (number, fields) in enumerate(labels):
        if len(fields) != 4:
            raise _LineError(number, f"has {len(fields)} fields, not the 4 of name:red,green,blue:parts:actions")
        name, color = fields[:2]
        if name in names:
            raise _LineError(number, f"names {name!r} again")
        names.add(name)
        if color:
            yield _Row(number, name, _channels(number, color.split(",")))
        elif has_colors:
            yield f"label {name!r} has no colour, in which CVAT draws nothing; taken for value {place}, its place"
            yield _Row(number, name, place)
        else:
            yield from _at_place(number, name, place)


def _channels(number: int, cells: list[str]) -> Color:
    """Returns a colour from three whole numbers, which some programs write with a fraction of zeros."""
    matches = [re.fullmatch(r"([0-9]{1,3})(?:\.0*)?", cell.strip()) for cell in cells]
    red, green, blue, *more = [int(match[1]) if match else -1 for match in matches] + [-1] * (3 - len(cells))
    if more or min(red, green, blue) < 0 or max(red, green, blue) > 255:
        raise _LineError(number, f"colour {','.join(cells)[:60]!r} is not three whole numbers 0..255")
    return red, green, blue


_NAME_COLUMNS = ("name", "class", "label", "class_name", "label_name")
_CHANNEL_COLUMNS = (("r", "g", "b"), ("red", "green", "blue"))


def _class_dict_columns(header: list[str]) -> list[int] | None:
    """Returns the columns of name, red, green and blue in a class_dict.csv; None where the header is another's."""
    for name in _NAME_COLUMNS:
        for channels in _CHANNEL_COLUMNS:
            if {name, *channels} <= set(header):
                return [header.index(column) for column in (name, *channels)]
    return None


def _class_dict(text: str) -> Iterator[_Row | str]:
    """class_dict.csv of Kaggle's CamVid and its kin: `name,r,g,b`."""
    table = ClassTable(text)
    columns = _class_dict_columns(table.header) or []
    for number, column in enumerate(table.header):
        if number not in columns:
            yield f"column {column!r} is not read"
    for cells in _cells(table):
        name, *channels = [cells[column] for column in columns]
        yield _Row(table.line, name, _channels(table.line, channels))


def _cells(table: ClassTable) -> Iterator[list[str]]:
    try:
        yield from table
    except ValueError as error:
        raise _LineError(table.line, str(error)) from None


def _roboflow(text: str) -> Iterator[_Row | str]:
    """Roboflow's _classes.csv: `Pixel Value, Class`."""
    table = ClassTable(text)
    rows = []
    for value, name in _cells(table):
        if not re.fullmatch("[0-9]{1,3}", value):
            raise _LineError(table.line, f"pixel value {value[:60]!r} is no number of 8 bits")
        rows.append((int(value), table.line, name))
    for level, number, name in sorted(rows):
        yield _Row(number, name, level)


def _label_colors(text: str) -> Iterator[_Row | str]:
    """CamVid's label_colors.txt: `64 128 64<TAB>Animal`."""
    for number, match in _matches(r"([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+(\S.*)", text, "red green blue name"):
        yield _Row(number, match[4], _channels(number, list(match.groups()[:3])))


def _qgis(text: str) -> Iterator[_Row | str]:
    """Colour map of a QGIS raster with a palette: `value red green blue alpha label`."""
    pattern = r"([0-9]{1,5})\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+[0-9]+\s+(\S.*)"
    rows = list(_matches(pattern, text, "value red green blue alpha label"))
    colors = [_channels(number, [match[2], match[3], match[4]]) for number, match in rows]
    telling = _telling(colors)
    for (number, match), color in zip(rows, colors, strict=True):
        yield _Row(number, match[5], match[1])
        if color in telling:
            yield _Row(number, match[5], color)


def _telling(colors: Iterable[Color]) -> set[Color]:
    """Returns the colours that tell a class as well as its value does: those of one class only, and no grey."""
    return {color for color, count in Counter(colors).items() if count == 1 and len(set(color)) > 1}


def _object_info(text: str) -> Iterator[_Row | str]:
    """ADE20K's objectInfo150.txt: Idx is the value in the masks, whose 0 is none of the 150 classes."""
    for index, (number, line) in enumerate(_data_lines(text)):
        cells = [cell.strip() for cell in line.split("\t")]
        if index == 0:
            continue
        if cells[0] != str(index) or len(cells) < 2:
            raise _LineError(number, f"begins with {cells[0][:20]!r} where Idx {index} comes next")
        yield _Row(number, cells[-1].partition(",")[0], index)
    yield _Row(0, IGNORE_NAME, 0)


def _numbered(text: str) -> Iterator[_Row | str]:
    """`0: road`, one class a line; COCO-Stuff's labels.txt is one, but its masks hold the number less one."""
    matches = _matches(r"([0-9]{1,5})\s*:\s*(\S.*)", text, "number: name")
    rows = sorted((int(match[1]), number, match[2]) for number, match in matches)
    if [(value, name) for value, _, name in rows[:2]] == [(0, "unlabeled"), (1, "person")]:
        yield "the numbers are COCO-Stuff's: the masks hold each less one, and 255 for unlabeled"
        rows = [(value - 1, number, name) for value, number, name in rows[1:]]
        rows.append((IGNORE_INDEX, 0, IGNORE_NAME))
    for value, number, name in rows:
        yield _Row(number, name, value)


def _in_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yields (number, name) of a list with one name a line, whose places are the values of the classes."""
    names: set[str] = set()
    previous = 0
    for number, line in _data_lines(text):
        name = line.strip()
        if name in names:
            raise _LineError(number, f"names {name[:60]!r} again")
        if previous not in (0, number - 1):
            raise _LineError(number, "follows a line without a name, so its place in the list is not sure")
        previous = number
        names.add(name)
        yield number, name


def _labelme(text: str) -> Iterator[_Row | str]:
    """Labelme's class_names.txt and labels.txt: `_background_` is 0; `__ignore__`, before it, is 255 in a PNG."""
    place = 0
    for number, name in _in_lines(text):
        if name != "__ignore__":
            yield from _at_place(number, name, place)
            place += 1
        elif place:
            raise _LineError(number, "has __ignore__, which stands first or not at all")
    yield _Row(0, IGNORE_NAME, IGNORE_INDEX)


def _names(text: str) -> Iterator[_Row | str]:
    """A bare list of names: the first is value 0."""
    for place, (number, name) in enumerate(_in_lines(text)):
        if place == 0:
            yield f"the file is a bare list of names: the first, {name!r}, is taken for value 0"
        yield _Row(number, name, place)


def _is_list_of_names(text: str) -> bool:
    """Returns whether all lines could be names: few words each, and no punctuation that a table or prose has."""
    lines = [line.strip() for _, line in _data_lines(text)]
    is_name = re.compile(r'[^\W\d][^,;:=|<>{}\[\]"\t]{0,60}').fullmatch
    return 0 < len(lines) <= MAX_CLASSES and all(is_name(line) and len(line.split()) <= 5 for line in lines)


# YAML, as much of it as a list of names needs.

_Item = tuple[int, str | None, str]  # number of the line, key, value


def _ultralytics(text: str) -> Iterator[_Row | str]:
    """Ultralytics' data.yaml: `names` by value, as a list or as `0: road`; 255 is ignored."""
    lines = _data_lines(text)
    starts = [place for place, (_, line) in enumerate(lines) if re.match("names[ \t]*:", line)]
    if len(starts) > 1:
        raise _LineError(lines[starts[1]][0], "has names a second time")
    for number, line in lines:
        if line.startswith("label_mapping"):
            raise _LineError(number, "has a label_mapping, which segconv does not read")
    start, line = lines[starts[0]]
    value = line.partition(":")[2].strip()
    items = _block(lines[starts[0] + 1 :]) if not value or value.startswith("#") else _flow(start, value)
    rows: dict[int, _Row] = {}
    for place, (number, key, name) in enumerate(items):
        index = place if key is None else int(key)
        if index in rows:
            raise _LineError(number, f"names {index} again")
        rows[index] = _Row(number, _scalar(number, name), index)
    if sorted(rows) != list(range(len(rows))):
        raise _LineError(start, f"has names with the numbers {sorted(rows)[:9]}, which are not 0, 1, 2, ...")
    yield from (rows[index] for index in sorted(rows))
    if IGNORE_INDEX not in rows:
        yield _Row(0, IGNORE_NAME, IGNORE_INDEX)


def _block(lines: list[tuple[int, str]]) -> Iterator[_Item]:
    """Yields the items of a list or mapping that stands below its key."""
    is_list = None
    for number, line in lines:
        if match := re.fullmatch(r"\s*-\s+(?P<value>.*)", line):
            key = None
        elif match := re.fullmatch(r"""\s+["']?(?P<key>[0-9]{1,5})["']?\s*:\s+(?P<value>.*)""", line):
            key = match["key"]
        elif line[0].isspace():
            raise _LineError(number, f"{line.strip()[:60]!r} is neither `- name` nor `0: name`")
        else:
            return
        if is_list not in (None, key is None):
            raise _LineError(number, "is an item of a list in a mapping, or the reverse")
        is_list = key is None
        yield number, key, match["value"]


def _flow(number: int, text: str) -> Iterator[_Item]:
    """Yields the items of a list or mapping in brackets, all in one line."""
    match = re.fullmatch(r"(\[|\{)(.*)(\]|\})\s*(?:#.*)?", text)
    if match is None or match[1] + match[3] not in ("[]", "{}"):
        raise _LineError(number, "has names that are neither a list nor a mapping in one line")
    # Possessive (++), or a line of a million spaces would be tried in a million ways each.
    key = r"""["']?([0-9]{1,5})["']?\s*+:\s++""" if match[1] == "{" else "()"
    item = re.compile(rf"""\s*+{key}((?:'(?:[^']|'')*+'|"[^"]*+")\s*+|[^,'"\[\]{{}}]++)(?:,|$)""")
    inner, place = match[2].rstrip(), 0
    while place < len(inner):
        found = item.match(inner, place)
        if found is None:
            raise _LineError(number, f"{inner[place : place + 60]!r} is no item of a list of names")
        yield number, found[1] or None, found[2]
        place = found.end()


def _scalar(number: int, text: str) -> str:
    """Returns the text that a plain or quoted scalar stands for."""
    text = text.strip()
    if match := re.fullmatch(r"'((?:[^']|'')*)'\s*(?:#.*)?", text):
        return match[1].replace("''", "'")
    if match := re.fullmatch(r'"([^"\\]*)"\s*(?:#.*)?', text):
        return match[1]
    plain = re.split(r"\s#", text, maxsplit=1)[0].rstrip()
    if not plain or plain[0] in "&*!|>%@`{}[],?\"'#-" or ": " in plain or plain.endswith(":"):
        raise _LineError(number, f"{text[:60]!r} is more YAML than segconv reads")
    return plain


# JSON.


def _datumaro(data: dict[str, Any]) -> Iterator[_Row | str]:
    """Datumaro's dataset_meta.json: `labels`, or `label_map` by number, with a colour for each entry of the latter."""
    labels, label_map = data.get("labels", []), data.get("label_map", {})
    colors = data.get("segmentation_colors") or []
    if not isinstance(labels, list) or not isinstance(label_map, dict) or not isinstance(colors, list):
        raise ValueError("has labels or segmentation_colors that are no list, or a label_map that is no object")
    by_number = {_whole(key, "a number in label_map"): _name(name) for key, name in label_map.items()}
    names = dict(enumerate(_name(name) for name in labels)) | by_number
    numbers = list(by_number or names)
    if numbers != sorted(numbers):
        raise ValueError("has a label_map that is not in the order of its numbers, so whose the colours are is open")
    if colors and len(colors) != len(numbers):
        raise ValueError(f"has {len(colors)} segmentation_colors for {len(numbers)} labels")
    drawn = {number: color for number, color in zip(numbers, colors, strict=False) if color is not None}
    for number, name in sorted(names.items()):
        if number in drawn:
            yield _Row(0, name, _rgb(drawn[number], name))
        elif drawn:
            yield f"label {name!r} has no colour; taken for value {number}, its place"
            yield _Row(0, name, number)
        else:
            yield from _at_place(0, name, number)


def _supervisely(data: dict[str, Any]) -> Iterator[_Row | str]:
    """Supervisely's obj_class_to_machine_color.json: `{"kiwi": [1, 1, 1]}`; 0 is where nothing is drawn."""
    colors = {name: _rgb(value, name) for name, value in data.items()}
    if (0, 0, 0) not in colors.values():
        yield from _nothing_drawn(colors)
    for name, color in colors.items():
        yield _Row(0, name, color[0] if len(set(color)) == 1 else color)


def _hasty(data: list[Any]) -> Iterator[_Row | str]:
    """Hasty's label_classes.json: `png_index` is the value; 0 is where nothing is drawn."""
    rows: list[tuple[int, str, Color]] = []
    for entry in data:
        if not isinstance(entry, dict):
            raise ValueError(f"has {_shown(entry)} where a class is expected")
        name = _name(entry.get("class_name"))
        match = re.fullmatch("#([0-9a-fA-F]{6})(?:[0-9a-fA-F]{2})?", str(entry.get("color"))[:10])
        red, green, blue = bytes.fromhex(match[1] if match else "000000")
        rows.append((_whole(entry.get("png_index"), f"the png_index of {name!r}"), name, (red, green, blue)))
    if 0 not in (value for value, _, _ in rows):
        yield from _nothing_drawn([name for _, name, _ in rows])
    telling = _telling(color for _, _, color in rows)
    for value, name, color in sorted(rows):
        yield _Row(0, name, value)
        if color in telling:
            yield _Row(0, name, color)


def _nnunet(data: dict[str, Any]) -> Iterator[_Row | str]:
    """nnU-Net's dataset.json: `labels` by name (version 2) or by value (version 1); the label `ignore` is ignored."""
    rows = []
    for key, value in data["labels"].items():
        if isinstance(value, list):
            raise ValueError(f"label {key!r} is a region of several values, where each class needs values of its own")
        name, number = (value, key) if isinstance(value, str) else (key, value)
        rows.append((_whole(number, f"the value of {name!r}"), name))
    for number, name in sorted(rows):
        yield _Row(0, name, number)


def _nothing_drawn(names: Collection[str]) -> Iterator[_Row | str]:
    """Yields the class of value 0 in a format that lists only what is drawn."""
    name = "unlabelled" if "background" in names else "background"
    yield f"value 0, where nothing is drawn, is the class {name!r}"
    yield _Row(0, name, 0)


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError(f"has {_shown(value)} where the name of a class is expected")
    return value


def _whole(value: object, what: str) -> int:
    if isinstance(value, str) and re.fullmatch("[0-9]{1,5}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{what} is {_shown(value)}, which is no whole number")
    return value


def _rgb(value: object, name: str) -> Color:
    if isinstance(value, list) and len(value) == 3:
        red, green, blue = value
        if type(red) is type(green) is type(blue) is int and all(0 <= level <= 255 for level in value):
            return red, green, blue
    raise ValueError(f"the colour of {name!r} is {_shown(value)}, not three whole numbers 0..255")


def _shown(value: object) -> str:
    """Returns a JSON value for a message; of a list or an object, which may be deep, only what it is."""
    if isinstance(value, list):
        is_flat = len(value) <= 4 and not any(isinstance(item, list | dict) for item in value)
        return repr(value) if is_flat else "a list"
    return "an object" if isinstance(value, dict) else repr(value)


def _is_nnunet(data: Any) -> bool:
    own_keys = {"channel_names", "modality", "file_ending", "numTraining"}
    return isinstance(data, dict) and isinstance(data.get("labels"), dict) and bool(own_keys & set(data))


def _is_hasty(data: Any) -> bool:
    return isinstance(data, list) and bool(data) and isinstance(data[0], dict) and "png_index" in data[0]


def _is_datumaro(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    labels = data.get("labels")
    is_list = isinstance(labels, list) and bool(labels) and all(isinstance(label, str) for label in labels)
    return is_list or isinstance(data.get("label_map"), dict)


def _is_supervisely(data: Any) -> bool:
    colors = data.values() if isinstance(data, dict) else ()
    return bool(colors) and all(
        isinstance(color, list) and 0 < len(color) <= 4 and all(isinstance(level, int | float) for level in color)
        for color in colors
    )


_NATIVE = _Format(CLASSES_CSV, lambda first: ClassTable(first).is_native, lambda _: iter(()))
_NAMES = _Format("list of names", _is_list_of_names, _names)
_ULTRALYTICS = _Format("Ultralytics data.yaml", lambda _: False, _ultralytics)
_TEXT_FORMATS = (
    _NATIVE,
    _Format("class_dict.csv", lambda first: _class_dict_columns(ClassTable(first).header), _class_dict),
    _Format("Roboflow _classes.csv", lambda first: ClassTable(first).header == ["pixel value", "class"], _roboflow),
    _Format("ADE20K objectInfo150.txt", re.compile(r"Idx\s*\t.*\tName").fullmatch, _object_info),
    _Format("CVAT labelmap.txt", lambda first: first.count(":") == 3, _cvat),
    _Format("QGIS palette", re.compile(r"([0-9]+\s+){5}\S").match, _qgis),  # before the next: five numbers are three
    _Format("label_colors.txt", re.compile(r"([0-9]+\s+){3}\S").match, _label_colors),
    _Format("numbered list of names", re.compile(r"[0-9]+\s*:\s*\S").match, _numbered),
    _Format("labelme class_names.txt", re.compile("__ignore__|_background_").fullmatch, _labelme),
)
_JSON_FORMATS = (
    _Format("nnU-Net dataset.json", _is_nnunet, _nnunet),
    _Format("Hasty label_classes.json", _is_hasty, _hasty),
    _Format("Datumaro dataset_meta.json", _is_datumaro, _datumaro),
    _Format("Supervisely obj_class_to_machine_color.json", _is_supervisely, _supervisely),
)
