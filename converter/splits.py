"""Splits: a split list -> ExampleRefs.

A list has one pair a line, `photograph;mask`, both relative to the split's image and mask folder. A byte order mark,
CRLF, blank lines and lines that begin with # are tolerated; everything else is a pair or a refusal with its line.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from converter.errors import DataError, UsageError, shown
from converter.storage import check_relative

SEPARATOR = ";"
MAX_LIST_BYTES = 256 * 2**20  # some two million lines; more is no list
MAX_LINE_CHARS = 8192  # two paths of the longest that Linux allows


@dataclass(frozen=True)
class ExampleRef:
    """One pair of a split.

    Attributes:
      split: name of the split.
      image: path of the photograph relative to the source folder.
      mask: path of the mask relative to the source folder.
      list_name: of the list that names the pair, relative to the source folder; "" where the layout has found it.
      line: number of the line in that list, from 1; 0 without a list.
    """

    split: str
    image: str
    mask: str
    list_name: str = ""
    line: int = 0


@dataclass(frozen=True)
class Reject:
    """One refused pair.

    Attributes:
      split: name of the split.
      error: why; its `where` names the file.
      list_name: of the list that names the pair, relative to the source folder; "" where the layout has found it.
      line: number of the line in that list, from 1; 0 without a list.
    """

    split: str
    error: DataError
    list_name: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{shown(self.list_name)}:{self.line}: {self.error}" if self.list_name else str(self.error)

    def to_json(self) -> dict[str, object]:
        """Returns the object that stands for this pair in errors.jsonl."""
        error = self.error
        return {
            "split": self.split,
            "list": self.list_name,
            "line": self.line,
            "file": error.where,
            "code": error.code,
            "what": error.what,
            "mend": error.mend,
        }


def read_split_list(split: str, path: Path, image_dir: str, mask_dir: str) -> tuple[list[ExampleRef], list[Reject]]:
    """Returns the pairs of a split list and the lines that are none.

    Args:
      split: name of the split.
      path: of the list; its name stands in the refs.
      image_dir: folder of the photographs, relative to the source folder.
      mask_dir: folder of the masks, relative to the source folder.

    Raises:
      UsageError: the list cannot be read, is no UTF-8 text, or names no pair at all.
    """
    mend = "A list is UTF-8 text with one pair a line: photo.jpg;mask.png"
    try:
        if path.stat().st_size > MAX_LIST_BYTES:
            raise UsageError(path, f"exceeds {MAX_LIST_BYTES} bytes, which no list does", mend, "E_LIST")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(path, f"cannot be read ({error.strerror})", mend, "E_LIST") from None
    except UnicodeDecodeError as error:
        raise UsageError(path, f"is not UTF-8 text (byte {error.start})", mend, "E_LIST") from None
    refs: list[ExampleRef] = []
    rejects: list[Reject] = []
    first_line: dict[str, int] = {}
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        try:
            image, mask = _pair(line)
            earlier = first_line.setdefault(image, number)
            if earlier != number:
                what = f"is the photograph of line {earlier} again"
                raise DataError(image, what, "Delete one of the lines.", "E_DUPLICATE")
            refs.append(ExampleRef(split, f"{image_dir}/{image}", f"{mask_dir}/{mask}", path.name, number))
        except DataError as error:
            rejects.append(Reject(split, error, path.name, number))
    if not refs and not rejects:
        raise UsageError(path, "names no pair", mend, "E_LIST")
    return refs, rejects


def _pair(line: str) -> tuple[str, str]:
    if len(line) > MAX_LINE_CHARS:
        raise DataError(line, f"has {len(line)} characters, which no pair has", "Mend the line.", "E_LINE")
    fields = [field.strip() for field in line.split(SEPARATOR)]
    if len(fields) != 2 or not all(fields):
        what = f"holds {len(fields) - 1} separators {SEPARATOR!r}, a pair has exactly one between two names"
        raise DataError(line, what, "Write photo.jpg;mask.png", "E_LINE")
    image, mask = fields
    check_relative(image)  # before it is joined with its folder, which would hide that it is absolute
    check_relative(mask)
    return str(PurePosixPath(image)), str(PurePosixPath(mask))  # a.jpg and ./a.jpg are one photograph
