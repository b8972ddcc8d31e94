"""Values: what parsers take from JSON and XML, checked: texts, numbers, points, runs, pictures in base64."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any, TypeVar

import numpy as np

from converter.annotations.found import invalid
from converter.annotations.shapes import Area, Outline, Points, Runs
from converter.errors import shown
from converter.limits import MAX_CLASS_NAME_CHARS, MAX_COORDINATE, MAX_EMBEDDED_BYTES, MAX_PIXELS

TURNED_POINTS = 128  # of an ellipse that is turned
T = TypeVar("T")


def member(value: object, key: str, kind: type[T]) -> T:
    """Returns a member of a JSON object that must be there and of a kind; a whole number is a float as well."""
    found = value.get(key) if isinstance(value, dict) else None
    return of_kind(found, kind, f"no valid {key!r}" if isinstance(value, dict) else "is no object")


def of_kind(value: object, kind: type[T], what: str) -> T:
    """Returns a value of a kind; `what` says what is wrong with it otherwise."""
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = _float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise invalid(what if what.startswith("is ") else f"has {what}")
    return value


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def number(text: object, what: str) -> float:
    """Returns the finite number in an attribute of XML or a field of a line."""
    if text is None:
        raise invalid(f"has no {what}")
    try:
        value = float(text)  # type: ignore[arg-type]  # a TypeError says that it is none
    except (TypeError, ValueError, OverflowError):
        raise invalid(f"has {what} {shown(str(text), 40)!r}, which is no number") from None
    return checked(value, what)


def checked(value: float, what: str) -> float:
    """Returns a coordinate or length that is finite and not absurd."""
    if not abs(value) <= MAX_COORDINATE:  # of NaN neither is true
        raise invalid(f"has {what} {value:g}, which is no number within {MAX_COORDINATE:,}")
    return value


def whole(text: object, what: str, most: int = MAX_PIXELS) -> int:
    """Returns the whole number from 0 to `most` in an attribute of XML, or of JSON."""
    value = number(text, what) if not isinstance(text, int) or isinstance(text, bool) else text
    if value != int(value) or not 0 <= value <= most:
        raise invalid(f"has {what} {shown(str(value), 40)}, which is not within 0..{most:,}")
    return int(value)


def size_of(height: object, width: object) -> tuple[int, int]:
    """Returns (height, width) in pixels of a picture."""
    size = whole(height, "height"), whole(width, "width")
    if not 0 < size[0] * size[1] <= MAX_PIXELS:
        raise invalid(f"has {size[1]}x{size[0]} pixels, which is not within 1..{MAX_PIXELS:,}", code="E_TOO_LARGE")
    return size


def class_name(value: object) -> str:
    """Returns the name of a class."""
    text = of_kind(value, str, "no class name").strip()
    if not text or not text.isprintable() or len(text) > MAX_CLASS_NAME_CHARS:
        raise invalid(f"has a class name that is empty, unprintable or longer than {MAX_CLASS_NAME_CHARS} characters")
    return text


def points(value: object, least: int) -> Points:
    """Returns points [[x, y], ...] or [x, y, x, y, ...] as float64 [N, 2].

    Raises:
      DataError: fewer than `least` points, or coordinates that are no finite numbers within MAX_COORDINATE.
    """
    if isinstance(value, str) or not isinstance(value, list | tuple | np.ndarray):
        raise invalid("has no list of points")
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError):  # ragged, texts, objects, numbers of a thousand digits
        raise invalid("has coordinates that are no numbers") from None
    if array.size % 2 or array.ndim > 2 or (array.ndim == 2 and array.shape[1] != 2):
        raise invalid("has an odd number of coordinates, or points that are not x and y")
    array = array.reshape(-1, 2)
    if len(array) < least:
        raise invalid(f"has {len(array)} points, and needs {least}")
    if not (np.abs(array) <= MAX_COORDINATE).all():
        raise invalid(f"has a coordinate that is no number within {MAX_COORDINATE:,}")
    return array


def polygon(value: object) -> Outline:
    """Returns the polygon of one list of points."""
    return Outline("polygon", (points(value, 3),))


def box(left: float, top: float, width: float, height: float, degrees: float = 0.0) -> Outline:
    """Returns the box at (left, top), turned clockwise about that corner."""
    if not degrees:
        ends = np.array([[left, top], [left + width, top + height]], np.float64)
        return Outline("box", (np.sort(ends, axis=0),))  # a width may be negative
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    return Outline("polygon", (turned(corners, degrees) + np.array([left, top]),))


def turned(ring: Points, degrees: float) -> Points:
    """Returns points turned clockwise, as seen on the screen, about (0, 0)."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    result: Points = ring @ np.array([[cosine, sine], [-sine, cosine]])
    return result


def ellipse(x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0.0) -> Outline:
    """Returns the ellipse around (x, y), turned clockwise; a turned one as a polygon of TURNED_POINTS."""
    radii = np.abs(np.array([radius_x, radius_y], np.float64))
    middle = np.array([x, y], np.float64)
    if not degrees:
        return Outline("ellipse", (np.stack([middle - radii, middle + radii]),))
    angles = np.arange(TURNED_POINTS) * (2 * math.pi / TURNED_POINTS)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1) * radii
    return Outline("polygon", (turned(ring, degrees) + middle,))


def runs(counts: object, area: Area, *, is_by_column: bool = False) -> Runs:
    """Returns the runs of an area, of which the first is outside the object.

    Raises:
      DataError: they are no numbers from 0 on, or do not fill the area.
    """
    try:
        array = np.asarray(counts)
        numbers = array.astype(np.int64) if array.ndim == 1 and array.dtype.kind in "iu" else None
    except (TypeError, ValueError, OverflowError):
        numbers = None
    most = area.width * area.height
    if numbers is None or bool((numbers < 0).any()) or bool((numbers > most).any()):
        raise invalid(f"has runs that are not numbers within 0..{most:,}")
    if (total := int(numbers.sum())) != most:
        raise invalid(f"has runs of {total:,} pixels in all, and not of {area.width}x{area.height} = {most:,}")
    return Runs(numbers, area, is_by_column)


def base64_bytes(text: object) -> bytes:
    """Returns the bytes of a text in base64.

    Raises:
      DataError: it is none, or has more than MAX_EMBEDDED_BYTES.
    """
    if not isinstance(text, str):
        raise invalid("has no text in base64")
    if len(text) > MAX_EMBEDDED_BYTES:
        raise invalid(f"has more than {MAX_EMBEDDED_BYTES:,} characters of base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("has a text that is not base64") from None


def any_of(value: dict[str, Any], *keys: str) -> Any:
    """Returns the first of these members that is there; None for none."""
    return next((value[key] for key in keys if value.get(key) is not None), None)
