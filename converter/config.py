"""Config: what a build is to do. The command line takes its defaults from here, and nothing else decides one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from converter.errors import UsageError
from converter.limits import MAX_DATASET_NAME_CHARS, MAX_PIXELS, MAX_SIDE, MAX_TOLERANCE
from converter.system.cpus import usable_cpus

FITS = ("pad", "stretch", "crop")
MASK_RESAMPLES = ("nearest", "vote")
IMAGE_FORMATS = ("jpeg:95", "png", "keep")  # any quality 1..100 stands behind jpeg:
DEFAULT_JPEG_QUALITY = 95
ON_ERROR = ("fail", "skip")


@dataclass(frozen=True)
class SourceConfig:
    """Where a dataset is, and how it is to be read where that cannot be told from what is there.

    Attributes:
      src: source folder.
      layout: name of the layout; None finds it.
      image: template of the photographs' paths, such as images/{split}/{stem}.jpg; stands above `layout`.
      mask: template of the masks' paths; goes with `image`.
      classes: class map: path of a file, or preset:NAME; None looks for one in the source.
      follow_links: reads files that symbolic links put outside the source folder.
      max_pixels: a source picture with more is refused.
    """

    src: Path
    layout: str | None = None
    image: str | None = None
    mask: str | None = None
    classes: str | None = None
    follow_links: bool = False
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        if (self.image is None) != (self.mask is None):
            given, absent = ("--image", "--mask") if self.mask is None else ("--mask", "--image")
            fix = "Give both, such as --image 'images/{stem}.jpg' --mask 'masks/{stem}.png'."
            raise UsageError(given, f"is given without {absent}", fix)


@dataclass(frozen=True)
class PairConfig:
    """What is done to one pair; this and the pair decide the bytes of a record.

    Attributes:
      size: (height, width) of the stored image and mask, in pixels; None stores each pair at its own size.
      fit: "pad" keeps the aspect ratio and fills up (0 in the image, ignore in the mask); "crop" keeps it and cuts
        off what stands over, on both sides alike; "stretch" does not keep it.
      mask_resample: "nearest" samples one pixel; "vote" takes the class with the most area under each target pixel.
      image_format: "jpeg:QUALITY", "png", or "keep": the photograph's own bytes where they need no change.
      tolerance: a mask colour that is not listed is taken for the nearest listed one if no channel differs by more.
    """

    size: tuple[int, int] | None = (512, 512)
    fit: str = "pad"
    mask_resample: str = "nearest"
    image_format: str = "jpeg:95"
    tolerance: int = 0

    def __post_init__(self) -> None:
        if self.size is not None:
            if not all(1 <= side <= MAX_SIDE for side in self.size):
                raise UsageError("--size", f"{self.size!r} is not within 1..{MAX_SIDE}", "Name a size such as 360x480.")
            if self.size[0] * self.size[1] > MAX_PIXELS:  # or no reader would open what was built
                raise UsageError("--size", f"{self.size!r} has more than {MAX_PIXELS} pixels", "Name a smaller size.")
        if self.fit not in FITS:
            raise UsageError("--fit", f"{self.fit!r} is none of {', '.join(FITS)}", "Name one of them.")
        if self.mask_resample not in MASK_RESAMPLES:
            what = f"{self.mask_resample!r} is none of {', '.join(MASK_RESAMPLES)}"
            raise UsageError("--mask-resample", what, "Name one of them.")
        if self.image_format not in IMAGE_FORMATS and not 1 <= self.jpeg_quality <= 100:
            fix = "Write jpeg:95 (any quality from 1 to 100), png or keep."
            raise UsageError("--image-format", f"{self.image_format!r} is no format", fix)
        if not 0 <= self.tolerance <= MAX_TOLERANCE:
            what = f"{self.tolerance} is not within 0..{MAX_TOLERANCE}"
            raise UsageError("--tolerance", what, "Name the number of levels by which a damaged colour may differ.")

    @property
    def jpeg_quality(self) -> int:
        """Quality of a JPEG that has to be written, 1..100; that of the default where the format names none."""
        if self.image_format in ("png", "keep"):
            return DEFAULT_JPEG_QUALITY
        match = re.fullmatch(r"jpeg:(\d{1,3})", self.image_format)
        return int(match[1]) if match else 0


@dataclass(frozen=True)
class BuildConfig:
    """What `segconv build` is to do.

    Attributes:
      source: where the dataset is.
      out: folder for the records.
      name: of the dataset, first part of each shard's name; None takes the name of the source folder.
      pair: what is done to each pair.
      shard_mb: target size of one shard, in MB (10**6 bytes).
      shards: number of shards of each split; None derives it from `shard_mb`.
      seed: decides the order of the records.
      limit: at most so many pairs of each split, by chance; None takes all.
      workers: processes; 0 is one for each processor that this process may use.
      on_error: "fail" looks at all pairs and stops without a result; "skip" leaves bad pairs out and lists them.
      allow_leak: lets a photograph stand in two splits.
      overwrite: replaces a finished dataset in `out` that was built otherwise.
      max_bad: with on_error "skip" at most so many percent of the pairs are left out; None is MAX_BAD_PERCENT, but
        MAX_BAD_PAIRS at least.
      rehash: reads every source file to see whether it has changed, whatever the file system says.
    """

    source: SourceConfig
    out: Path = Path("records")
    name: str | None = None
    pair: PairConfig = PairConfig()
    shard_mb: int = 128  # TensorFlow's TFRecord tutorial: at least 10 MB, ideally 100 and more, so that read-ahead pays
    shards: int | None = None
    seed: int = 0
    limit: int | None = None
    workers: int = 0
    on_error: str = "fail"
    allow_leak: bool = False
    overwrite: bool = False
    max_bad: float | None = None
    rehash: bool = False

    def __post_init__(self) -> None:
        if self.max_bad is not None and not 0 <= self.max_bad <= 100:
            raise UsageError("--max-bad", f"{self.max_bad:g} is not within 0..100", "Name a percentage of the pairs.")
        if len(self.dataset_name) > MAX_DATASET_NAME_CHARS:
            what = f"has {len(self.dataset_name)} characters, at most {MAX_DATASET_NAME_CHARS} fit the name of a shard"
            raise UsageError("--name", what, "Name a shorter one.")

    @property
    def dataset_name(self) -> str:
        """Name of the dataset, fit for a file name and for TFDS: letters, digits and underscores."""
        name = self.name or Path(os.path.realpath(self.source.src)).name  # of a link, and of one to itself
        return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "dataset"

    @property
    def num_workers(self) -> int:
        """Number of worker processes."""
        return num_workers(self.workers)


def num_workers(asked: int) -> int:
    """Returns the number of worker processes: `asked`, or where that is 0 one a processor that we may use."""
    return asked or usable_cpus()


def pair_text(pair: PairConfig) -> str:
    """Returns what is done to each pair in words: "512 high x 512 wide, fit pad, mask nearest, image jpeg:95"."""
    size = f"{pair.size[0]} high x {pair.size[1]} wide, fit {pair.fit}" if pair.size else "each pair at its own size"
    words = [size, f"mask {pair.mask_resample}", f"image {pair.image_format}"]
    return ", ".join([*words, f"tolerance {pair.tolerance}"] if pair.tolerance else words)


def parse_size(text: str) -> tuple[int, int]:
    """Returns (height, width) from "512" or "HEIGHTxWIDTH".

    Raises:
      UsageError: anything else.
    """
    match = re.fullmatch(r"(\d{1,5})(?:[xX](\d{1,5}))?", text.strip())
    if match is None:
        fix = "Write one number for a square, or HEIGHTxWIDTH such as 360x480 (360 high, 480 wide)."
        raise UsageError("--size", f"{text!r} is no size", fix)
    return int(match[1]), int(match[2] or match[1])
