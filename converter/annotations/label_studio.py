"""Label Studio: an export in JSON, with polygons, boxes, ellipses and brushes; brushes as PNG, too."""

from __future__ import annotations

import posixpath
import re

import numpy as np
from numpy.typing import NDArray

from converter.annotations.documents import Documents
from converter.annotations.found import Found, Picture, invalid
from converter.annotations.photographs import split_of_path
from converter.annotations.shapes import Drawable, InFile, Runs, Shape, in_pixels
from converter.annotations.texts import json_of
from converter.annotations.values import box, checked, class_name, ellipse, member, of_kind, points, polygon, size_of
from converter.errors import DataError
from converter.limits import MAX_OBJECTS
from converter.sources.names import has_extension

_UPLOADED = re.compile("[0-9a-f]{8}-(.+)")  # Label Studio puts a hash before the name of an uploaded file
_BRUSH_PNG = re.compile(r"task-(\d+)-annotation-(\d+)-by-.*?-(?:tag|brush|label)-(.+)-(\d+)\.png", re.IGNORECASE)
_CODED = re.compile("(?:%[0-9a-fA-F]{2})+")
_IMAGE_KEYS = ("image", "img", "photo", "picture", "url")


def read(data: bytes, found: Found, documents: Documents) -> None:
    """An export of Label Studio: shapes in per cent of the sides; of a task, the first annotation not cancelled.

    Source: Label Studio's documentation of its JSON format, and label-studio-sdk's brush.py for its runs.
    """
    for number, task in enumerate(of_kind(json_of(data, found.where), list, "no list of tasks"), 1):
        name = f"task {task.get('id', number)}" if isinstance(task, dict) else f"task {number}"
        with found.naming(name[:60]):
            _task(task, name[:60], found, documents)


def _task(task: object, name: str, found: Found, documents: Documents) -> None:
    """Adds the picture of one task."""
    given = member(task, "data", dict)
    link = next((given[key] for key in _IMAGE_KEYS if isinstance(given.get(key), str)), None)
    if link is None:
        link = next((value for value in given.values() if isinstance(value, str) and has_extension(value)), None)
    path = _photograph(of_kind(link, str, "no photograph"), found.where, documents)
    annotations = [each for each in member(task, "annotations", list) if isinstance(each, dict)]
    valid = [each for each in annotations if not each.get("was_cancelled")]
    if len(valid) > 1:
        found.left_out["second annotation of a task"] += len(valid) - 1
    size, drawn = None, []
    for number, region in enumerate(member(valid[0], "result", list) if valid else (), 1):
        with found.naming(f"{name}: region {number}"):
            kind = member(region, "type", str)
            labels = member(region, "value", dict).get(kind)
            if not kind.endswith("labels") or not isinstance(labels, list) or not labels:
                found.left_out[f"{kind[:40]} of Label Studio"] += 1
                continue
            size = size_of(region.get("original_height"), region.get("original_width"))
            shape = _shape(region["value"], kind, size)
            if shape is None:
                found.left_out[f"{kind[:40]} of Label Studio"] += 1
            else:
                drawn.append(Drawable(class_name(labels[0]), shape))
            if len(drawn) > MAX_OBJECTS:
                raise invalid(f"is one of more than {MAX_OBJECTS:,}")
    found.pictures.append(Picture(path, found.where, size, tuple(drawn), split_of_path(path)))


def _photograph(link: str, where: str, documents: Documents) -> str:
    """Returns the path of a photograph that a link names: its last part, with or without the hash of an upload."""
    name = link
    if "://" in link or link.startswith("/"):  # a path elsewhere, of which the folder here has the last part at most
        path, _, query = link.partition("?")
        local = next((each[2:] for each in query.split("&") if each.startswith("d=")), "")
        name = _CODED.sub(_decoded, local or path.partition("#")[0])
        name = posixpath.basename(name.replace("\\", "/"))
    try:
        return documents.photographs.find(name, where)
    except DataError as error:
        match = _UPLOADED.fullmatch(posixpath.basename(name))
        if error.code != "E_MISSING" or match is None:
            raise
    return documents.photographs.find(match[1], where)


def _decoded(match: re.Match[str]) -> str:
    """Returns the characters that a link writes as %20 and the like."""
    return bytes.fromhex(match[0].replace("%", "")).decode("utf-8", "replace")


def _shape(value: dict[str, object], kind: str, size: tuple[int, int]) -> Shape | None:
    """Returns the shape of a region; None for one without pixels."""

    def length(name: str, side: int) -> float:
        return checked(round(member(value, name, float) / 100 * size[1 - side], 2), name)

    if kind == "polygonlabels":
        return polygon(in_pixels(points(value.get("points"), 3) / 100, size))
    if kind == "brushlabels":
        rgba = decoded_brush(value.get("rle"), size[0] * size[1] * 4)
        return Runs.of(rgba.reshape(*size, 4)[:, :, 3] > 0)
    if kind not in ("rectanglelabels", "ellipselabels"):
        return None
    degrees = checked(member(value, "rotation", float), "rotation") if value.get("rotation") else 0.0
    x, y = length("x", 0), length("y", 1)
    if kind == "rectanglelabels":
        return box(x, y, length("width", 0), length("height", 1), degrees)
    return ellipse(x, y, length("radiusX", 0), length("radiusY", 1), degrees)


def decoded_brush(rle: object, count: int) -> NDArray[np.uint8]:
    """Returns the numbers of a brush, uint8 [count]: red, green, blue and alpha of each pixel, row by row.

    A stream of bits: 32 for how many numbers follow, 5 for their width less one, and four times 4 for the width, less
    one, of a length. Then parts: a bit that says whether one number is repeated, two that choose the width of a length,
    the length less one, and one number or as many as that.

    Raises:
      DataError: it is no list of bytes, ends early, or does not hold `count` numbers.
    """
    try:
        data = bytes(rle) if isinstance(rle, list) else None
    except (TypeError, ValueError):
        data = None
    if data is None:
        raise invalid("has no list of bytes as 'rle'")
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    if len(bits) < 53:
        raise invalid("has an 'rle' that ends early")
    text = bits.tobytes().translate(_DIGITS).decode()
    total, width = int(text[:32], 2), int(text[32:37], 2) + 1
    lengths = [int(text[37 + 4 * k : 41 + 4 * k], 2) + 1 for k in range(4)]
    if total != count or width != 8:
        raise invalid(f"has an 'rle' of {total:,} numbers of {width} bits, and not of {count:,} of 8", code="E_SIZE")
    numbers = np.zeros(count, np.uint8)
    place, done = 53, 0
    while done < count:
        size = lengths[int(text[place + 1 : place + 3] or "0", 2)]
        start = place + 3 + size
        if start + 8 > len(text):
            raise invalid("has an 'rle' that ends early")
        length = int(text[place + 3 : start], 2) + 1
        is_run = text[place] == "1"
        place = start + (8 if is_run else 8 * length)
        if done + length > count or place > len(text):
            raise invalid("has an 'rle' that is longer than its picture, or ends early")
        numbers[done : done + length] = np.packbits(bits[start:place])
        done += length
    return numbers


_DIGITS = bytes([48, 49]) + bytes(254)  # of a bit, as a character


def brushes(documents: Documents) -> list[Found]:
    """Returns the pictures of an export of brushes as PNG: one mask a region, whose task is in its name.

    Such an export has no photographs and does not name them: the photograph of a task is the one called by its number,
    such as 12.jpg or task-12.jpg.
    """
    tasks: dict[int, list[tuple[str, str]]] = {}
    for path in documents.tree.files:
        if match := _BRUSH_PNG.fullmatch(posixpath.basename(path)):
            tasks.setdefault(int(match[1]), []).append((path, match[3]))
    results = []
    for task, files in sorted(tasks.items()):
        found = Found(files[0][0])
        with found.naming(f"task {task}"):
            stem = next((stem for stem in (str(task), f"task-{task}") if documents.photographs.has_stem(stem)), "")
            if not stem:
                fix = f"Call it {task}.jpg, or export as JSON, which names it."
                raise invalid("has no photograph called by its number", fix, "E_MISSING")
            path = documents.photographs.of_stem(stem)
            drawn = []
            for file, label in sorted(files):
                with found.naming(file):
                    drawn.append(Drawable(class_name(label), InFile(file)))
            found.pictures.append(Picture(path, found.where, None, tuple(drawn), split_of_path(path)))
        results.append(found)
    return results
