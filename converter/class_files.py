"""Class files: whatever says which mask value is which class in a source folder -> ClassMap.

The native classes.csv so far.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converter.classes import CLASSES_CSV, ClassMap, read_class_map
from converter.config import SourceConfig
from converter.errors import DataError, UsageError
from converter.layouts import Layout
from converter.storage import resolve_inside


@dataclass(frozen=True)
class FoundClasses:
    """A class map and where it comes from.

    Attributes:
      classes: the map.
      origin: path of the file, or preset:NAME.
      kind: of the file, such as "classes.csv" or "CVAT labelmap.txt"; for reports.
    """

    classes: ClassMap
    origin: str
    kind: str


def find_class_map(source: SourceConfig, layout: Layout) -> FoundClasses:
    """Returns the class map of a dataset: the one that `source` names, else the one that lies in the source folder.

    Raises:
      UsageError: there is none, or it is wrong.
    """
    path = Path(source.classes) if source.classes else source.src / CLASSES_CSV
    if source.classes is None:
        try:
            resolve_inside(source.src, CLASSES_CSV, follow_links=source.follow_links)
        except DataError as error:
            raise UsageError(path, error.what, error.mend, error.code) from None
    return FoundClasses(read_class_map(path), str(path), CLASSES_CSV)
