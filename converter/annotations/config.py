"""Config: what `segconv masks` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from converter.config import num_workers
from converter.errors import UsageError


@dataclass(frozen=True)
class MasksConfig:
    """What `segconv masks` is asked to do.

    Attributes:
      src: folder of the annotations and their photographs.
      out: folder of the dataset.
      format: of the annotations; None detects it.
      files: pattern of the names of the files of annotations; None takes all of the format.
      order: in which objects are drawn, later over earlier: "file", "area" or "class".
      val: fraction of the images in val.txt, where the annotations do not say their splits.
      line_width: of lines, in pixels.
      follow_links: follows symbolic links out of `src`.
      workers: number of worker processes; 0 is one per usable CPU.
      overwrite: replaces a dataset in `out` that `segconv masks` drew otherwise.
    """

    src: Path
    out: Path = Path("dataset")
    format: str | None = None
    files: str | None = None
    order: str = "file"
    val: float = 0.2
    line_width: int = 10
    follow_links: bool = False
    workers: int = 0
    overwrite: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.val < 1:
            raise UsageError("--val", f"{self.val:g} is not within 0..1", "Use a fraction such as 0.2.")

    @property
    def num_workers(self) -> int:
        """Number of worker processes."""
        return num_workers(self.workers)
