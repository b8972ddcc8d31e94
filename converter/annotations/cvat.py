"""CVAT for images: one XML file for all photographs of a task."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture, invalid
from converter.annotations.photographs import split_of_path
from converter.annotations.shapes import Area, Drawable, Outline, Shape
from converter.annotations.texts import XmlReader
from converter.annotations.values import class_name, ellipse, number, polygon, runs, size_of, turned, whole
from converter.limits import MAX_OBJECTS
from converter.sources.names import split_within

_DRAWN = ("polygon", "box", "mask", "ellipse")
_NOT_DRAWN = ("polyline", "points", "cuboid", "skeleton", "tag")


def read(data: bytes, found: Found, documents: Documents) -> None:
    """A file of CVAT for images 1.1: polygons, boxes, ellipses and masks in pixels; a higher z_order lies above.

    Source: CVAT's documentation of its XML format, and dataset_manager/formats/cvat.py for the runs of a mask.
    """
    _Cvat(found, documents).read(data, found.where)


@dataclass
class _Image:
    """An image element while it is read."""

    attributes: dict[str, str]
    objects: list[tuple[int, Drawable]] = field(default_factory=list)
    count: int = 0


class _Cvat(XmlReader):
    """Fills what is found, element by element: only one image is open at a time."""

    def __init__(self, found: Found, documents: Documents) -> None:
        self._found = found
        self._documents = documents
        self._path: list[str] = []
        self._image: _Image | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begins an element."""
        if tag == "track":
            raise invalid("is of CVAT for video", "Export the task again, as CVAT for images.")
        if tag == "image":
            self._image = _Image(attributes)
        elif self._image is not None and "skeleton" not in self._path:
            self._shape(self._image, tag, attributes)
        self._path.append(tag)

    def end(self, tag: str, text: str) -> None:
        """Ends an element."""
        self._path.pop()
        if tag == "name" and self._path[-2:] == ["labels", "label"]:
            with self._found.naming("a label"):
                self._found.names.append(class_name(text))
        elif tag == "image" and self._image is not None:
            with self._found.naming("image", self._image.attributes.get("name")):
                self._found.pictures.append(self._picture(self._image))
            self._image = None

    def _shape(self, image: _Image, tag: str, attributes: dict[str, str]) -> None:
        if tag in _NOT_DRAWN:
            self._found.left_out[f"{tag} of CVAT"] += 1
        if tag not in _DRAWN:
            return
        image.count += 1
        part = f"image {image.attributes.get('name', '')[:80]}: {tag} {image.count}"
        with self._found.naming(part, attributes.get("label")):
            if image.count > MAX_OBJECTS:
                raise invalid(f"is one of more than {MAX_OBJECTS:,}")
            place = int(number(attributes.get("z_order", "0"), "z_order"))
            drawable = Drawable(class_name(attributes.get("label")), _shape_of(tag, attributes))
            image.objects.append((place, drawable))

    def _picture(self, image: _Image) -> Picture:
        name = image.attributes.get("name", "")
        size = size_of(image.attributes.get("height"), image.attributes.get("width"))
        subset = split_within(image.attributes.get("subset", "")) or ""
        path = self._documents.photographs.find(name, self._found.where, [image.attributes.get("subset", "")])
        objects = tuple(drawable for _, drawable in sorted(image.objects, key=lambda each: each[0]))
        return Picture(path, self._found.where, size, objects, subset or split_of_path(path))


def _shape_of(tag: str, attributes: dict[str, str]) -> Shape:
    """Returns the shape of an element."""

    def value(name: str) -> float:
        return number(attributes.get(name), name)

    if tag == "polygon":
        return polygon([pair.split(",") for pair in attributes.get("points", "").split(";") if pair])
    if tag == "mask":
        left, top, width, height = (whole(attributes.get(name), name) for name in ("left", "top", "width", "height"))
        size_of(height, width)
        try:
            counts = [int(count) for count in attributes.get("rle", "").split(",")]
        except ValueError:
            raise invalid("has runs that are no whole numbers") from None
        return runs(counts, Area(left, top, width, height))
    degrees = number(attributes.get("rotation", "0"), "rotation")
    if tag == "ellipse":
        return ellipse(value("cx"), value("cy"), value("rx"), value("ry"), degrees)
    low = np.array([value("xtl"), value("ytl")])
    high = np.array([value("xbr"), value("ybr")])
    if degrees:  # about the middle of the box
        corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]])
        middle = (low + high) / 2
        return Outline("polygon", (turned(corners - middle, degrees) + middle,))
    return Outline("box", (np.array([np.minimum(low, high), np.maximum(low, high)]),))
