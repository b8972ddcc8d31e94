"""JSON: Datumaro, Supervisely, Hasty, nnU-Net."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from converter.classes.formats.base import Row, at_place, nothing_drawn, telling_colors
from converter.pixels.colors import Color


def datumaro(data: dict[str, Any]) -> Iterator[Row | str]:
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
            yield Row(0, name, _rgb(drawn[number], name))
        elif drawn:
            yield f"label {name!r} has no colour; taken for value {number}, its place"
            yield Row(0, name, number)
        else:
            yield from at_place(0, name, number)


def supervisely(data: dict[str, Any]) -> Iterator[Row | str]:
    """Supervisely's obj_class_to_machine_color.json: `{"kiwi": [1, 1, 1]}`; 0 is where nothing is drawn."""
    colors = {name: _rgb(value, name) for name, value in data.items()}
    if (0, 0, 0) not in colors.values():
        yield from nothing_drawn(colors)
    for name, color in colors.items():
        yield Row(0, name, color[0] if len(set(color)) == 1 else color)


def hasty(data: list[Any]) -> Iterator[Row | str]:
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
        yield from nothing_drawn([name for _, name, _ in rows])
    telling = telling_colors(color for _, _, color in rows)
    for value, name, color in sorted(rows):
        yield Row(0, name, value)
        if color in telling:
            yield Row(0, name, color)


def nnunet(data: dict[str, Any]) -> Iterator[Row | str]:
    """nnU-Net's dataset.json: `labels` by name (version 2) or by value (version 1); the label `ignore` is ignored."""
    rows = []
    for key, value in data["labels"].items():
        if isinstance(value, list):
            raise ValueError(f"label {key!r} is a region of several values, where each class needs values of its own")
        name, number = (value, key) if isinstance(value, str) else (key, value)
        rows.append((_whole(number, f"the value of {name!r}"), name))
    for number, name in sorted(rows):
        yield Row(0, name, number)


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


def is_nnunet(data: Any) -> bool:
    """Tells whether a JSON value is meant to be nnU-Net's dataset.json."""
    own_keys = {"channel_names", "modality", "file_ending", "numTraining"}
    return isinstance(data, dict) and isinstance(data.get("labels"), dict) and bool(own_keys & set(data))


def is_hasty(data: Any) -> bool:
    """Tells whether a JSON value is meant to be Hasty's label_classes.json."""
    return isinstance(data, list) and bool(data) and isinstance(data[0], dict) and "png_index" in data[0]


def is_datumaro(data: Any) -> bool:
    """Tells whether a JSON value is meant to be Datumaro's dataset_meta.json."""
    if not isinstance(data, dict):
        return False
    labels = data.get("labels")
    is_list = isinstance(labels, list) and bool(labels) and all(isinstance(label, str) for label in labels)
    return is_list or isinstance(data.get("label_map"), dict)


def is_supervisely(data: Any) -> bool:
    """Tells whether a JSON value is meant to be Supervisely's obj_class_to_machine_color.json."""
    colors = data.values() if isinstance(data, dict) else ()
    return bool(colors) and all(
        isinstance(color, list) and 0 < len(color) <= 4 and all(isinstance(level, int | float) for level in color)
        for color in colors
    )
