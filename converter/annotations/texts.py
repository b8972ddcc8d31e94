"""Texts: a file of annotations -> JSON values, XML elements or lines, within bounds.

A file has at most MAX_ANNOTATION_BYTES, or MAX_PARTED_BYTES where it is read in parts. JSON is nested no deeper than
Python's parser goes, some 1,000 levels. No entity of XML is expanded: a file that declares a document type is refused
before anything in it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn
from xml.parsers import expat

from converter.annotations.found import CODE, FIX, Found, invalid
from converter.errors import DataError, shown
from converter.limits import MAX_ANNOTATION_BYTES
from converter.system.files import NotRegularError, open_regular, resolve_inside


class AnnotationFile:
    """An open file of annotations, which is hashed while it is read.

    Args:
      file: open for reading.
      stamp: as the attribute.

    Attributes:
      stamp: (size in bytes, time of its last change); with another one the file has changed.
    """

    def __init__(self, file: BinaryIO, stamp: tuple[int, int]) -> None:
        self.stamp = stamp
        self._file = file
        self._hash = hashlib.sha256()
        self._left = stamp[0]

    @property
    def digest(self) -> str:
        """SHA-256 of what was read, in hex."""
        return self._hash.hexdigest()

    def read(self, most: int) -> bytes:
        """Returns the next bytes, up to a given number; b"" at the end that the file had when it was opened."""
        data = self._file.read(min(most, self._left))
        self._left -= len(data)
        self._hash.update(data)
        return data

    def part(self, start: int, length: int) -> bytes:
        """Returns some bytes from a place on; nothing is to be read in turn after that."""
        self._file.seek(start)
        return self._file.read(length)


@contextlib.contextmanager
def opened(
    root: Path, where: str, *, follow_links: bool = False, most: int = MAX_ANNOTATION_BYTES
) -> Iterator[AnnotationFile]:
    """Yields a file of annotations.

    Raises:
      DataError: it lies outside the folder, cannot be read, or has more than `most` bytes.
    """
    path = resolve_inside(root, where, follow_links=follow_links)
    try:
        with open_regular(path, buffering=0) as file:
            info = os.fstat(file.fileno())
            if info.st_size > most:
                what = f"has more than {most:,} bytes, the maximum for annotations"
                raise DataError(where, what, "Export it in several files.", "E_FILE_SIZE")
            yield AnnotationFile(file, (info.st_size, info.st_mtime_ns))
    except NotRegularError:
        raise DataError(where, "is not a regular file", "Replace it with the file.", "E_UNREADABLE") from None
    except OSError as error:
        raise DataError(where, f"cannot be read ({error.strerror})", "Make it readable.", "E_UNREADABLE") from None


def read_bytes(root: Path, found: Found, *, follow_links: bool = False) -> bytes:
    """Returns the content of a file of annotations, whose digest is kept.

    Raises:
      DataError: as `opened`.
    """
    with opened(root, found.where, follow_links=follow_links) as file:
        data = file.read(MAX_ANNOTATION_BYTES)
        found.digest = file.digest
        return data


def text_of(data: bytes, where: str) -> str:
    """Returns UTF-8 text without its byte order mark; DataError where it is none."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _not_utf_8(where) from None


def _not_utf_8(where: str) -> DataError:
    return DataError(where, "is not UTF-8 text", "Save it as UTF-8.", CODE)


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
    if isinstance(error, UnicodeDecodeError):
        return _not_utf_8(where)
    if isinstance(error, RecursionError):
        return DataError(where, "is JSON that is nested some 1,000 levels deep", FIX, CODE)
    return DataError(where, f"is not valid JSON ({shown(str(error), 100)})", "Export it again.", CODE)


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
