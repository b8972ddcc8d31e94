"""CVAT: `name:red,green,blue:parts:actions`, one label per line; Datumaro also writes it."""

from __future__ import annotations

from collections.abc import Iterator

from converter.classes.formats.base import LineError, Row, at_place, channels_of, data_lines


def is_cvat(first: str) -> bool:
    """Returns whether a first line is meant to be one of labelmap.txt."""
    return first.count(":") == 3


def cvat(text: str) -> Iterator[Row | str]:
    """CVAT's and Datumaro's labelmap.txt: `name:red,green,blue:parts:actions`.

    If no label has a colour, masks are drawn in VOC's colours by the positions of the labels; if some have one, the
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
            yield f"label {name!r} has no colour, so CVAT does not draw it; taken as value {place}, its position"
            yield Row(number, name, place)
        else:
            yield from at_place(number, name, place)
