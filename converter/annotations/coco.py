"""COCO: one JSON file for all photographs: instances by polygons and runs, or panoptic segments in a PNG each."""

from __future__ import annotations

import json
import posixpath
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture, Stored, invalid
from converter.annotations.json_items import JsonItem, json_items
from converter.annotations.photographs import split_of_path
from converter.annotations.shapes import Area, Drawable, InFile, Outline, Runs
from converter.annotations.texts import AnnotationFile, json_error
from converter.annotations.values import class_name, member, of_kind, points, runs, size_of, whole
from converter.errors import DataError
from converter.limits import MAX_OBJECTS
from converter.sources.names import split_within

_Id = int | str
_COLUMNS = 6  # kept of an object: first byte and length of its text, number of its category, crowd, size of its runs


@dataclass
class _File:
    """The members of a file, until all of it is read: annotations may stand before what they refer to.

    Attributes:
      images: (file name, height, width) by id, not checked.
      categories: name by id.
      numbers: of the categories of objects, in their order.
      objects: _COLUMNS numbers of each, by the id of their image.
      segments: by the id of their image: (file name, (id, category, crowd) of each segment, not checked).
    """

    images: dict[_Id, tuple[Any, Any, Any]] = field(default_factory=dict)
    categories: dict[_Id, str] = field(default_factory=dict)
    numbers: dict[_Id, int] = field(default_factory=dict)
    objects: defaultdict[_Id, array[int]] = field(default_factory=lambda: defaultdict(lambda: array("q")))
    segments: dict[_Id, tuple[str, tuple[tuple[Any, Any, bool], ...]]] = field(default_factory=dict)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the categories by number, "" where the file lists none; then that of crowds."""
        return (*(self.categories.get(category, "") for category in self.numbers), "ignore")


def chosen(paths: Sequence[str]) -> list[str]:
    """Returns the files of instances among some files, or else all: captions and key points are of the same images."""
    return [path for path in paths if posixpath.basename(path).startswith("instances_")] or list(paths)


def read(source: AnnotationFile, found: Found, documents: Documents) -> None:
    """A file of COCO: polygons and runs in pixels; a crowd becomes ignore, under all other objects.

    The objects are checked and stay in the file. Source: the data format of cocodataset.org, and maskApi.c of
    pycocotools for its runs.
    """
    file = _File()
    try:
        for item in json_items(source.read):
            try:
                if item.key == "annotations" and isinstance(item.value, dict) and _is_box(item.value):
                    found.left_out["box of COCO"] += 1
                else:
                    _take(file, item)
            except DataError as error:
                found.record(error, _part(item.key, item.value))
    except (ValueError, RecursionError) as error:
        raise json_error(found.where, error) from None
    found.names = [name for _, name in sorted(file.categories.items(), key=lambda item: (str(type(item[0])), item[0]))]
    for identity in (each for each in (*file.objects, *file.segments) if each not in file.images):
        rows = file.objects.get(identity)
        part = _part_at(source, *rows[:2]) if rows else f"annotation {file.segments[identity][0]}"
        found.record(invalid(f"is of image {identity}, which the file does not list"), part)
    for identity in file.images:
        with found.naming(f"image {identity}"):
            found.pictures.append(_picture(file, identity, found, documents, source))


def _part(key: str, value: Any) -> str:
    """Returns how messages call an item of the file."""
    identity = value.get("id") if isinstance(value, dict) else None
    if identity is None and isinstance(value, dict):
        identity = value.get("file_name")
    one = {"images": "image", "annotations": "annotation", "categories": "category"}.get(key, key)
    return f"{one} {str(identity)[:40]}" if isinstance(identity, int | str) else one


def _is_box(annotation: dict[str, Any]) -> bool:
    """Returns whether an annotation has a box and no shape in it, as tools export their rectangles."""
    return annotation.get("segmentation") == [] and isinstance(annotation.get("bbox"), list)


def _identity(value: object, key: str) -> _Id:
    found = value.get(key) if isinstance(value, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | str):
        raise invalid(f"has no valid {key!r}")
    return found


def _take(file: _File, item: JsonItem) -> None:
    """Keeps one item of the file."""
    key, value = item.key, item.value
    if key == "images":
        identity = _identity(value, "id")
        if identity in file.images:
            raise invalid("is listed twice", code="E_DUPLICATE")
        file.images[identity] = value.get("file_name"), value.get("height"), value.get("width")
    elif key == "categories":
        identity = _identity(value, "id")
        if identity in file.categories:
            raise invalid("is listed twice")
        file.categories[identity] = class_name(member(value, "name", str))
    elif key == "annotations" and isinstance(value, dict) and "segments_info" in value:
        image = _identity(value, "image_id")
        if image in file.segments:
            raise invalid(f"is a second one of image {image}", code="E_DUPLICATE")
        segments = [each if isinstance(each, dict) else {} for each in member(value, "segments_info", list)]
        kept = tuple((each.get("id"), each.get("category_id"), bool(each.get("iscrowd"))) for each in segments)
        file.segments[image] = member(value, "file_name", str), kept
    elif key == "annotations":
        shape = _shape(value)
        size = (shape.area.height, shape.area.width) if isinstance(shape, Runs) else (0, 0)
        number = file.numbers.setdefault(_identity(value, "category_id"), len(file.numbers))
        rows = file.objects[_identity(value, "image_id")]
        rows.extend((item.start, item.length, number, bool(value.get("iscrowd")), *size))
        if len(rows) > MAX_OBJECTS * _COLUMNS:
            raise invalid(f"is one of more than {MAX_OBJECTS:,} of its image")


def stored_shape(text: bytes) -> Outline | Runs:
    """Returns the shape of an annotation from its text in the file."""
    return _shape(json.loads(text))


def _shape(annotation: object) -> Outline | Runs:
    """Returns the polygons or the runs of an annotation; whether the runs are of the size of its image is not known."""
    segmentation = annotation.get("segmentation") if isinstance(annotation, dict) else None
    if isinstance(segmentation, dict):
        return coco_runs(segmentation)
    rings = of_kind(segmentation, list, "no 'segmentation' of polygons or runs")
    if not rings:
        raise invalid("has an empty 'segmentation'")
    return Outline("polygon", tuple(points(ring, 3) for ring in rings))


def _picture(file: _File, identity: _Id, found: Found, documents: Documents, source: AnnotationFile) -> Picture:
    """Returns an image with its objects; problems of these are recorded, those of the image itself raised."""
    name, height, width = file.images[identity]
    name = of_kind(name, str, "no valid 'file_name'")
    size = size_of(height, width)
    split = split_within(posixpath.basename(found.where).partition(".")[0]) or ""
    prefer = [part for part in (posixpath.basename(found.where).partition(".")[0].rpartition("_")[2], split) if part]
    path = documents.photographs.find(name, found.where, prefer)
    objects: tuple[Drawable, ...] | Stored = _stored(file, identity, size, found, source)
    if identity in file.segments:
        if objects:
            raise invalid("has panoptic segments and other annotations", "Export them into two files.")
        objects = tuple(_segments(file, identity, found, documents))
    return Picture(path, found.where, size, objects, split or split_of_path(path))


def _stored(file: _File, identity: _Id, size: tuple[int, int], found: Found, source: AnnotationFile) -> Stored:
    """Returns the objects of an image of a size; problems of these are recorded."""
    kept = array("q")
    numbers = iter(file.objects.pop(identity, ()))
    for start, length, number, is_crowd, *stated in zip(*[numbers] * _COLUMNS, strict=True):
        try:
            if not file.names[number]:
                _category(file, list(file.numbers)[number])
            if stated != [0, 0] and stated != [*size]:
                what = f"has runs of size {stated}, and not of its image, {[*size]}"
                raise invalid(what, code="E_SIZE")
        except DataError as error:
            found.record(error, _part_at(source, start, length))
        else:
            kept.extend((start, length, len(file.numbers) if is_crowd else number, is_crowd))
    return Stored(found.where, source.stamp, file.names, kept)


def _part_at(source: AnnotationFile, start: int, length: int) -> str:
    """Returns how messages call an annotation at a place in the file."""
    return _part("annotations", json.loads(source.part(start, length)))


def _category(file: _File, category: _Id) -> str:
    if category not in file.categories:
        raise invalid(f"has category {category}, which the file does not list")
    return file.categories[category]


def _segments(file: _File, identity: _Id, found: Found, documents: Documents) -> Iterator[Drawable]:
    """Yields the segments of a panoptic PNG, which hold their id as red + 256 green + 65536 blue."""
    name, segments = file.segments[identity]
    own = posixpath.splitext(found.where)[0].rpartition("/")[2]
    path = documents.photographs.find(name, found.where, [own])
    for number, category, is_crowd in segments:
        with found.naming(_part("segment", {"id": number})):
            label = _category(file, _identity({"category_id": category}, "category_id"))
            value = whole(number, "an id", 0xFFFFFF)
            yield Drawable("ignore" if is_crowd else label, InFile(path, value), is_under=is_crowd)


def coco_runs(value: Any) -> Runs:
    """Returns the runs of a segmentation {"size": [height, width], "counts": [...] or text}.

    Raises:
      DataError: they are no runs, or do not fill a picture of that size.
    """
    stated = member(value, "size", list)
    if len(stated) != 2:
        raise invalid("has runs without a size [height, width]")
    size = size_of(*stated)
    counts = value.get("counts")
    if isinstance(counts, str):
        counts = decoded_counts(counts)
    return runs(counts, Area(0, 0, size[1], size[0]), is_by_column=True)


def decoded_counts(text: str) -> list[int]:
    """Returns the numbers of COCO's compressed runs.

    Each is written in groups of 5 bits, lowest first, from character 48 on, bit 5 says that more follow, and the last
    group has the sign; from the fourth on they are differences to the number two before.

    Source: rleFrString in maskApi.c of pycocotools, from its description.
    """
    counts: list[int] = []
    number = shift = 0
    for code in text.encode("latin-1", "replace"):
        group = code - 48
        if not 0 <= group < 64 or shift > 30:
            raise invalid("has runs in a text that is not COCO's")
        number |= (group & 0x1F) << shift
        shift += 5
        if not group & 0x20:
            if group & 0x10:
                number -= 1 << shift
            counts.append(number + (counts[-2] if len(counts) > 2 else 0))
            number = shift = 0
    if shift:
        raise invalid("has runs in a text that ends within a number")
    return counts
