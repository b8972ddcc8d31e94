"""Hasty: label_classes.json, a list of classes with `png_index`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from converter.classes.formats.base import Row, nothing_drawn, telling_colors
from converter.classes.formats.json_values import name_in, shown, whole_in
from converter.pixels.colors import Color


def is_hasty(data: Any) -> bool:
    """Returns whether a JSON value is meant to be Hasty's label_classes.json."""
    return isinstance(data, list) and bool(data) and isinstance(data[0], dict) and "png_index" in data[0]


def hasty(data: list[Any]) -> Iterator[Row | str]:
    """Hasty's label_classes.json: `png_index` is the value; 0 means that nothing is drawn."""
    rows: list[tuple[int, str, Color]] = []
    for entry in data:
        if not isinstance(entry, dict):
            raise ValueError(f"has {shown(entry)} where a class is expected")
        name = name_in(entry.get("class_name"))
        match = re.fullmatch("#([0-9a-fA-F]{6})(?:[0-9a-fA-F]{2})?", str(entry.get("color"))[:10])
        red, green, blue = bytes.fromhex(match[1] if match else "000000")
        rows.append((whole_in(entry.get("png_index"), f"the png_index of {name!r}"), name, (red, green, blue)))
    if 0 not in (value for value, _, _ in rows):
        yield from nothing_drawn([name for _, name, _ in rows])
    telling = telling_colors(color for _, _, color in rows)
    for value, name, color in sorted(rows):
        yield Row(0, name, value)
        if color in telling:
            yield Row(0, name, color)
