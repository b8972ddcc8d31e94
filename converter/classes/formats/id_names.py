"""ID names: a JSON object of numbers or colours and names, such as Hugging Face's id2label.json."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from converter.classes.formats.base import Row
from converter.classes.formats.json_values import name_in, whole_in


def is_id_names(data: Any) -> bool:
    """Returns whether a JSON value is meant to be an object of numbers and names."""
    if not isinstance(data, dict):
        return False
    names = data.get("id2label", data)
    return isinstance(names, dict) and (_is_by_id(names) or _is_by_name(names))


def id_names(data: dict[str, Any]) -> Iterator[Row | str]:
    """`{"0": "wall"}` or `{"wall": 0}`, on its own or as `id2label` in a config.json of Hugging Face."""
    names: dict[str, Any] = data.get("id2label", data)
    if _is_by_id(names):
        rows = [(whole_in(key, "a number"), name_in(name)) for key, name in names.items()]
    else:
        rows = [(whole_in(value, f"the number of {name!r}"), name) for name, value in names.items()]
    for value, name in sorted(rows):
        yield Row(0, name, value)


def is_color_names(data: Any) -> bool:
    """Returns whether a JSON value is an object of colours and names."""
    return isinstance(data, dict) and bool(data) and all(re.fullmatch("#[0-9a-fA-F]{6}", key) for key in data)


def color_names(data: dict[str, Any]) -> Iterator[Row | str]:
    """`{"#ff0000": "Car 1"}`: A2D2's class_list.json."""
    for color, name in data.items():
        yield Row(0, name_in(name), color)


def _is_by_id(names: dict[str, Any]) -> bool:
    """Returns whether all keys are numbers, and the first value is a name."""
    return (
        bool(names)
        and all(re.fullmatch("[0-9]{1,5}", key) for key in names)
        and isinstance(next(iter(names.values())), str)
    )


def _is_by_name(names: dict[str, Any]) -> bool:
    """Returns whether all values are numbers, none of them twice."""
    values = list(names.values())
    return len(values) > 1 and all(type(value) is int for value in values) and len(set(values)) == len(values)
