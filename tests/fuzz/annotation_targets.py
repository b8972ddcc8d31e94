"""Targets: files of annotations -> one parser each; what it takes is drawn on a small picture."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from annotation_files import SIZE, in_parts

from converter.annotations import coco, cvat, label_studio, labelme, supervisely, via, yolo
from converter.annotations.documents import Documents
from converter.annotations.drawing import ORDERS, Canvas, draw
from converter.annotations.found import Found, Stored
from converter.annotations.json_items import json_items
from converter.annotations.shapes import Drawable, InFile, Outline, Runs
from converter.annotations.texts import json_error
from converter.sources.tree import Tree

DOCUMENTS = Documents(
    Tree(Path("src"), ("a.jpg", "b.png", "img/a.jpg.png"), ("", "img")), ("x",), names=("road", "car")
)
MOST_PIXELS = 1 << 16  # of runs that are drawn


def annotations(data: bytes, read: Callable[[bytes, Found, Documents], None], name: str) -> None:
    """Reads a file; every problem in it is one line, and every object that is taken covers pixels of the picture alone.

    Raises:
      DataError: the first problem.
    """
    found = Found(name)
    read(data, found, DOCUMENTS)
    for problem in found.problems:
        assert str(problem).isprintable(), f"the message is not one line: {problem}"
    for picture in found.pictures:
        assert picture.path in DOCUMENTS.tree.file_set or picture.embedded_in == name
        objects = picture.objects
        if isinstance(objects, Stored):
            objects = tuple(
                Drawable(label, coco.stored_shape(data[start : start + length]), is_under)
                for start, length, label, is_under in objects
            )
        shapes = [each for each in objects if not isinstance(each.shape, InFile)]
        shapes = [each for each in shapes if not isinstance(each.shape, Runs) or each.shape.counts.sum() < MOST_PIXELS]
        if picture.is_relative:
            shapes = [
                each._replace(shape=each.shape.scaled(SIZE)) for each in shapes if isinstance(each.shape, Outline)
            ]
        indices = {each.label: number for number, each in enumerate(shapes, 1) if number < 255}
        shapes = [each for each in shapes if each.label in indices][:50]
        masks = [draw(shapes, Canvas(SIZE, lambda path: b""), SIZE, indices, order).mask for order in ORDERS]
        assert all(mask.shape == SIZE and mask.dtype == np.uint8 for mask in masks)
        assert all(np.array_equal(mask > 0, masks[0] > 0) for mask in masks), "an order decides what is covered at all"
    if found.problems:
        raise found.problems[0]


def brush(data: bytes) -> None:
    """A brush of Label Studio for a picture of 4x4 pixels."""
    assert len(label_studio.decoded_brush(list(data), 64)) == 64


def coco_text(data: bytes) -> None:
    """Runs of COCO as text: they are refused, or numbers that come back as the same text means."""
    counts = coco.decoded_counts(data.decode("latin-1"))
    assert all(isinstance(count, int) for count in counts)


def json_parts(data: bytes) -> None:
    """A JSON file in parts of 1 to 64 bytes, as the first byte says: its items are those of json.loads.

    Raises:
      DataError: it is refused, as json.loads does.
    """
    text = data[1:]
    try:
        whole = json.loads(text.decode("utf-8-sig"), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        whole = None
    try:
        items = list(json_items(io.BytesIO(text).read, data[0] % 64 + 1 if data else 1))
    except (ValueError, RecursionError) as error:
        assert not isinstance(whole, _Pairs), "what is read in parts is refused, and json.loads reads it"
        raise json_error("instances.json", error) from None
    assert isinstance(whole, _Pairs), "json.loads refuses what is read in parts"
    each = [(key, item) for key, value in whole for item in (value if type(value) is list else [value])]
    assert [(item.key, repr(item.value)) for item in items] == [(key, repr(_plain(value))) for key, value in each]
    for item in items:
        assert repr(json.loads(text[item.start : item.start + item.length])) == repr(item.value)


class _Pairs(list[Any]):
    """The members of a JSON object, of which several may have one name."""


def _plain(value: Any) -> Any:
    if isinstance(value, _Pairs):
        return {key: _plain(each) for key, each in value}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def table(data: bytes) -> None:
    """A table of VIA."""
    annotations(data, via.read, "x.csv")


ANNOTATIONS: dict[str, Callable[[bytes], None]] = {
    "labelme": partial(annotations, read=labelme.read, name="a.json"),
    "coco": partial(annotations, read=in_parts(coco.read), name="instances.json"),
    "coco_text": coco_text,
    "json_parts": json_parts,
    "cvat": partial(annotations, read=cvat.read, name="annotations.xml"),
    "yolo": partial(annotations, read=yolo.read, name="a.txt"),
    "label_studio": partial(annotations, read=label_studio.read, name="export.json"),
    "brush": brush,
    "via": partial(annotations, read=via.read, name="via.json"),
    "via_table": table,
    "supervisely": partial(annotations, read=supervisely.read, name="ann/a.jpg.json"),
}
