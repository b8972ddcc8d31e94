"""Registry: every format of class files that is known."""

from __future__ import annotations

import re

from converter.classes.class_map import CLASSES_CSV
from converter.classes.csv_table import ClassTable
from converter.classes.formats.base import Format
from converter.classes.formats.json import (
    datumaro,
    hasty,
    is_datumaro,
    is_hasty,
    is_nnunet,
    is_supervisely,
    nnunet,
    supervisely,
)
from converter.classes.formats.text import (
    class_dict,
    class_dict_columns,
    cvat,
    is_list_of_names,
    label_colors,
    labelme,
    names,
    numbered,
    object_info,
    qgis,
    roboflow,
)
from converter.classes.formats.yaml import ultralytics

NATIVE = Format(CLASSES_CSV, lambda first: ClassTable(first).is_native, lambda _: iter(()))
NAMES = Format("list of names", is_list_of_names, names)
ULTRALYTICS = Format("Ultralytics data.yaml", lambda _: False, ultralytics)
TEXT_FORMATS = (
    NATIVE,
    Format("class_dict.csv", lambda first: class_dict_columns(ClassTable(first).header), class_dict),
    Format("Roboflow _classes.csv", lambda first: ClassTable(first).header == ["pixel value", "class"], roboflow),
    Format("ADE20K objectInfo150.txt", re.compile(r"Idx\s*\t.*\tName").fullmatch, object_info),
    Format("CVAT labelmap.txt", lambda first: first.count(":") == 3, cvat),
    Format("QGIS palette", re.compile(r"([0-9]+\s+){5}\S").match, qgis),  # before the next: five numbers are three
    Format("label_colors.txt", re.compile(r"([0-9]+\s+){3}\S").match, label_colors),
    Format("numbered list of names", re.compile(r"[0-9]+\s*:\s*\S").match, numbered),
    Format("labelme class_names.txt", re.compile("__ignore__|_background_").fullmatch, labelme),
)
JSON_FORMATS = (
    Format("nnU-Net dataset.json", is_nnunet, nnunet),
    Format("Hasty label_classes.json", is_hasty, hasty),
    Format("Datumaro dataset_meta.json", is_datumaro, datumaro),
    Format("Supervisely obj_class_to_machine_color.json", is_supervisely, supervisely),
)
