"""COCO: one JSON file for all photographs: instances by polygons and runs, or panoptic segments in a PNG each."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture, invalid
from converter.annotations.photographs import split_of_path
from converter.annotations.shapes import Area, Drawable, InFile, Outline, Runs, Shape
from converter.annotations.texts import json_error, json_members, text_of
from converter.annotations.values import class_name, member, of_kind, points, runs, size_of, whole
from converter.limits import MAX_OBJECTS
from converter.sources.names import split_within

_Id = int | str


@dataclass
class _File:
    """The members of a file, until all of it is read: annotations may stand before what they refer to."""

    images: dict[_Id, dict[str, Any]] = field(default_factory=dict)
    categories: dict[_Id, str] = field(default_factory=dict)
    objects: dict[_Id, list[tuple[_Id, _Id, Shape | None, Any, bool]]] = field(default_factory=dict)
    segments: dict[_Id, tuple[str, list[Any]]] = field(default_factory=dict)


def chosen(paths: Sequence[str]) -> list[str]:
    """Returns the files of instances among some files, or else all: captions and key points are of the same images."""
    return [path for path in paths if posixpath.basename(path).startswith("instances_")] or list(paths)


def read(data: bytes, found: Found, documents: Documents) -> None:
    """A file of COCO: polygons and runs in pixels; a crowd becomes ignore, under all other objects.

    Source: the data format of cocodataset.org, and maskApi.c of pycocotools for its runs.
    """
    file = _File()
    text = text_of(data, found.where)
    del data  # half of what is in memory while the text is read
    try:
        for key, value in json_members(text):
            with found.naming(_part(key, value)):
                if key == "annotations" and isinstance(value, dict) and _is_box(value):
                    found.left_out["box of COCO"] += 1
                else:
                    _take(file, key, value)
    except (ValueError, RecursionError) as error:
        raise json_error(found.where, error) from None
    found.names = [name for _, name in sorted(file.categories.items(), key=lambda item: (str(type(item[0])), item[0]))]
    for identity, kept in (*file.objects.items(), *file.segments.items()):
        if identity not in file.images:
            first = kept[0][0] if isinstance(kept, list) else kept[0]
            with found.naming(f"annotation {first}"):
                raise invalid(f"is of image {identity}, which the file does not list")
    for identity, image in file.images.items():
        with found.naming(f"image {identity}"):
            found.pictures.append(_picture(file, identity, image, found, documents))


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


def _take(file: _File, key: str, value: Any) -> None:
    """Keeps one item of the file."""
    if key == "images":
        identity = _identity(value, "id")
        if identity in file.images:
            raise invalid("is listed twice", code="E_DUPLICATE")
        file.images[identity] = {name: value.get(name) for name in ("file_name", "height", "width")}
    elif key == "categories":
        identity = _identity(value, "id")
        if identity in file.categories:
            raise invalid("is listed twice")
        file.categories[identity] = class_name(member(value, "name", str))
    elif key == "annotations" and isinstance(value, dict) and "segments_info" in value:
        image = _identity(value, "image_id")
        if image in file.segments:
            raise invalid(f"is a second one of image {image}", code="E_DUPLICATE")
        file.segments[image] = member(value, "file_name", str), member(value, "segments_info", list)
    elif key == "annotations":
        shape, crowd = _shape(value), bool(value.get("iscrowd"))
        row = (value.get("id", ""), _identity(value, "category_id"), shape, value.get("segmentation"), crowd)
        kept = file.objects.setdefault(_identity(value, "image_id"), [])
        kept.append(row if isinstance(row[3], dict) else (*row[:3], None, crowd))
        if len(kept) > MAX_OBJECTS:
            raise invalid(f"is one of more than {MAX_OBJECTS:,} of its image")


def _shape(value: object) -> Shape | None:
    """Returns the polygons of an annotation; None for runs, whose size is checked when that of the image is known."""
    segmentation = value.get("segmentation") if isinstance(value, dict) else None
    if isinstance(segmentation, dict):
        return None
    rings = of_kind(segmentation, list, "no 'segmentation' of polygons or runs")
    if not rings:
        raise invalid("has an empty 'segmentation'")
    return Outline("polygon", tuple(points(ring, 3) for ring in rings))


def _picture(file: _File, identity: _Id, image: dict[str, Any], found: Found, documents: Documents) -> Picture:
    """Returns an image with its objects; problems of these are recorded, those of the image itself raised."""
    name = member(image, "file_name", str)
    size = size_of(image.get("height"), image.get("width"))
    split = split_within(posixpath.basename(found.where).partition(".")[0]) or ""
    prefer = [part for part in (posixpath.basename(found.where).partition(".")[0].rpartition("_")[2], split) if part]
    path = documents.photographs.find(name, found.where, prefer)
    objects = []
    for number, category, shape, coded, crowd in file.objects.get(identity, ()):
        with found.naming(f"annotation {number}"):
            label = _category(file, category)
            drawn = shape or coco_runs(coded, size)
            objects.append(Drawable("ignore" if crowd else label, drawn, is_under=crowd))
    if identity in file.segments:
        objects += _segments(file, identity, found, documents)
    return Picture(path, found.where, size, tuple(objects), split or split_of_path(path))


def _category(file: _File, category: _Id) -> str:
    if category not in file.categories:
        raise invalid(f"has category {category}, which the file does not list")
    return file.categories[category]


def _segments(file: _File, identity: _Id, found: Found, documents: Documents) -> Iterator[Drawable]:
    """Yields the segments of a panoptic PNG, which hold their id as red + 256 green + 65536 blue."""
    name, segments = file.segments[identity]
    own = posixpath.splitext(found.where)[0].rpartition("/")[2]
    path = documents.photographs.find(name, found.where, [own])
    for segment in segments:
        with found.naming(f"segment {_part('', segment).strip()}"):
            label = _category(file, _identity(segment, "category_id"))
            value = whole(segment.get("id"), "an id", 0xFFFFFF)
            crowd = bool(segment.get("iscrowd"))
            yield Drawable("ignore" if crowd else label, InFile(path, value), is_under=crowd)


def coco_runs(value: Any, size: tuple[int, int]) -> Runs:
    """Returns the runs of a segmentation {"size": [height, width], "counts": [...] or text}.

    Raises:
      DataError: they are no runs, or not those of an image of this size.
    """
    stated = member(value, "size", list)
    if len(stated) != 2 or size_of(*stated) != size:
        what = f"has runs of size {str(stated)[:40]}, and not of its image, {list(size)}"
        raise invalid(what, code="E_SIZE")
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
