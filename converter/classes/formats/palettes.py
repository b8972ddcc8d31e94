"""Palettes: colours and names in lines; CamVid's label_colors.txt, its reverse, and the colour maps of QGIS."""

from __future__ import annotations

import re
from collections.abc import Iterator

from converter.classes.formats.base import Row, channels_of, matched_lines, telling_colors

# No digit begins a name, as it does the lines of label_colors.txt and the boxes of a detector.
_COLOR_AFTER_NAME = (
    r"([^\W\d][^,;:=#\t]{0,99}?)(?:\s++|\s*+[,;:=]\s*+)[(\[]?"
    r"(?:(#[0-9a-fA-F]{6})|([0-9]{1,3})[\s,]\s*+([0-9]{1,3})[\s,]\s*+([0-9]{1,3}))[)\]]?"
)


def is_qgis(first: str) -> bool:
    """Returns whether a first line is meant to be one of a QGIS colour map."""
    return re.match(r"([0-9]+\s+){5}\S", first) is not None


def qgis(text: str) -> Iterator[Row | str]:
    """Colour map of a QGIS raster with a palette: `value red green blue alpha label`."""
    pattern = r"([0-9]{1,5})\s+([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+[0-9]+\s+(\S.*)"
    rows = list(matched_lines(pattern, text, "value red green blue alpha label"))
    colors = [channels_of(number, [match[2], match[3], match[4]]) for number, match in rows]
    telling = telling_colors(colors)
    for (number, match), color in zip(rows, colors, strict=True):
        yield Row(number, match[5], match[1])
        if color in telling:
            yield Row(number, match[5], color)


def is_label_colors(first: str) -> bool:
    """Returns whether a first line is meant to be one of label_colors.txt; a line of a QGIS colour map also matches."""
    return re.match(r"([0-9]+\s+){3}\S", first) is not None


def label_colors(text: str) -> Iterator[Row | str]:
    """CamVid's label_colors.txt: `64 128 64<TAB>Animal`."""
    for number, match in matched_lines(r"([0-9]+)\s+([0-9]+)\s+([0-9]+)\s+(\S.*)", text, "red green blue name"):
        yield Row(number, match[4], channels_of(number, list(match.groups()[:3])))


def is_numbered_colors(first: str) -> bool:
    """Returns whether a first line is a number, a name and its colour."""
    match = re.match(r"[0-9]+[\s,:]\s*+", first)
    return match is not None and is_color_after_name(first[match.end() :])


def numbered_colors(text: str) -> Iterator[Row | str]:
    """A list such as `0 void 0 0 0` or `1: dirt #6C4014`: RUGD's annotation colour map."""
    for number, match in matched_lines(
        rf"([0-9]{{1,5}})[\s,:]\s*+{_COLOR_AFTER_NAME}", text, "number name red green blue"
    ):
        color = match[3] or channels_of(number, list(match.groups()[3:]))
        yield Row(number, match[2].strip(), color, int(match[1]))


def is_color_after_name(first: str) -> bool:
    """Returns whether a first line is a name and its colour."""
    return re.fullmatch(_COLOR_AFTER_NAME, first) is not None


def color_after_name(text: str) -> Iterator[Row | str]:
    """A list such as `road 128 64 128`, `road: 128, 64, 128` or `road #804080`."""
    for number, match in matched_lines(_COLOR_AFTER_NAME, text, "name red green blue"):
        if match[2]:
            yield Row(number, match[1].strip(), match[2])
        else:
            yield Row(number, match[1].strip(), channels_of(number, list(match.groups()[2:])))
