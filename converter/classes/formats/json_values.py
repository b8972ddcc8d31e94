"""JSON values: names, whole numbers and colours in a class file, which is not trusted."""

from __future__ import annotations

import re

from converter.pixels.colors import Color


def name_in(value: object) -> str:
    """Returns a JSON value as the name of a class; ValueError where it is none."""
    if not isinstance(value, str):
        raise ValueError(f"has {shown(value)} where the name of a class is expected")
    return value


def whole_in(value: object, what: str) -> int:
    """Returns a JSON value as a whole number; ValueError, which names it by `what`, where it is none."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,5}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{what} is {shown(value)}, which is no whole number")
    return value


def color_in(value: object, name: str) -> Color:
    """Returns a JSON value as the colour of a class of that name; ValueError where it is none."""
    if isinstance(value, list) and len(value) == 3:
        red, green, blue = value
        if type(red) is type(green) is type(blue) is int and all(0 <= level <= 255 for level in value):
            return red, green, blue
    raise ValueError(f"the colour of {name!r} is {shown(value)}, not three whole numbers 0..255")


def shown(value: object) -> str:
    """Returns a JSON value for a message; of a list or an object, which may be deep, only what it is."""
    if isinstance(value, list):
        is_flat = len(value) <= 4 and not any(isinstance(item, list | dict) for item in value)
        return repr(value) if is_flat else "a list"
    return "an object" if isinstance(value, dict) else repr(value)
