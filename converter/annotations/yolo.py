"""YOLO segmentation: a text file a photograph, a polygon a line, with the names of the classes in data.yaml."""

from __future__ import annotations

import posixpath

import numpy as np

from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture, invalid
from converter.annotations.photographs import split_of_path
from converter.annotations.shapes import Drawable, Outline
from converter.annotations.texts import text_of
from converter.annotations.values import number, polygon
from converter.classes.formats.base import LineError
from converter.classes.formats.ultralytics import is_ultralytics, ultralytics
from converter.classes.native import read_class_text
from converter.errors import UsageError
from converter.limits import MAX_OBJECTS, MAX_SHARE
from converter.schema import IGNORE_INDEX
from converter.sources.tree import Tree

_SUFFIXES = (".yaml", ".yml")
_NAMES = ("classes.txt", "obj.names")  # one name a line, as older tools write them


def names_in(tree: Tree) -> tuple[str, ...]:
    """Returns the names of the classes of a source folder; () where no file lists them.

    Raises:
      UsageError: the file that lists them cannot be read, or another one lists other names.
    """
    found: dict[tuple[str, ...], str] = {}
    for path in (path for path in tree.files if path.lower().endswith(_SUFFIXES)):
        text = read_class_text(tree.src / path)
        if is_ultralytics(text):
            try:
                rows = [row for row in ultralytics(text) if not isinstance(row, str)]
            except LineError as error:
                where = f"{tree.src / path}:{error.line}"
                raise UsageError(where, str(error), "Write the names as `0: road`.", "E_CLASSES") from None
            found.setdefault(tuple(row.name for row in rows if row.value != IGNORE_INDEX), path)
    for path in (path for path in tree.files if posixpath.basename(path) in _NAMES and not found):
        lines = read_class_text(tree.src / path).splitlines()
        found[tuple(line.strip() for line in lines if line.strip())] = path
    if len(found) > 1:
        first, second = list(found.values())[:2]
        what = f"lists other classes than {first}"
        raise UsageError(tree.src / second, what, "Keep one of them.", "E_CLASSES")
    return next(iter(found), ())


def read(data: bytes, found: Found, documents: Documents) -> None:
    """A file of YOLO: on each line the number of a class and a polygon, in shares of width and height.

    The photograph has the same name, in images/ where the file is in labels/. Lines with a box are not drawn.

    Source: Ultralytics' documentation of its segmentation format.
    """
    found.names = list(documents.names)
    objects = []
    for place, line in enumerate(text_of(data, found.where).splitlines(), 1):
        if not line.strip():
            continue
        with found.naming(f"line {place}"):
            if place > MAX_OBJECTS:
                raise invalid(f"is one of more than {MAX_OBJECTS:,}")
            fields = line.split()
            label = _label(fields[0], documents)
            if len(fields) == 5:
                found.left_out["box of YOLO"] += 1
            else:
                objects.append(Drawable(label, _polygon(fields[1:])))
    stem = posixpath.splitext(found.where)[0]
    parts = stem.split("/")
    beside = "/".join("images" if part == "labels" else part for part in parts)
    path = documents.photographs.of_stem(posixpath.basename(stem), beside, parts[:-1])
    split = split_of_path(path) or split_of_path(found.where)
    found.pictures.append(Picture(path, found.where, None, tuple(objects), split, is_relative=True))


def _polygon(fields: list[str]) -> Outline:
    outline = polygon(fields)
    if float(np.abs(outline.parts[0]).max()) > MAX_SHARE:
        raise invalid(f"has a coordinate that is no share of the photograph, but beyond {MAX_SHARE}")
    return outline


def _label(text: str, documents: Documents) -> str:
    index = number(text, "class")
    if not documents.names:
        raise invalid(f"has class {text[:40]}, and no data.yaml says its name", "Put data.yaml into the source folder.")
    if index != int(index) or not 0 <= index < len(documents.names):
        raise invalid(f"has class {text[:40]}, and data.yaml lists 0..{len(documents.names) - 1}")
    return documents.names[int(index)]
