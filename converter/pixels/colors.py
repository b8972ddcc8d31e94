"""Colours: how a class is drawn, and what other programs make of its colour."""

from __future__ import annotations

import colorsys

Color = tuple[int, int, int]


def wheel_color(index: int) -> Color:
    """Returns a colour for a class that has none in the masks: hues in golden-ratio steps, so neighbours differ."""
    red, green, blue = colorsys.hsv_to_rgb(index * 0.61803398875 % 1.0, 0.75 if index % 2 else 0.95, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


def luminance(color: Color) -> int:
    """Returns the grey that Pillow's convert("L") makes of a colour (ITU-R 601-2 luma, in 16-bit fixed point)."""
    red, green, blue = color
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16


def voc_color(index: int) -> Color:
    """Returns the colour of an index 0..255 in PASCAL VOC's colour map, which labelme and CVAT use too.

    Bits 0, 3, 6 of the index are the high bits of red, bits 1, 4, 7 of green, bits 2, 5 of blue, lowest first.

    Source: VOClabelcolormap.m of the PASCAL VOC development kit.
    """
    red, green, blue = (sum((index >> 3 * i + channel & 1) << 7 - i for i in range(3)) for channel in range(3))
    return red, green, blue
