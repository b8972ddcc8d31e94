"""Texts: a file of annotations -> JSON values, XML elements or lines, within bounds.

A file has at most MAX_ANNOTATION_BYTES. JSON is nested no deeper than Python's parser goes, some 1,000 levels. No
entity of XML is expanded: a file that declares a document type is refused before anything in it is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn
from xml.parsers import expat

from converter.annotations.found import CODE, FIX, Found, invalid
from converter.errors import DataError, shown
from converter.limits import MAX_ANNOTATION_BYTES
from converter.system.files import NotRegularError, open_regular, resolve_inside

_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()
_UNCLOSED = "is not complete JSON"


def read_bytes(root: Path, found: Found, *, follow_links: bool = False) -> bytes:
    """Returns the content of a file of annotations, whose digest is kept.

    Raises:
      DataError: it lies outside the folder, cannot be read, is empty, or has more than MAX_ANNOTATION_BYTES.
    """
    path = resolve_inside(root, found.where, follow_links=follow_links)
    try:
        with open_regular(path, buffering=0) as file:
            data = file.read(MAX_ANNOTATION_BYTES + 1) if path.stat().st_size <= MAX_ANNOTATION_BYTES else None
    except NotRegularError:
        raise DataError(found.where, "is not a regular file", "Replace it with the file.", "E_UNREADABLE") from None
    except OSError as error:
        raise DataError(
            found.where, f"cannot be read ({error.strerror})", "Make it readable.", "E_UNREADABLE"
        ) from None
    if data is None or len(data) > MAX_ANNOTATION_BYTES:
        what = f"has more than {MAX_ANNOTATION_BYTES:,} bytes, the maximum for annotations"
        raise DataError(found.where, what, "Export it in several files.", "E_FILE_SIZE")
    found.digest = hashlib.sha256(data).hexdigest()
    return data


def text_of(data: bytes, where: str) -> str:
    """Returns UTF-8 text without its byte order mark; DataError where it is none."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(where, "is not UTF-8 text", "Save it as UTF-8.", CODE) from None


def json_of(data: bytes, where: str) -> Any:
    """Returns the value of a JSON text.

    Raises:
      DataError: it is not JSON, or is nested too deep.
    """
    try:
        return json.loads(text_of(data, where))
    except (ValueError, RecursionError) as error:
        raise json_error(where, error) from None


def json_error(where: str, error: Exception) -> DataError:
    """Returns the error of a text that is no JSON, or too deep."""
    if isinstance(error, RecursionError):
        return DataError(where, "is JSON that is nested some 1,000 levels deep", FIX, CODE)
    return DataError(where, f"is not valid JSON ({shown(str(error), 100)})", "Export it again.", CODE)


def json_members(text: str) -> Iterator[tuple[str, Any]]:
    """Yields (key, value) of a JSON object, and (key, item) of each item where a value is a list.

    Of a file of a gigabyte only one item is a Python object at a time, which takes ten times the memory of its text.

    Raises:
      ValueError: it is not JSON, or not an object.
      RecursionError: it is nested too deep.
    """
    place = _expect(text, _skip(text, 0), "{")
    is_last = text[place : place + 1] == "}"
    while not is_last:
        key, place = _DECODER.raw_decode(text, place)
        if not isinstance(key, str):
            raise ValueError(_UNCLOSED)
        place = _expect(text, _skip(text, place), ":")
        if text[place : place + 1] == "[":
            place = _skip(text, place + 1)
            is_end = text[place : place + 1] == "]"
            while not is_end:
                item, place = _DECODER.raw_decode(text, place)
                yield key, item
                place = _skip(text, place)
                is_end = text[place : place + 1] == "]"
                if not is_end:
                    place = _expect(text, place, ",")
            place += 1
        else:
            value, place = _DECODER.raw_decode(text, place)
            yield key, value
        place = _skip(text, place)
        is_last = text[place : place + 1] == "}"
        if not is_last:
            place = _expect(text, place, ",")
    if _skip(text, place + 1) != len(text):
        raise ValueError(f"more follows at character {place + 1:,}")


def _skip(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    return match.end() if match else place


def _expect(text: str, place: int, sign: str) -> int:
    """Returns the place of what follows a sign."""
    if text[place : place + 1] != sign:
        raise ValueError(f"{_UNCLOSED}: no {sign!r} at character {place:,}")
    return _skip(text, place + 1)


class XmlReader:
    """Reads XML element by element; to be derived from.

    Nothing is expanded: what declares a document type, in which alone entities can be declared, is refused.
    """

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """Begins an element."""

    def end(self, tag: str, text: str) -> None:
        """Ends an element; `text` is what stands right before its end."""

    def read(self, data: bytes, where: str) -> None:
        """Reads a file.

        Raises:
          DataError: it is not XML, or declares a document type.
        """
        parser = expat.ParserCreate()
        texts: list[str] = []

        def start(tag: str, attributes: dict[str, str]) -> None:
            texts.clear()
            self.start(tag, attributes)

        def end(tag: str) -> None:
            self.end(tag, "".join(texts).strip())
            texts.clear()

        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        parser.CharacterDataHandler = texts.append
        try:
            parser.Parse(data, True)
        except expat.ExpatError as error:
            raise DataError(where, f"is not valid XML ({error})", "Export it again.", CODE) from None
        except (LookupError, ValueError) as error:  # an unknown encoding
            raise DataError(where, f"cannot be decoded ({shown(str(error), 100)})", "Save it as UTF-8.", CODE) from None
        except DataError as error:
            raise DataError(where, error.what, error.fix, error.code) from None


def _refuse_doctype(*_: object) -> NoReturn:
    raise invalid("declares a document type, in which entities may be, and none is expanded", "Remove the <!DOCTYPE.")
