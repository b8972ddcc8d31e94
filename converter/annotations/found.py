"""Found: what a file of annotations holds: pictures with their objects, class names, and the problems in it.

A problem names the file and the object, and reading goes on: one run finds all of them.
"""

from __future__ import annotations

import contextlib
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from converter.annotations.shapes import Drawable, InFile
from converter.errors import DataError, shown

CODE = "E_ANNOTATION"
FIX = "Correct it in the annotation tool and export again, or remove it."
SHOWN_LABEL_CHARS = 60


@dataclass(frozen=True)
class Stored:
    """Objects that stay in their file until they are drawn: some 40 bytes each, however many points they have.

    Attributes:
      path: of the file of annotations, relative to the source folder.
      stamp: of that file when it was read, as that of an AnnotationFile.
      names: of classes.
      rows: of each object four numbers: the first byte and the length of its text in the file, the number of its class
        in `names`, and whether it lies under all others.
    """

    path: str
    stamp: tuple[int, int]
    names: tuple[str, ...]
    rows: array[int]

    def __len__(self) -> int:
        return len(self.rows) // 4

    def __iter__(self) -> Iterator[tuple[int, int, str, bool]]:
        """Yields (first byte, length, label, whether it lies under all others) of each object."""
        numbers = iter(self.rows)
        for start, length, name, is_under in zip(numbers, numbers, numbers, numbers, strict=True):
            yield start, length, self.names[name], bool(is_under)


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
    objects: tuple[Drawable, ...] | Stored
    split: str = ""
    is_relative: bool = False
    embedded_in: str = ""
    name: str = ""

    @property
    def label(self) -> str:
        """Path by which messages and the written dataset call it."""
        return self.name or self.path

    @property
    def labels(self) -> Iterable[str]:
        """The label of each object."""
        if isinstance(self.objects, Stored):
            return [self.objects.names[number] for number in self.objects.rows[2::4]]
        return [drawable.label for drawable in self.objects]

    @property
    def mask_files(self) -> set[str]:
        """Paths of the mask files that objects are read from."""
        objects = () if isinstance(self.objects, Stored) else self.objects
        return {drawable.shape.path for drawable in objects if isinstance(drawable.shape, InFile)}


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
        """Records a DataError of the block as a problem of a part of the file: "shape 3", whose class is `label`."""
        try:
            yield
        except DataError as error:
            self.record(error, part, label)

    def record(self, error: DataError, part: str, label: object = "") -> None:
        """Keeps the problem of a part of the file, as `naming`; it names no place itself, unless of another file."""
        named = f"{part} ({shown(label, SHOWN_LABEL_CHARS)})" if isinstance(label, str) and label else part
        what = f"{named} {error.what}" if not error.where else f"{named} names {error.where}, which {error.what}"
        self.problems.append(DataError(self.where, what, error.fix, error.code))


def invalid(what: str, fix: str = FIX, code: str = CODE) -> DataError:
    """Returns the error of a part of a file, whose place `Found.naming` adds."""
    return DataError("", what, fix, code)
