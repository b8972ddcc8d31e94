"""Pbtxt: TensorFlow's label map, `item { id: 1 name: 'cat' }`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converter.classes.formats.base import LineError, Row, nothing_drawn

# A brace, a key with its colon, a string in quotes, or a plain value. Possessive: no backtracking.
_STRING = r""""(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+'"""
_TOKEN = re.compile(rf"\s*+(?:([{{}}])|([a-z_]++)\s*+:|({_STRING})|([-\w./]++)|([,;]))")
_COMMENT = re.compile(r"\s*+#")


def is_pbtxt(text: str) -> bool:
    """Returns whether a text is meant to be a label map of TensorFlow."""
    return re.match(r"(?:\s|#[^\n]*\n)*+item\s*+:?\s*+\{", text) is not None


def pbtxt(text: str) -> Iterator[Row | str]:
    """TensorFlow's label map: `id` is the value; 0, which it never lists, is what is not drawn."""
    rows: dict[int, Row] = {}
    for line, fields in _items(text):
        name = fields.get("display_name") or fields.get("name")
        if name is None or not re.fullmatch("[0-9]{1,5}", fields.get("id", "")):
            raise LineError(line, "has an item without a name or without a number as its id")
        value = int(fields["id"])
        if value in rows:
            raise LineError(line, f"has the id {value} again")
        rows[value] = Row(line, name, value)
    if 0 not in rows:
        yield from nothing_drawn([row.name for row in rows.values()])
    yield from (rows[value] for value in sorted(rows))


def _items(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields (line, fields) of each item; fields of nested messages, such as keypoints, are left out."""
    depth, start, line, key = 0, 0, 1, ""
    fields: dict[str, str] = {}
    for line, kind, value in _tokens(text):
        if kind == "{":
            start, fields = (start, fields) if depth else (line, {})
            depth += 1
        elif kind == "}":
            depth -= 1
            if depth < 0:
                raise LineError(line, "has a } without its {")
            if depth == 0:
                yield start, fields
        elif depth == 0 and value != "item":
            raise LineError(line, f"has {value[:60]!r} where an item is expected")
        elif kind == "key":
            key = value
        elif depth == 1 and key:
            fields.setdefault(key, value)
            key = ""
    if depth:
        raise LineError(line, "ends within an item")


def _tokens(text: str) -> Iterator[tuple[int, str, str]]:
    """Yields (line, kind, value) of every token: "{", "}", "key" or "value"."""
    for number, full in enumerate(text.splitlines(), 1):
        line, place = full.rstrip(), 0
        while place < len(line) and not _COMMENT.match(line, place):
            match = _TOKEN.match(line, place)
            if match is None:
                raise LineError(number, f"{line[place : place + 60].strip()!r} is not part of an item")
            place = match.end()
            if match[1]:
                yield number, match[1], ""
            elif match[2]:
                yield number, "key", match[2]
            elif match[3] or match[4]:
                yield number, "value", match[3][1:-1] if match[3] else match[4]
