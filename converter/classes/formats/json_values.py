"""JSON values: names, integers and colours in an untrusted class file."""

from __future__ import annotations

import re

from converter.pixels.colors import Color


def name_in(value: object) -> str:
    """Returns a JSON value as the name of a class; ValueError if it is not one."""
    if not isinstance(value, str):
        raise ValueError(f"has {shown(value)} where the name of a class is expected")
    return value


def whole_in(value: object, what: str) -> int:
    """Returns a JSON value as an integer; ValueError, which names it by `what`, if it is not one."""
    if isinstance(value, str) and re.fullmatch("[0-9]{1,5}", value):
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{what} is {shown(value)}, not an integer")
    return value


def color_in(value: object, name: str) -> Color:
    """Returns a JSON value as the colour of a class of that name; ValueError if it is not one."""
    if isinstance(value, list) and len(value) == 3:
        red, green, blue = value
        if type(red) is type(green) is type(blue) is int and all(0 <= level <= 255 for level in value):
            return red, green, blue
    raise ValueError(f"the colour of {name!r} is {shown(value)}, not three integers 0..255")


def shown(value: object) -> str:
    """Returns a JSON value for a message; for a nested list or an object only its type."""
    if isinstance(value, list):
        is_flat = len(value) <= 4 and not any(isinstance(item, list | dict) for item in value)
        return repr(value) if is_flat else "a list"
    return "an object" if isinstance(value, dict) else repr(value)
