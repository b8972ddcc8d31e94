"""Listed: exact look-up of mask values in a class map, without any tolerance."""

from __future__ import annotations

from converter.classes.class_map import ClassMap
from converter.pixels.colors import Color
from converter.pixels.masks import drawn_color, packed_color, step_of


def listed_index(classes: ClassMap, mode: str, depth: int, number: int, color: Color) -> int | None:
    """Returns the class index or IGNORE_INDEX of a value; None if the class map does not list it.

    Args:
      classes: which mask value is which class.
      mode: "L", "P", "I;16" or "RGB".
      depth: bits per sample in the file.
      number: the sample as stored in the file; ignored in an RGB mask.
      color: in which it is drawn.

    Raises:
      ValueError: it is ambiguous. A palette entry belongs to one class by its number and to another by its colour, or
        an unlisted sample of few bits is drawn as a level that is listed.
    """
    if mode == "RGB":
        grey = classes.grey.get(color[0]) if len(set(color)) == 1 else None
        return classes.rgb.get(color, grey)
    if mode == "P":
        return _entry_index(classes, number, color)
    if number in classes.grey:
        return classes.grey[number]
    if depth < 8:
        drawn = number * step_of(depth)
        if number and (drawn in classes.grey or (drawn,) * 3 in classes.rgb):
            raise ValueError(f"has {depth}-bit samples: a {number} there is drawn as {drawn}")
        return None
    # A level means the same as a colour only if both have 8 bits.
    return classes.rgb.get((number,) * 3) if depth == 8 else None


def listed_indices(classes: ClassMap, mode: str, depth: int, colors: tuple[Color, ...]) -> dict[int, int]:
    """Returns value -> class index or IGNORE_INDEX for all values of a mode that the class map lists.

    Args:
      classes: which mask value is which class.
      mode: "L", "P", "I;16" or "RGB", whose values are packed as 0xBBGGRR.
      depth: bits per sample in the file.
      colors: of the palette; () for other modes.

    Raises:
      ValueError: a value is ambiguous.
    """
    if mode == "RGB":
        # A grey level k and the colour (k, k, k) are the same value; no other colour is treated as grey.
        grey = {packed_color((level, level, level)): index for level, index in classes.grey.items() if level < 256}
        return grey | {packed_color(color): index for color, index in classes.rgb.items()}
    if depth == 16:
        return dict(classes.grey)
    numbers = range(256 if mode == "P" else 1 << depth)
    found = (
        (number, listed_index(classes, mode, depth, number, drawn_color(number, mode, colors))) for number in numbers
    )
    return {number: index for number, index in found if index is not None}


def _entry_index(classes: ClassMap, number: int, color: Color) -> int | None:
    """Returns the class index of a palette entry, which the class map may list by `p`, by number or by colour."""
    if number in classes.palette:
        return classes.palette[number]
    found = {classes.grey.get(number), classes.rgb.get(color)} - {None}
    if len(found) > 1:
        names = " or ".join(sorted(repr(classes.name_of(index)) for index in found if index is not None))
        raise ValueError(f"palette entry {number}, colour {color}, may be {names}")
    return found.pop() if found else None
