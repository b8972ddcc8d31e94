"""Found: what a file of annotations holds: pictures with their objects, class names, and the problems in it.

A problem names the file and the object, and reading goes on: one run finds all of them.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from converter.annotations.shapes import Drawable
from converter.errors import DataError, shown

CODE = "E_ANNOTATION"
FIX = "Correct it in the annotation tool and export again, or remove it."
SHOWN_LABEL_CHARS = 60


@dataclass(frozen=True)
class Picture:
    """A picture with its objects.

    Attributes:
      path: of its photograph, relative to the source folder; "" where the annotations hold it (`embedded_in`).
      where: file that describes it, and its place there, for messages.
      size: (height, width) in pixels as annotated; None where the annotations do not say it.
      objects: in the order of the file, later over earlier.
      split: that the annotations put it in; "" for none.
      is_relative: coordinates are shares of the size.
      embedded_in: path of the file that holds the photograph.
      name: of the photograph to write, where that is not `path`.
    """

    path: str
    where: str
    size: tuple[int, int] | None
    objects: tuple[Drawable, ...]
    split: str = ""
    is_relative: bool = False
    embedded_in: str = ""
    name: str = ""

    @property
    def label(self) -> str:
        """Path by which messages and the written dataset call it."""
        return self.name or self.path


@dataclass
class Found:
    """What is in one file of annotations, filled while it is read.

    Attributes:
      where: path of the file, relative to the source folder.
      pictures: in the order of the file.
      names: of classes that the file lists, in its order, whether an object has them or not.
      problems: all of them.
      left_out: number of annotations that cover no pixels or are no objects, by what they are.
      digest: SHA-256 of the file, in hex.
    """

    where: str
    pictures: list[Picture] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    problems: list[DataError] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    digest: str = ""

    @contextlib.contextmanager
    def naming(self, part: str, label: object = "") -> Iterator[None]:
        """Records a DataError of the block as a problem of a part of the file: "shape 3", whose class is `label`.

        What the block raises names no place itself, unless it is about another file.
        """
        try:
            yield
        except DataError as error:
            named = f"{part} ({shown(label, SHOWN_LABEL_CHARS)})" if isinstance(label, str) and label else part
            what = f"{named} {error.what}" if not error.where else f"{named} names {error.where}, which {error.what}"
            self.problems.append(DataError(self.where, what, error.fix, error.code))


def invalid(what: str, fix: str = FIX, code: str = CODE) -> DataError:
    """Returns the error of a part of a file, whose place `Found.naming` adds."""
    return DataError("", what, fix, code)
