"""Registry: every known format of class files.

To add a format, add one row here and one module with two functions, which recognise a file and read its rows. Of
several formats of one syntax that recognise a file, the first is used. Of several files in a source folder that agree,
the one of the first format is named as the origin.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from converter.classes.class_map import CLASSES_CSV, ClassMap
from converter.classes.formats.base import Row

# What a format is recognised by, in the order in which formats are tried; all but JSON are read from the text.
JSON = "json"  # the JSON value, from which the rows are also read; whatever begins like JSON is of no other syntax
TEXT = "text"  # the full text
TABLE = "table"  # the ClassTable of the first line, whose header says what the columns are
LINES = "lines"  # the first line, which is itself one of the classes


@dataclass(frozen=True)
class Format:
    """A format of class files.

    Attributes:
      kind: for reports.
      syntax: what it is recognised by: JSON, TEXT, TABLE or LINES.
      recogniser: "module:function" that returns whether it is meant to be of this format; imported on first use.
      reader: "module:function" from the text, or the JSON value, to rows in the order of class indices, and notes
        between them.
      places: paths below the source folder where the format stores its file; each must be a class file.
      shared_places: such paths that other kinds of files also use; a file there that is not a class file is skipped.
      is_distinct: whether its content alone shows that a file is of this format, whatever its name and folder are.
      is_by_place: whether the place of a line may be the value of its class, so that no line may be removed.
      is_only_when_named: whether a file is used only if the user named it and no other format recognises it.
      has_own_reader: whether the reader builds the class map itself, from text and path, and reports problems.
    """

    kind: str
    syntax: str
    recogniser: str
    reader: str
    places: tuple[str, ...] = ()
    shared_places: tuple[str, ...] = ()
    is_distinct: bool = False
    is_by_place: bool = False
    is_only_when_named: bool = False
    has_own_reader: bool = False

    def is_meant(self, view: Any) -> bool:
        """Returns whether a file is meant to be of this format, by the view for its syntax."""
        recogniser: Callable[[Any], bool] = pkgutil.resolve_name(self.recogniser)
        return recogniser(view)

    def rows(self, content: Any) -> Iterator[Row | str]:
        """Yields the rows, and notes between them; ValueError if one is invalid."""
        reader: Callable[[Any], Iterator[Row | str]] = pkgutil.resolve_name(self.reader)
        return reader(content)

    def class_map(self, text: str, where: object) -> ClassMap:
        """Returns the class map from the format's own reader; UsageError if the text is invalid."""
        reader: Callable[[str, object], ClassMap] = pkgutil.resolve_name(self.reader)
        return reader(text, where)


NATIVE = "native"
_HERE = "converter.classes.formats"
_SPLITS = ("train", "valid", "val", "test")
FORMATS: dict[str, Format] = {
    NATIVE: Format(  # its place is checked before all others, as if the user had named the file
        CLASSES_CSV,
        TABLE,
        "converter.classes.native:is_class_map",
        "converter.classes.native:parse_class_map",
        has_own_reader=True,
    ),
    "nnunet": Format(  # before datumaro, which also has labels
        "nnU-Net dataset.json",
        JSON,
        f"{_HERE}.nnunet:is_nnunet",
        f"{_HERE}.nnunet:nnunet",
        shared_places=("dataset.json",),
        is_distinct=True,
    ),
    "cvat": Format(
        "CVAT labelmap.txt",
        LINES,
        f"{_HERE}.cvat:is_cvat",
        f"{_HERE}.cvat:cvat",
        places=("labelmap.txt",),
        is_by_place=True,
    ),
    "class_dict": Format(
        "class_dict.csv",
        TABLE,
        f"{_HERE}.class_dict:is_class_dict",
        f"{_HERE}.class_dict:class_dict",
        places=("class_dict.csv",),
        is_distinct=True,
    ),
    "qgis": Format("QGIS palette", LINES, f"{_HERE}.palettes:is_qgis", f"{_HERE}.palettes:qgis"),
    "label_colors": Format(  # after qgis: five numbers also match three
        "label_colors.txt",
        LINES,
        f"{_HERE}.palettes:is_label_colors",
        f"{_HERE}.palettes:label_colors",
        places=("label_colors.txt",),
    ),
    "labelme": Format(
        "labelme class_names.txt",
        LINES,
        f"{_HERE}.name_lists:is_labelme",
        f"{_HERE}.name_lists:labelme",
        places=("class_names.txt",),
        shared_places=("labels.txt",),
        is_by_place=True,
    ),
    "datumaro": Format(
        "Datumaro dataset_meta.json",
        JSON,
        f"{_HERE}.datumaro:is_datumaro",
        f"{_HERE}.datumaro:datumaro",
        places=("dataset_meta.json",),
        is_by_place=True,
    ),
    "supervisely": Format(
        "Supervisely obj_class_to_machine_color.json",
        JSON,
        f"{_HERE}.supervisely:is_supervisely",
        f"{_HERE}.supervisely:supervisely",
        places=("obj_class_to_machine_color.json",),
    ),
    "hasty": Format(
        "Hasty label_classes.json",
        JSON,
        f"{_HERE}.hasty:is_hasty",
        f"{_HERE}.hasty:hasty",
        places=("label_classes.json",),
        is_distinct=True,
    ),
    "object_info": Format(
        "ADE20K objectInfo150.txt",
        TABLE,
        f"{_HERE}.object_info:is_object_info",
        f"{_HERE}.object_info:object_info",
        places=("objectInfo150.txt",),
        is_distinct=True,
        is_by_place=True,
    ),
    "roboflow": Format(
        "Roboflow _classes.csv",
        TABLE,
        f"{_HERE}.roboflow:is_roboflow",
        f"{_HERE}.roboflow:roboflow",
        places=("_classes.csv", *(f"{split}/_classes.csv" for split in _SPLITS)),
        is_distinct=True,
    ),
    "id_table": Format(  # after class_dict and roboflow, which may have such columns as well
        "table of numbers and names",
        TABLE,
        f"{_HERE}.id_tables:is_id_table",
        f"{_HERE}.id_tables:id_table",
    ),
    "mapillary": Format(  # after hasty, whose classes have colours as well
        "Mapillary config.json",
        JSON,
        f"{_HERE}.mapillary:is_mapillary",
        f"{_HERE}.mapillary:mapillary",
        is_distinct=True,
        is_by_place=True,
    ),
    "id_names": Format(
        "Hugging Face id2label.json",
        JSON,
        f"{_HERE}.id_names:is_id_names",
        f"{_HERE}.id_names:id_names",
    ),
    "color_names": Format(
        "JSON object of colours and names",
        JSON,
        f"{_HERE}.id_names:is_color_names",
        f"{_HERE}.id_names:color_names",
        is_distinct=True,
    ),
    "pbtxt": Format(
        "TensorFlow label map",
        TEXT,
        f"{_HERE}.pbtxt:is_pbtxt",
        f"{_HERE}.pbtxt:pbtxt",
        is_distinct=True,
    ),
    "numbered_colors": Format(  # before numbered, whose names may end in numbers
        "numbered list of names and colours",
        LINES,
        f"{_HERE}.palettes:is_numbered_colors",
        f"{_HERE}.palettes:numbered_colors",
    ),
    "numbered": Format(  # after cvat, whose labels may be numbers
        "numbered list of names",
        LINES,
        f"{_HERE}.name_lists:is_numbered",
        f"{_HERE}.name_lists:numbered",
        shared_places=("labels.txt", "classes.txt"),
    ),
    "color_after_name": Format(
        "list of names and colours",
        LINES,
        f"{_HERE}.palettes:is_color_after_name",
        f"{_HERE}.palettes:color_after_name",
    ),
    "ultralytics": Format(
        "Ultralytics data.yaml",
        TEXT,
        f"{_HERE}.ultralytics:is_ultralytics",
        f"{_HERE}.ultralytics:ultralytics",
        shared_places=("data.yaml", "data.yml", "dataset.yaml"),
        is_by_place=True,
    ),
    "names": Format(  # such lists are as often without the background as with it
        "list of names",
        TEXT,
        f"{_HERE}.name_lists:is_list_of_names",
        f"{_HERE}.name_lists:names",
        is_by_place=True,
        is_only_when_named=True,
    ),
}
