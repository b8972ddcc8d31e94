"""Unlisted: the error for a mask with values that the class map does not list."""

from __future__ import annotations

import numpy as np
from PIL import Image

from converter.classes.class_map import ClassMap, greys_of
from converter.errors import DataError
from converter.pixels.colors import Color, luminance
from converter.pixels.masks import drawn_color, palette_of

_SHOWN_VALUES = 3  # of the unlisted values of a mask, most frequent first
_MIN_BLENDED = 6  # unlisted levels between black and white: an edge, not a class
_FIX = "Add it to the class map, or add the row `ignore,*`."
_FIX_NUMBERS = "The class map lists colours, this mask holds numbers: write a classes.csv with its numbers."
_FIX_BLENDED = "Pass --tolerance 127, which splits at 128: exactly `mask > 127`; or list the values in the class map."


def unlisted_values(
    classes: ClassMap, name: str, mask_image: Image.Image, values: np.ndarray, counts: np.ndarray
) -> DataError:
    """Returns the error for a mask with unlisted values.

    Args:
      classes: which mask value is which class.
      name: of the mask, for the message.
      mask_image: the whole mask.
      values: the unlisted values, [N].
      counts: number of pixels of each in the whole mask, [N].
    """
    colors = palette_of(mask_image)
    order = np.argsort(-counts, kind="stable")[:_SHOWN_VALUES]
    shown = [_described(classes, int(values[i]), int(counts[i]), mask_image.mode, colors) for i in order]
    more = f" and {len(values) - _SHOWN_VALUES} more" if len(values) > _SHOWN_VALUES else ""
    plural = "s" if len(values) > 1 else ""
    what = f"holds {len(values)} unlisted value{plural}: {'; '.join(shown)}{more}"
    return DataError(name, what, _fix(classes, mask_image.mode, len(values)), "E_MASK_VALUE")


def _fix(classes: ClassMap, mode: str, number: int) -> str:
    """Returns the fix for a mask with a number of unlisted values; `ignore,*` must not throw all labels away."""
    if mode not in ("RGB", "P") and not classes.grey and any(len(set(color)) > 1 for color in classes.rgb):
        return _FIX_NUMBERS
    levels = classes.grey.keys() | {color[0] for color in classes.rgb if len(set(color)) == 1}
    is_black_and_white = levels == {0, 255} and len(classes.grey) + len(classes.rgb) == len(levels)
    return _FIX_BLENDED if is_black_and_white and mode != "P" and number >= _MIN_BLENDED else _FIX


def _described(classes: ClassMap, value: int, count: int, mode: str, colors: tuple[Color, ...]) -> str:
    """Returns one unlisted value with its count and the nearest class, as "12 (345 pixels, nearest: 'road' 11)"."""
    color = drawn_color(value, mode, colors)
    candidates = list(classes.rgb.items()) + [((level,) * 3, index) for level, index in classes.grey.items()]
    text = str(color) if mode == "RGB" else f"palette entry {value} {color}" if colors else str(value)
    pixels = f"{count} pixel{'s' if count > 1 else ''}"
    if not candidates:
        return f"{text} ({pixels})"
    nearest, index = min(candidates, key=lambda item: _distance(item[0], color))
    shown = str(nearest[0]) if len(set(nearest)) == 1 and mode != "RGB" else str(nearest)
    text = f"{text} ({pixels}, nearest: {classes.name_of(index)!r} {shown})"
    # If the masks or the class map were converted to grey, say so: 76 alone does not explain itself.
    greys = greys_of(classes)
    if mode == "L" and value in greys:
        return f"{text}, the grey of {greys[value]}: these masks were converted to grey"
    if mode != "L" and len(set(color)) > 1 and not greys and luminance(color) in classes.grey:
        grey = luminance(color)
        return f"{text}: the class map lists greys, these masks are in colour; {grey} is the grey of {color}"
    return text


def _distance(a: Color, b: Color) -> int:
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
