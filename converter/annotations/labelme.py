"""labelme: one JSON file a photograph, with shapes and often the photograph itself in base64."""

from __future__ import annotations

import math
import posixpath

import numpy as np

from converter.annotations.bitmaps import photograph_suffix, png_pixels
from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture, invalid
from converter.annotations.photographs import split_of_path
from converter.annotations.shapes import Drawable, Outline, Runs, Shape
from converter.annotations.texts import json_of
from converter.annotations.values import (
    base64_bytes,
    box,
    class_name,
    ellipse,
    member,
    of_kind,
    points,
    polygon,
    size_of,
)
from converter.errors import DataError
from converter.limits import MAX_OBJECTS


def read(data: bytes, found: Found, documents: Documents) -> None:
    """A file of labelme: shapes of a photograph, by their points in pixels.

    Source: labelme's label_file.py and utils/shape.py, whose shape_to_mask draws with ImageDraw in the same way.
    """
    value = json_of(data, found.where)
    objects = []
    shapes = of_kind(value.get("shapes"), list, "no list of 'shapes'") if isinstance(value, dict) else None
    if shapes is None or len(shapes) > MAX_OBJECTS:
        raise invalid(f"has no shapes, or more than {MAX_OBJECTS:,}")
    for number, raw in enumerate(shapes, 1):
        with found.naming(f"shape {number}", raw.get("label") if isinstance(raw, dict) else ""):
            label = class_name(member(raw, "label", str))
            kind = raw.get("shape_type") or "polygon"
            shape = _shape(raw, kind, documents.line_width)
            if shape is None:
                found.left_out[f"{kind} of labelme"] += 1
            else:
                objects.append(Drawable(label, shape))
    size = None
    if value.get("imageHeight") is not None or value.get("imageWidth") is not None:
        size = size_of(value.get("imageHeight"), value.get("imageWidth"))
    path, embedded, name = _photograph(value, found.where, documents)
    split = split_of_path(path or found.where)
    found.pictures.append(Picture(path, found.where, size, tuple(objects), split, embedded_in=embedded, name=name))


def photograph(data: bytes, where: str) -> bytes:
    """Returns the photograph in a file of labelme; DataError where it has none."""
    return base64_bytes(member(json_of(data, where), "imageData", str))


def _shape(raw: dict[str, object], kind: object, line_width: int) -> Shape | None:
    """Returns the shape of an object; None for one without pixels."""
    ring = raw.get("points")
    if kind in ("polygon", "oriented_rectangle"):
        return polygon(ring)
    if kind in ("rectangle", "circle", "line"):
        two = points(ring, 2)
        if len(two) != 2:
            raise invalid(f"has {len(two)} points, and a {kind} has 2")
        (x0, y0), (x1, y1) = two.tolist()
        if kind == "rectangle":
            return box(min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0))
        if kind == "circle":
            radius = math.hypot(x1 - x0, y1 - y0)
            return ellipse(x0, y0, radius, radius)
    if kind in ("line", "linestrip"):
        return Outline("line", (points(ring, 2),), width=line_width)
    if kind == "mask":
        corner = np.trunc(points(ring, 2)[0]).astype(int).tolist()
        return Runs.of(png_pixels(base64_bytes(raw.get("mask"))), corner[0], corner[1])
    if kind in ("point", "points"):
        return None
    raise invalid(f"has the unknown shape_type {str(kind)[:40]!r}")


def _photograph(value: dict[str, object], where: str, documents: Documents) -> tuple[str, str, str]:
    """Returns (path of the photograph, path of the file that holds it instead, name of that photograph)."""
    name = member(value, "imagePath", str)
    try:
        return documents.photographs.find(name, where), "", ""
    except DataError as error:
        if not value.get("imageData") or error.code != "E_MISSING":
            raise
    suffix = photograph_suffix(base64_bytes(value["imageData"]))
    return "", where, posixpath.splitext(where)[0] + suffix
