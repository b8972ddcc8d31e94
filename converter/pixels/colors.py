"""Colours: palettes for drawing classes, and luminance."""

from __future__ import annotations

import colorsys

Color = tuple[int, int, int]


def wheel_color(index: int) -> Color:
    """Returns a colour for a class without one in the masks: hues in golden-ratio steps, so neighbours differ."""
    red, green, blue = colorsys.hsv_to_rgb(index * 0.61803398875 % 1.0, 0.75 if index % 2 else 0.95, 0.95)
    return round(red * 255), round(green * 255), round(blue * 255)


def luminance(color: Color) -> int:
    """Returns the grey level that Pillow's convert("L") gives a colour (ITU-R 601-2 luma, in 16-bit fixed point)."""
    red, green, blue = color
    return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16


def voc_color(index: int) -> Color:
    """Returns the colour of an index 0..255 in the PASCAL VOC colour map, which labelme and CVAT also use.

    Bits 0, 3, 6 of the index are the high bits of red, bits 1, 4, 7 of green, bits 2, 5 of blue, lowest first.

    Source: VOClabelcolormap.m of the PASCAL VOC development kit.
    """
    red, green, blue = (sum((index >> 3 * i + channel & 1) << 7 - i for i in range(3)) for channel in range(3))
    return red, green, blue
