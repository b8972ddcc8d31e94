"""Supervisely: obj_class_to_machine_color.json, the colour of each name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from converter.classes.formats.base import Row, nothing_drawn
from converter.classes.formats.json_values import color_in


def is_supervisely(data: Any) -> bool:
    """Returns whether a JSON value is meant to be Supervisely's obj_class_to_machine_color.json."""
    colors = data.values() if isinstance(data, dict) else ()
    return bool(colors) and all(
        isinstance(color, list) and 0 < len(color) <= 4 and all(isinstance(level, int | float) for level in color)
        for color in colors
    )


def supervisely(data: dict[str, Any]) -> Iterator[Row | str]:
    """Supervisely's obj_class_to_machine_color.json: `{"kiwi": [1, 1, 1]}`; 0 means that nothing is drawn."""
    colors = {name: color_in(value, name) for name, value in data.items()}
    if (0, 0, 0) not in colors.values():
        yield from nothing_drawn(colors)
    for name, color in colors.items():
        yield Row(0, name, color[0] if len(set(color)) == 1 else color)
