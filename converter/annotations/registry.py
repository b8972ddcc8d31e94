"""Registry: the formats of annotations. To add one is one file and one row.

A reader takes (bytes of a file, what it fills, what it knows besides): Reader. One of files that may be too large for
memory takes the open file instead: PartReader. A finder takes what it knows and returns what it found in files that are
masks themselves. Import strings load a module only when its format is needed.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:  # they load NumPy, which listing the formats in a help text does not need
    from converter.annotations.documents import Documents
    from converter.annotations.found import Found
    from converter.annotations.shapes import Shape
    from converter.annotations.texts import AnnotationFile

Reader = Callable[[bytes, "Found", "Documents"], None]
PartReader = Callable[["AnnotationFile", "Found", "Documents"], None]
StoredShape = Callable[[bytes], "Shape"]
Finder = Callable[["Documents"], "list[Found]"]

_HERE = "converter.annotations"


class Format(NamedTuple):
    """A format of annotations.

    Attributes:
      text: what one finds of it in a folder, for messages.
      kinds: keys of sources.others.KINDS that its files have, one of them the first; () where a finder finds it.
      reader: import string of a Reader; of a PartReader with `stored`; of a Finder where there are no kinds.
      chosen: import string of a function that returns those of some paths that are read, if not all are.
      names: import string of a function from a Tree to the class names of its files, if they have only numbers.
      photograph: import string of a function (bytes of a file, its path) -> photograph in it.
      stored: import string of a StoredShape, from the text of an object that stayed in its file to its shape.
    """

    text: str
    kinds: tuple[str, ...]
    reader: str
    chosen: str = ""
    names: str = ""
    photograph: str = ""
    stored: str = ""

    def load(self, name: str) -> Callable[..., object]:
        """Returns the function that an attribute names."""
        function: Callable[..., object] = pkgutil.resolve_name(getattr(self, name))
        return function


FORMATS = {
    "labelme": Format("labelme files", ("labelme",), f"{_HERE}.labelme:read", photograph=f"{_HERE}.labelme:photograph"),
    "coco": Format(
        "COCO instances and panoptic files",
        ("coco",),
        f"{_HERE}.coco:read",
        chosen=f"{_HERE}.coco:chosen",
        stored=f"{_HERE}.coco:stored_shape",
    ),
    "cvat": Format("XML files of CVAT for images", ("cvat",), f"{_HERE}.cvat:read"),
    "yolo": Format(
        "YOLO segmentation files and data.yaml", ("yolo", "boxes"), f"{_HERE}.yolo:read", names=f"{_HERE}.yolo:names_in"
    ),
    "label-studio": Format("JSON exports of Label Studio", ("labelstudio",), f"{_HERE}.label_studio:read"),
    "via": Format("VIA files in JSON or CSV", ("via",), f"{_HERE}.via:read"),
    "supervisely": Format("Supervisely files", ("supervisely",), f"{_HERE}.supervisely:read"),
    "labelme-folders": Format("folders of labelme_json_to_dataset", (), f"{_HERE}.labelme_folders:find"),
    "label-studio-brushes": Format("brush PNGs of Label Studio", (), f"{_HERE}.label_studio:brushes"),
    "binary-masks": Format("masks of one class or object each", (), f"{_HERE}.binary_masks:find"),
}
