"""Config: what a build is to do. The command line takes its defaults from here, and nothing else decides one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from converter.errors import UsageError

FITS = ("pad", "stretch")
ON_ERROR = ("fail", "skip")

MAX_SIDE = 16384  # of the stored size; a typing slip such as 51200 should not ask for gigabytes
MAX_NAME_CHARS = 150  # of a dataset: with split, shard numbers and our prefix a file name must stay below 255
MAX_FILE_BYTES = 256 * 2**20  # of one source file, before a byte of it is read
MAX_PIXELS = 50_000_000  # of one source picture, from its header, before it is decoded


@dataclass(frozen=True)
class PairConfig:
    """What is done to one pair; this and the pair decide the bytes of a record.

    Attributes:
      size: (height, width) of the stored image and mask, in pixels.
      fit: "pad" keeps the aspect ratio and fills up (0 in the image, ignore in the mask); "stretch" does not.
      jpeg_quality: 1..100.
      max_pixels: a source picture with more is refused.
      follow_links: reads files that symbolic links put outside the source folder.
    """

    size: tuple[int, int] = (512, 512)
    fit: str = "pad"
    jpeg_quality: int = 95
    max_pixels: int = MAX_PIXELS
    follow_links: bool = False

    def __post_init__(self) -> None:
        if not all(1 <= side <= MAX_SIDE for side in self.size):
            raise UsageError("--size", f"{self.size!r} is not within 1..{MAX_SIDE}", "Name a size such as 360x480.")
        if self.size[0] * self.size[1] > MAX_PIXELS:  # or no reader would open what was built
            raise UsageError("--size", f"{self.size!r} has more than {MAX_PIXELS} pixels", "Name a smaller size.")
        if self.fit not in FITS:
            raise UsageError("--fit", f"{self.fit!r} is none of {', '.join(FITS)}", "Name one of them.")
        if not 1 <= self.jpeg_quality <= 100:
            raise UsageError("--jpeg-quality", f"{self.jpeg_quality} is not within 1..100", "95 is the default.")


@dataclass(frozen=True)
class BuildConfig:
    """What `segconv build` is to do.

    Attributes:
      src: folder with the split lists, photographs and masks.
      out: folder for the records.
      name: of the dataset, first part of each shard's name; None takes the name of `src`.
      classes: class map; None takes classes.csv in `src`.
      pair: what is done to each pair.
      shard_mb: target size of one shard, in MB (10**6 bytes).
      shards: number of shards of each split; None derives it from `shard_mb`.
      seed: decides the order of the records.
      limit: at most so many pairs of each split, by chance; None takes all.
      workers: processes; 0 is one for each processor that this process may use.
      on_error: "fail" looks at all pairs and stops without a result; "skip" leaves bad pairs out and lists them.
      allow_leak: lets a photograph stand in two splits.
      overwrite: replaces a finished dataset in `out`.
    """

    src: Path
    out: Path = Path("records")
    name: str | None = None
    classes: Path | None = None
    pair: PairConfig = PairConfig()
    shard_mb: int = 128  # TensorFlow's TFRecord tutorial: at least 10 MB, ideally 100 and more, so that read-ahead pays
    shards: int | None = None
    seed: int = 0
    limit: int | None = None
    workers: int = 0
    on_error: str = "fail"
    allow_leak: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if len(self.dataset_name) > MAX_NAME_CHARS:
            what = f"has {len(self.dataset_name)} characters, at most {MAX_NAME_CHARS} fit the name of a shard"
            raise UsageError("--name", what, "Name a shorter one.")

    @property
    def dataset_name(self) -> str:
        """Name of the dataset, fit for a file name and for TFDS: letters, digits and underscores."""
        return re.sub(r"\W+", "_", self.name or self.src.resolve().name, flags=re.ASCII).strip("_") or "dataset"

    @property
    def num_workers(self) -> int:
        """Number of worker processes."""
        return self.workers or len(os.sched_getaffinity(0))


def parse_size(text: str) -> tuple[int, int]:
    """Returns (height, width) from "512" or "HEIGHTxWIDTH".

    Raises:
      UsageError: anything else.
    """
    match = re.fullmatch(r"(\d{1,5})(?:[xX](\d{1,5}))?", text.strip())
    if match is None:
        mend = "Write one number for a square, or HEIGHTxWIDTH such as 360x480 (360 high, 480 wide)."
        raise UsageError("--size", f"{text!r} is no size", mend)
    return int(match[1]), int(match[2] or match[1])
