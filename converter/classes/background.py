"""Background: the class index of an image without a mask."""

from __future__ import annotations

from converter.classes.class_map import ClassMap
from converter.errors import UsageError
from converter.schema import IGNORE_INDEX

NAMES = ("background", "_background_", "bg", "__background__")


def missing_index(classes: ClassMap, missing_mask: str) -> int:
    """Returns the index that each pixel of a mask that does not exist gets.

    With "background" it is the class of that name, else the class of the `*` row. The index 0 is not taken for it: in
    many datasets that is a class like any other.

    Args:
      classes: which mask value is which class.
      missing_mask: as in SourceConfig: "background" or "ignore".

    Raises:
      UsageError: there is no such class.
    """
    if missing_mask == "ignore":
        return IGNORE_INDEX
    named = [index for index, name in enumerate(classes.names) if name.strip().lower() in NAMES]
    if len(named) == 1:
        return named[0]
    if classes.default is not None and classes.default != IGNORE_INDEX:
        return classes.default
    what = "background needs one class called background, or a class with the row *"
    fix = "Name the class so in the class map, or pass --missing-mask ignore."
    raise UsageError("--missing-mask", what, fix, "E_CLASSES")
