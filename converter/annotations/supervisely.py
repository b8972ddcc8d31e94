"""Supervisely: one JSON file a photograph in ann/, named after it, with polygons and bitmaps."""

from __future__ import annotations

import posixpath

import numpy as np

from converter.annotations.bitmaps import inflated, png_pixels
from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture, invalid
from converter.annotations.photographs import split_of_path
from converter.annotations.shapes import Drawable, Outline, Runs, Shape
from converter.annotations.texts import json_of
from converter.annotations.values import base64_bytes, box, class_name, member, of_kind, points, size_of
from converter.limits import MAX_OBJECTS


def read(data: bytes, found: Found, documents: Documents) -> None:
    """A file of Supervisely: polygons with holes, bitmaps and rectangles in pixels, later over earlier.

    Source: Supervisely's documentation of its JSON format.
    """
    value = json_of(data, found.where)
    size_value = member(value, "size", dict)
    size = size_of(size_value.get("height"), size_value.get("width"))
    drawn = []
    objects = member(value, "objects", list)
    if len(objects) > MAX_OBJECTS:
        raise invalid(f"has more than {MAX_OBJECTS:,} objects")
    for number, raw in enumerate(objects, 1):
        with found.naming(f"object {number}", raw.get("classTitle") if isinstance(raw, dict) else ""):
            label, kind = class_name(member(raw, "classTitle", str)), member(raw, "geometryType", str)
            shape = _shape(raw, kind, documents.line_width)
            if shape is None:
                found.left_out[f"{kind[:40]} of Supervisely"] += 1
            else:
                drawn.append(Drawable(label, shape))
    name = posixpath.basename(found.where).removesuffix(".json")
    folder = posixpath.dirname(posixpath.dirname(found.where))
    path = documents.photographs.find(name, posixpath.join(folder, "img", name))
    split = split_of_path(path)
    found.pictures.append(Picture(path, found.where, size, tuple(drawn), split))


def _shape(raw: dict[str, object], kind: str, line_width: int) -> Shape | None:
    """Returns the shape of an object; None for one without pixels."""
    if kind == "bitmap":
        bitmap = member(raw, "bitmap", dict)
        origin = points([bitmap.get("origin")], 1)[0].astype(int).tolist()
        return Runs.of(png_pixels(inflated(base64_bytes(bitmap.get("data")))), origin[0], origin[1])
    if kind not in ("polygon", "rectangle", "line"):
        return None
    rings = member(raw, "points", dict)
    exterior = rings.get("exterior")
    if kind == "polygon":
        interior = of_kind(rings.get("interior") or [], list, "no list of 'interior'")
        return Outline("polygon", (points(exterior, 3),), tuple(points(hole, 3) for hole in interior))
    if kind == "line":
        return Outline("line", (points(exterior, 2),), width=line_width)
    corners = points(exterior, 2)
    low, high = np.min(corners, axis=0).tolist(), np.max(corners, axis=0).tolist()
    return box(low[0], low[1], high[0] - low[0], high[1] - low[1])
