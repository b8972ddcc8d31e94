"""Check: all that is wrong with a dataset, in one run, before any work is done on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from converter.classes import Color
from converter.config import BuildConfig
from converter.layouts import Layout
from converter.splits import ExampleRef
from converter.survey import PairFacts


@dataclass(frozen=True)
class Problem:
    """One kind of fault and all places that have it.

    Attributes:
      code: stable word, such as E_MASK_VALUE or W_NEAR_DUPLICATE; data/README.md lists them.
      severity: "error" or "warning".
      mend: one sentence that says what to do.
      places: (where, what) of each place, in the order of the lists; where is list and line, or a file.
    """

    code: str
    severity: str
    mend: str
    places: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ValueRow:
    """One value of the masks.

    Attributes:
      id: class index or IGNORE_INDEX; None where the class map does not list the value or there is no class map.
      name: of the class, "ignore", or "" where id is None.
      value: in the notation of classes.csv.
      color: (red, green, blue) to draw the class with.
      pixels: in all masks that were read.
      share: of all their pixels, 0..1.
      images: number of masks that hold it.
      note: a remark for the user, such as "rare: within 3 levels of #FF0000, an anti-aliased edge"; or "".
    """

    id: int | None
    name: str
    value: str
    color: Color
    pixels: int
    share: float
    images: int
    note: str = ""


@dataclass(frozen=True)
class SplitFacts:
    """One split: pairs that it lists, and pairs of each class index among those that were read."""

    pairs: int
    class_pixels: tuple[int, ...] = ()


@dataclass(frozen=True)
class CheckReport:
    """What a check found.

    Attributes:
      src: source folder, as the user named it.
      layout: name of the layout.
      evidence: what it was told by.
      classes: origin of the class map, "" where there is none.
      splits: by name, train first.
      rows: values of the masks, class by class, unlisted ones last.
      problems: errors first.
      read: number of pairs that were read; fewer than there are with --fast.
      image_sizes: ((height, width), number of photographs), most frequent first.
      image_kinds: ("JPEG RGB", number), most frequent first.
      mask_kinds: ("PNG palette", number), most frequent first.
      turned: photographs that EXIF turns; unturned: those whose mask was drawn over the unturned photograph.
      source_mb: of all listed files, in MB (10**6 bytes); records_mb: predicted for the records.
      next_command: what to run next.
      seconds: wall time.
      samples: some pairs, spread over splits and classes, for pictures.
    """

    src: str
    layout: str
    evidence: tuple[str, ...]
    classes: str
    splits: dict[str, SplitFacts]
    rows: tuple[ValueRow, ...]
    problems: tuple[Problem, ...]
    read: int
    image_sizes: tuple[tuple[tuple[int, int], int], ...]
    image_kinds: tuple[tuple[str, int], ...]
    mask_kinds: tuple[tuple[str, int], ...]
    turned: int
    unturned: int
    source_mb: float
    records_mb: float
    next_command: str
    seconds: float
    samples: tuple[ExampleRef, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether a build would go through."""
        return all(problem.severity != "error" for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `segconv check --json` prints."""
        raise NotImplementedError

    def to_text(self) -> str:
        """Returns the report as `segconv check` prints it."""
        raise NotImplementedError


def check(config: BuildConfig, *, fast: bool, on_progress: Callable[[int], None] | None = None) -> CheckReport:
    """Looks at a dataset as `build` with the same options would, and beyond.

    Raises:
      UsageError: there is no dataset to look at.
      MachineError: the disk failed, or a worker was lost.
    """
    raise NotImplementedError


def judge(config: BuildConfig, layout: Layout, facts: Sequence[PairFacts]) -> CheckReport:
    """Returns the report on a dataset whose pairs were read; `check` without its I/O."""
    raise NotImplementedError
