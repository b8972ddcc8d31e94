"""Tables: classes as a dataset's documentation lists them, by colour or by number -> ClassMap."""

from __future__ import annotations

from collections.abc import Collection

from converter.classes.class_map import IGNORE_NAME, ClassMap, ClassMapBuilder
from converter.pixels.colors import Color


def by_color(rows: Collection[tuple[str, Color]], void: Color) -> ClassMap:
    """Returns the class map of masks whose values are colours.

    Args:
      rows: name and colour of each class, in the order of class indices.
      void: colour that is ignored.
    """
    builder = ClassMapBuilder()
    for name, color in (*rows, (IGNORE_NAME, void)):
        builder.add(name, color)
    return builder.finish()


def by_number(names: Collection[str], first: int, void: int) -> ClassMap:
    """Returns the class map of masks whose values are numbers.

    Args:
      names: of the classes, in the order of their numbers.
      first: number of the first class.
      void: number that is ignored.
    """
    builder = ClassMapBuilder()
    for value, name in enumerate(names, first):
        builder.add(name, value)
    builder.add(IGNORE_NAME, void)
    return builder.finish()
