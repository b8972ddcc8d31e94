"""Ultralytics: data.yaml, the subset of YAML that a list of names needs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converter.classes.class_map import IGNORE_NAME
from converter.classes.formats.base import LineError, Row, data_lines
from converter.schema import IGNORE_INDEX

_Item = tuple[int, str | None, str]  # number of the line, key, value


def is_ultralytics(text: str) -> bool:
    """Returns whether a text is meant to be YAML with the key names, anywhere in it."""
    return re.search("^names[ \t]*:", text, re.MULTILINE) is not None


def ultralytics(text: str) -> Iterator[Row | str]:
    """Ultralytics' data.yaml: `names` by value, as a list or as `0: road`; 255 is ignored."""
    lines = data_lines(text)
    starts = [place for place, (_, line) in enumerate(lines) if re.match("names[ \t]*:", line)]
    if len(starts) > 1:
        raise LineError(lines[starts[1]][0], "has names a second time")
    for number, line in lines:
        if line.startswith("label_mapping"):
            raise LineError(number, "has a label_mapping, which segconv does not read")
    start, line = lines[starts[0]]
    value = line.partition(":")[2].strip()
    items = _block(lines[starts[0] + 1 :]) if not value or value.startswith("#") else _flow(start, value)
    rows: dict[int, Row] = {}
    for place, (number, key, name) in enumerate(items):
        index = place if key is None else int(key)
        if index in rows:
            raise LineError(number, f"names {index} again")
        rows[index] = Row(number, _scalar(number, name), index)
    if sorted(rows) != list(range(len(rows))):
        raise LineError(start, f"has names with the numbers {sorted(rows)[:9]}, which are not 0, 1, 2, ...")
    yield from (rows[index] for index in sorted(rows))
    if IGNORE_INDEX not in rows:
        yield Row(0, IGNORE_NAME, IGNORE_INDEX)


def _block(lines: list[tuple[int, str]]) -> Iterator[_Item]:
    """Yields the items of a list or mapping below its key."""
    is_list = None
    for number, line in lines:
        if match := re.fullmatch(r"\s*-\s+(?P<value>.*)", line):
            key = None
        elif match := re.fullmatch(r"""\s+["']?(?P<key>[0-9]{1,5})["']?\s*:\s+(?P<value>.*)""", line):
            key = match["key"]
        elif line[0].isspace():
            raise LineError(number, f"{line.strip()[:60]!r} is neither `- name` nor `0: name`")
        else:
            return
        if is_list not in (None, key is None):
            raise LineError(number, "is an item of a list in a mapping, or the reverse")
        is_list = key is None
        yield number, key, match["value"]


def _flow(number: int, text: str) -> Iterator[_Item]:
    """Yields the items of a list or mapping in brackets, in one line."""
    match = re.fullmatch(r"(\[|\{)(.*)(\]|\})\s*(?:#.*)?", text)
    if match is None or match[1] + match[3] not in ("[]", "{}"):
        raise LineError(number, "has names that are neither a list nor a mapping in one line")
    # Possessive (++): else a line of a million spaces would backtrack quadratically.
    key = r"""["']?([0-9]{1,5})["']?\s*+:\s++""" if match[1] == "{" else "()"
    item = re.compile(rf"""\s*+{key}((?:'(?:[^']|'')*+'|"[^"]*+")\s*+|[^,'"\[\]{{}}]++)(?:,|$)""")
    inner, place = match[2].rstrip(), 0
    while place < len(inner):
        found = item.match(inner, place)
        if found is None:
            raise LineError(number, f"{inner[place : place + 60]!r} is not an item of a list of names")
        yield number, found[1] or None, found[2]
        place = found.end()


def _scalar(number: int, text: str) -> str:
    """Returns the text of a plain or quoted scalar."""
    text = text.strip()
    if match := re.fullmatch(r"'((?:[^']|'')*)'\s*(?:#.*)?", text):
        return match[1].replace("''", "'")
    if match := re.fullmatch(r'"([^"\\]*)"\s*(?:#.*)?', text):
        return match[1]
    plain = re.split(r"\s#", text, maxsplit=1)[0].rstrip()
    if not plain or plain[0] in "&*!|>%@`{}[],?\"'#-" or ": " in plain or plain.endswith(":"):
        raise LineError(number, f"{text[:60]!r} is YAML that segconv does not read")
    return plain
