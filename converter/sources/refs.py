"""Refs: a pair of a split, by the names of its files, and a pair that was rejected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from converter.errors import SHOWN_WHAT_CHARS, DataError, shown
from converter.schema import FIX_KEY, RecordKey, window_text

if TYPE_CHECKING:  # geometry loads NumPy, which listing the layouts in a help text does not need
    from converter.pixels.geometry import Box


@dataclass(frozen=True, slots=True)
class ExampleRef:
    """One pair of a split.

    Attributes:
      split: name of the split.
      image: path of the image relative to the source folder.
      mask: path of the mask relative to the source folder; "" if there is none, and --missing-mask says what holds.
      list_name: of the list that names the pair, relative to the source folder; "" if the layout found it.
      line: number of the line in that list, from 1; 0 without a list.
      window: the part of the upright image, and of its mask, that the pair covers; None for all of it. Of a tile it is
        in pixels after scaling, and may reach over the edge.
      size, scaled: (height, width) of the upright image, before and after scaling, when its tiles were planned; None of
        a pair that is no tile.
    """

    split: str
    image: str
    mask: str
    list_name: str = ""
    line: int = 0
    window: Box | None = None
    size: tuple[int, int] | None = None
    scaled: tuple[int, int] | None = None

    @property
    def key(self) -> RecordKey:
        """Identity of the pair within its dataset: its files, and its window if any."""
        if self.window is None:
            return self.image, self.mask
        return self.image, self.mask, window_text(self.window)

    @property
    def files(self) -> tuple[str, str]:
        """Image and mask, which all tiles of a photograph have in common."""
        return self.image, self.mask


class Unused(NamedTuple):
    """A file, list or folder in the source folder that no pair comes from, although its name says that one might.

    Attributes:
      code: of a warning, such as W_UNUSED_LIST; data/README.md lists them.
      where: path relative to the source folder.
      what: why it is not used, with counts.
      fix: what to do so that it is used.
    """

    code: str
    where: str
    what: str
    fix: str

    def warning(self) -> str:
        """Returns it as one line of a log."""
        return f"Warning {self.code}: {shown(self.where)}: {shown(self.what, SHOWN_WHAT_CHARS)}. {self.fix}"


@dataclass(frozen=True)
class Reject:
    """One rejected pair.

    Attributes:
      split: name of the split.
      error: why; its `where` names the file.
      list_name: of the list that names the pair, relative to the source folder; "" if the layout found it.
      line: number of the line in that list, from 1; 0 without a list.
    """

    split: str
    error: DataError
    list_name: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{shown(self.list_name)}:{self.line}: {self.error}" if self.list_name else str(self.error)

    def to_json(self) -> dict[str, object]:
        """Returns the object for this pair in errors.jsonl."""
        error = self.error
        return {
            "split": self.split,
            "list": self.list_name,
            "line": self.line,
            "file": error.where,
            "code": error.code,
            "what": error.what,
            FIX_KEY: error.fix,
        }
