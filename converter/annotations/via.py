"""VIA: the VGG Image Annotator, versions 2 and 3: projects and exports in JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture, invalid
from converter.annotations.photographs import split_of_path
from converter.annotations.shapes import Drawable, Outline, Shape
from converter.annotations.texts import json_of, text_of
from converter.annotations.values import any_of, box, checked, class_name, ellipse, member, of_kind, points, polygon
from converter.limits import MAX_CLASS_NAME_CHARS, MAX_EMBEDDED_BYTES, MAX_OBJECTS

_CLASS_KEYS = ("class", "label", "name", "type", "category", "class_name", "object")
_SHAPES = {1: "point", 2: "rect", 3: "circle", 4: "ellipse", 5: "line", 6: "polyline", 7: "polygon"}  # of VIA 3


class _Region(NamedTuple):
    """A region: the name of its photograph, its place in the file, and what VIA says of it."""

    photograph: str
    part: str
    shape: Any
    attributes: Any


def read(data: bytes, found: Found, documents: Documents) -> None:
    """A file of VIA: polygons, boxes, circles, ellipses and lines in pixels, later over earlier.

    The class is the only attribute of a region, or else the one called class, label, name, type or category.

    Source: the projects and exports that VIA 2.0.12 and 3.0.13 document in their source.
    """
    if found.where.lower().endswith(".csv"):
        rows = _table(text_of(data, found.where))
    else:
        rows = _project(json_of(data, found.where))
    objects: defaultdict[str, list[Drawable]] = defaultdict(list)
    for region in rows:
        with found.naming(region.part):
            if not isinstance(region.photograph, str):
                raise invalid("names no photograph")
            drawn = objects[region.photograph]
            if region.shape is None:
                continue
            label = _class(region.attributes)
            shape = _shape(region.shape, documents.line_width)
            if shape is None:
                found.left_out["point of VIA"] += 1
            else:
                drawn.append(Drawable(label, shape))
            if len(drawn) > MAX_OBJECTS:
                raise invalid(f"is one of more than {MAX_OBJECTS:,} of its photograph")
    for name, drawn in objects.items():
        with found.naming("photograph", name):
            path = documents.photographs.find(name, found.where)
            found.pictures.append(Picture(path, found.where, None, tuple(drawn), split_of_path(path)))


def _project(value: Any) -> Iterator[_Region]:
    """Yields the regions of a project or an export in JSON, and one without shape for each photograph."""
    if isinstance(value, dict) and isinstance(value.get("metadata"), dict) and "view" in value:
        yield from _project_3(value)
        return
    images = value.get("_via_img_metadata", value) if isinstance(value, dict) else None
    for key, image in of_kind(images, dict, "no object of images").items():
        name = image.get("filename") if isinstance(image, dict) else None
        yield _Region(name or "", f"image {str(key)[:80]}", None, None)
        regions = image.get("regions") if isinstance(image, dict) else None
        if isinstance(regions, dict):  # of VIA 1, by number
            regions = list(regions.values())
        for number, region in enumerate(regions if isinstance(regions, list) else [], 1):
            part = f"{str(name)[:80]}: region {number}"
            if not isinstance(region, dict):
                region = {}
            yield _Region(name or "", part, region.get("shape_attributes") or {}, region.get("region_attributes"))


def _project_3(value: dict[str, Any]) -> Iterator[_Region]:
    """Yields the regions of VIA 3, whose attributes are numbered and whose views are of files."""
    files, views, attributes = (member(value, key, dict) for key in ("file", "view", "attribute"))
    names: dict[str, str] = {}
    for key, view in views.items():
        of_view = view.get("fid_list") if isinstance(view, dict) else None
        file = files.get(str(of_view[0])) if isinstance(of_view, list) and of_view else None
        names[key] = str(any_of(file, "fname", "src") or "") if isinstance(file, dict) else ""
        yield _Region(names[key], f"view {key[:40]}", None, None)
    for key, row in value["metadata"].items():
        part = f"metadata {key[:40]}"
        xy = row.get("xy") if isinstance(row, dict) else None
        if isinstance(xy, list) and not xy:  # an attribute of the whole file
            continue
        named: dict[str, Any] = {}
        answers = row.get("av") if isinstance(row, dict) else None
        for number, answer in answers.items() if isinstance(answers, dict) else ():
            attribute = attributes.get(number)
            if isinstance(attribute, dict):
                options = attribute.get("options")
                text = options.get(answer, answer) if isinstance(options, dict) and isinstance(answer, str) else answer
                named[str(attribute.get("aname"))] = text
        yield _Region(names.get(str(row.get("vid")), "") if isinstance(row, dict) else "", part, xy or {}, named)


def _table(text: str) -> Iterator[_Region]:
    """Yields the regions of an export in CSV: that of VIA 2 has a header, that of VIA 3 comments."""
    before = csv.field_size_limit(MAX_EMBEDDED_BYTES)
    try:
        rows = list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error:
        raise invalid("is no CSV table") from None
    finally:
        csv.field_size_limit(before)
    if rows and rows[0] and rows[0][0].startswith("#"):
        for number, row in enumerate(rows, 1):
            if row and not row[0].startswith("#") and len(row) >= 6:
                names, shape, attributes = (_cell(cell) for cell in (row[1], row[4], row[5]))
                name = names[0] if isinstance(names, list) and names else ""
                yield _Region(name, f"line {number}", shape or None, attributes)
        return
    header = [cell.lstrip("#").strip() for cell in rows[0]] if rows else []
    if not {"filename", "region_shape_attributes", "region_attributes"} <= {*header}:
        raise invalid("is a table without the columns of VIA")
    for number, row in enumerate(rows[1:], 2):
        cells = dict(zip(header, row, strict=False))
        if row:
            shape, attributes = (_cell(cells.get(key, "")) for key in ("region_shape_attributes", "region_attributes"))
            yield _Region(cells.get("filename", ""), f"line {number}", shape or None, attributes)


def _cell(text: str) -> Any:
    """Returns the JSON of a cell; the text itself where it is none, which no shape is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _class(attributes: Any) -> str:
    """Returns the class among the attributes of a region."""
    given = {str(key): value for key, value in attributes.items()} if isinstance(attributes, dict) else {}
    key = next((key for key in given if key.lower() in _CLASS_KEYS), next(iter(given)) if len(given) == 1 else None)
    if key is None:
        what = f"has {len(given)} attributes, none of which is called {', '.join(_CLASS_KEYS[:5])}"
        raise invalid(what if given else "has no attribute with its class")
    value = given[key]
    if isinstance(value, dict):  # check boxes: {"road": true}
        chosen = [name for name, is_on in value.items() if is_on]
        value = chosen[0] if len(chosen) == 1 else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)[:MAX_CLASS_NAME_CHARS]
    return class_name(value)


def _shape(shape: Any, line_width: int) -> Shape | None:
    """Returns the shape of a region; None for a point."""
    if isinstance(shape, list):
        return _shape_3(shape, line_width)
    kind = member(shape, "name", str)

    def value(name: str) -> float:
        return checked(member(shape, name, float), name)

    if kind in ("polygon", "polyline"):
        xs, ys = member(shape, "all_points_x", list), member(shape, "all_points_y", list)
        if len(xs) != len(ys):
            raise invalid(f"has {len(xs)} x and {len(ys)} y")
        ring = list(zip(xs, ys, strict=True))
        return polygon(ring) if kind == "polygon" else Outline("line", (points(ring, 2),), width=line_width)
    if kind == "rect":
        return box(value("x"), value("y"), value("width"), value("height"))
    if kind == "circle":
        return ellipse(value("cx"), value("cy"), value("r"), value("r"))
    if kind == "ellipse":
        return ellipse(value("cx"), value("cy"), value("rx"), value("ry"))
    if kind == "point":
        return None
    raise invalid(f"has the unknown shape {kind[:40]!r}")


def _shape_3(xy: list[Any], line_width: int) -> Shape | None:
    """Returns the shape [kind, x, y, ...] of VIA 3; None for a point."""
    kind = _SHAPES.get(xy[0]) if isinstance(xy[0], int) else None
    if kind == "point":
        return None
    ring = points(xy[1:], 1)
    flat = ring.ravel().tolist()
    if kind == "polygon":
        return polygon(ring)
    if kind in ("line", "polyline"):
        return Outline("line", (points(ring, 2),), width=line_width)
    if kind == "rect" and len(flat) == 4:
        return box(*flat)
    if kind == "ellipse" and len(flat) == 4:
        return ellipse(*flat)
    raise invalid(f"has the unknown shape {str(xy[0])[:40]}")
