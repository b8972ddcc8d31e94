"""Config: the options of a build, and their defaults. The command line takes its defaults from here."""

from __future__ import annotations

import math
import os
import re
import shlex
from dataclasses import dataclass, fields, replace
from pathlib import Path

from converter.errors import UsageError
from converter.limits import (
    MAX_BANDS,
    MAX_DATASET_NAME_CHARS,
    MAX_PIXELS,
    MAX_RANGE_CHARS,
    MAX_SIDE,
    MAX_TILE_SCALE,
    MAX_TOLERANCE,
    MIN_TILE_SCALE,
)
from converter.pixels.bands import Samples
from converter.system.cpus import usable_cpus

FITS = ("pad", "stretch", "crop", "tile")
EDGES = ("shift", "pad")
MASK_RESAMPLES = ("nearest", "vote")
IMAGE_FORMATS = ("jpeg:95", "png", "keep")  # jpeg: takes any quality 1..100
DEFAULT_JPEG_QUALITY = 95
ON_ERROR = ("fail", "skip")
ENGINES = ("local", "ray", "beam")
MISSING_MASK = ("error", "background", "ignore")
_FIX_RANGE = "Use LOW:HIGH such as 0:10000, one such pair for each band, or percentile:2:98."


@dataclass(frozen=True)
class SourceConfig:
    """Where a dataset is, and how to read it where that cannot be detected.

    Attributes:
      src: source folder.
      layout: name of the layout; None detects it.
      image: path template of the images, such as images/{split}/{stem}.jpg; overrides `layout`.
      mask: path template of the masks; required with `image`.
      classes: class map: path of a file, or preset:NAME; None looks for one in the source folder.
      follow_links: follows symbolic links out of the source folder.
      max_pixels: maximum number of pixels of a source image or mask.
      lists: (split, path) of each split list, instead of those in the source folder; split "" if the list says it.
      fold: number of the fold that is val, of those that `segconv split --folds` made; None for no folds.
      missing_mask: what an image without a mask is: "error" rejects it; "background" and "ignore" store a mask of that.
      bands: numbers of the bands that are read from each image, from 1: one, or three for red, green and blue; () reads
        the colours that a file says it has.
      range: what becomes 0 and 255 in images of more than 8 bits: "LOW:HIGH", such pairs for each band separated by
        commas, or "percentile:LOW:HIGH"; None refuses such images.
      address: address that the files in `src` were copied from; "" for none.
      levels: (low, high) of each band, or one for all; of a range in percentiles () until they are measured.
    """

    src: Path
    layout: str | None = None
    image: str | None = None
    mask: str | None = None
    classes: str | None = None
    follow_links: bool = False
    max_pixels: int = MAX_PIXELS
    lists: tuple[tuple[str, str], ...] = ()
    fold: int | None = None
    missing_mask: str = "error"
    bands: tuple[int, ...] = ()
    range: str | None = None
    levels: tuple[tuple[float, float], ...] = ()
    address: str = ""

    def __post_init__(self) -> None:
        if self.fold is not None and (self.layout not in (None, "list") or self.image or self.lists):
            option = "--image" if self.image else "--list" if self.lists else "--layout"
            raise UsageError("--fold", f"and {option} contradict each other", f"Leave {option} out.")
        if self.bands and (len(self.bands) not in (1, 3) or not all(1 <= band <= MAX_BANDS for band in self.bands)):
            what = f"{','.join(map(str, self.bands))!r} does not name one or three bands"
            raise UsageError("--bands", what, "Use numbers from 1, such as 3,2,1.")
        if self.range is not None and self.percentiles is None and not self.levels:
            object.__setattr__(self, "levels", parse_levels(self.range))
        if (self.image is None) != (self.mask is None):
            given, absent = ("--image", "--mask") if self.mask is None else ("--mask", "--image")
            fix = "Give both, such as --image 'images/{stem}.jpg' --mask 'masks/{stem}.png'."
            raise UsageError(given, f"is given without {absent}", fix)

    def as_listed(self) -> SourceConfig:
        """Returns the same dataset once train.txt and val.txt name its pairs: no layout, templates or other lists."""
        return replace(self, layout=None, image=None, mask=None, lists=(), fold=None)

    def without_classes(self) -> SourceConfig:
        """Returns the same dataset with no class map named."""
        return replace(self, classes=None)

    @property
    def samples(self) -> Samples:
        """Which samples of an image are read, and how they become 8 bits."""
        return Samples(self.bands, self.levels)

    @property
    def percentiles(self) -> tuple[float, float] | None:
        """The percentiles of the range, 0 <= low < high <= 100; None where it has none."""
        head, _, rest = (self.range or "").partition(":")
        if head != "percentile":
            return None
        ((low, high),) = parse_levels(rest, "percentile:")[:1]
        if not 0 <= low < high <= 100 or "," in rest:
            raise UsageError("--range", f"{self.range!r} has no percentiles within 0..100", _FIX_RANGE)
        return low, high


def source_options(source: SourceConfig, tolerance: int = 0) -> str:
    """Returns the options that name a dataset, ready to paste into a shell: "--src 'my data' --follow-links".

    Every command in a message is made from it, so that it works as printed.

    Args:
      source: where the dataset is; what differs from the defaults becomes an option.
      tolerance: of the build, for commands that have one; 0 for none.
    """
    words = ["--src", source.address or str(source.src)]
    for field in fields(source):
        value = getattr(source, field.name)
        if field.name not in ("src", "max_pixels", "levels", "address") and value != field.default:
            words += _option_words(f"--{field.name.replace('_', '-')}", value)
    return shlex.join([*words, "--tolerance", str(tolerance)] if tolerance else words)


def _option_words(option: str, value: object) -> list[str]:
    """Returns an option as it is typed: a flag alone, numbers with commas, (name, value) as --option name=value."""
    if value is True:
        return [option]
    if not isinstance(value, tuple):
        return [option, str(value)]
    if all(isinstance(item, tuple) for item in value):
        return [word for item in value for word in (option.removesuffix("s"), "=".join(filter(None, item)))]
    return [option, ",".join(map(str, value))]


@dataclass(frozen=True)
class TileConfig:
    """How photographs are cut into tiles, for `--fit tile`. All pixels are those of the photograph after scaling.

    Attributes:
      overlap: rows and columns that a tile shares with the next one.
      edge: what happens at the right and lower edge: "shift" moves the last tile inwards, "pad" fills it, with 0 in the
        image and ignore in the mask. A photograph smaller than a tile is padded in either case.
      scale: factor by which image and mask are resized before they are cut.
      max_ignored: share, 0..1; a tile is dropped if more than that of its mask, padding aside, is ignored.
      gsd: metres a pixel after scaling; the scale of each photograph follows from what its file says. None for `scale`.
    """

    overlap: int = 64
    edge: str = EDGES[0]
    scale: float = 1.0
    max_ignored: float = 0.95
    gsd: float | None = None

    def __post_init__(self) -> None:
        if self.overlap < 0:
            raise UsageError("--overlap", f"{self.overlap} is below 0", "Use a number of pixels such as 64.")
        if self.edge not in EDGES:
            raise UsageError("--edge", f"{self.edge!r} is not one of {', '.join(EDGES)}", "Use one of them.")
        if not MIN_TILE_SCALE <= self.scale <= MAX_TILE_SCALE:
            what = f"{self.scale:g} is not within {MIN_TILE_SCALE:g}..{MAX_TILE_SCALE:g}"
            raise UsageError("--scale", what, "Use a factor such as 0.5.")
        if self.gsd is not None and (self.scale != 1 or not 0 < self.gsd < math.inf):
            what = "and --scale contradict each other" if self.scale != 1 else f"{self.gsd:g} is not above 0"
            raise UsageError("--gsd", what, "Use metres a pixel such as 0.3, and no --scale.")
        if not 0 <= self.max_ignored <= 1:
            raise UsageError("--max-ignored", f"{self.max_ignored:g} is not within 0..1", "Use a share such as 0.95.")


def tile_words(tile: TileConfig | None) -> list[str]:
    """Returns the options of tiles that differ from their defaults, as words of a command."""
    given = {field.name: getattr(tile, field.name) for field in fields(TileConfig) if tile}
    chosen = {name: value for name, value in given.items() if value != getattr(TileConfig, name)}
    return [word for name, value in chosen.items() for word in (f"--{name.replace('_', '-')}", str(value))]


@dataclass(frozen=True)
class PairConfig:
    """How one pair is converted. The record's bytes depend on this and the pair alone.

    Attributes:
      size: (height, width) of the stored image and mask, in pixels; None stores each pair at its own size.
      fit: how to handle a different aspect ratio: "pad" keeps it and pads (0 in the image, ignore in the mask);
        "crop" keeps it and crops the centre; "stretch" does not keep it; "tile" cuts windows of that size out of it.
      mask_resample: "nearest" samples one pixel; "vote" takes the class with the largest area under each target pixel.
      image_format: "jpeg:QUALITY", "png", or "keep": stored unmodified where nothing has to change.
      tolerance: maximum difference per channel at which an unlisted mask colour is mapped to the nearest listed one.
      tile: how tiles are cut; None with every other fit.
    """

    size: tuple[int, int] | None = (512, 512)
    fit: str = "pad"
    mask_resample: str = "nearest"
    image_format: str = "jpeg:95"
    tolerance: int = 0
    tile: TileConfig | None = None

    def __post_init__(self) -> None:
        self._check_tile()
        if self.size is not None:
            if not all(1 <= side <= MAX_SIDE for side in self.size):
                raise UsageError("--size", f"{self.size!r} is not within 1..{MAX_SIDE}", "Use a size such as 360x480.")
            if self.size[0] * self.size[1] > MAX_PIXELS:  # or no reader would open the records
                raise UsageError("--size", f"{self.size!r} has more than {MAX_PIXELS} pixels", "Use a smaller size.")
        if self.fit not in FITS:
            raise UsageError("--fit", f"{self.fit!r} is not one of {', '.join(FITS)}", "Use one of them.")
        if self.mask_resample not in MASK_RESAMPLES:
            what = f"{self.mask_resample!r} is not one of {', '.join(MASK_RESAMPLES)}"
            raise UsageError("--mask-resample", what, "Use one of them.")
        if self.image_format not in IMAGE_FORMATS and not 1 <= self.jpeg_quality <= 100:
            fix = "Use jpeg:95 (any quality from 1 to 100), png or keep."
            raise UsageError("--image-format", f"{self.image_format!r} is not a valid format", fix)
        if not 0 <= self.tolerance <= MAX_TOLERANCE:
            what = f"{self.tolerance} is not within 0..{MAX_TOLERANCE}"
            raise UsageError("--tolerance", what, "Use the number of levels by which a damaged colour may differ.")

    def _check_tile(self) -> None:
        """Completes the options of tiles; raises UsageError where they contradict the others."""
        if self.fit != "tile":
            if self.tile is not None:
                what = f"cuts no tiles, which --overlap, --edge, --scale and --max-ignored are for: it is {self.fit}"
                raise UsageError("--fit", what, "Pass --fit tile, or leave them out.")
            return
        tile = self.tile or TileConfig()
        object.__setattr__(self, "tile", tile)
        if self.size is None:
            raise UsageError("--keep-size", "and --fit tile contradict each other", "Leave --keep-size out.")
        if tile.overlap >= min(self.size):
            what = f"{tile.overlap} is not below the side of a tile, {min(self.size)}"
            raise UsageError("--overlap", what, "Use a smaller one, such as an eighth of it.")

    @property
    def jpeg_quality(self) -> int:
        """JPEG quality, 1..100; the default where the format has none."""
        if self.image_format in ("png", "keep"):
            return DEFAULT_JPEG_QUALITY
        match = re.fullmatch(r"jpeg:(\d{1,3})", self.image_format)
        return int(match[1]) if match else 0


@dataclass(frozen=True)
class BuildConfig:
    """The options of `segconv build`.

    Attributes:
      source: where the dataset is.
      out: folder for the records.
      name: of the dataset, first part of each shard's name; None uses the name of the source folder.
      pair: how each pair is converted.
      shard_mb: target size of one shard, in MB (10**6 bytes).
      shards: number of shards of each split; None derives it from `shard_mb`.
      seed: seed of the random order of the records.
      limit: maximum number of pairs per split, drawn at random; None takes all.
      workers: number of worker processes; 0 is one per usable CPU.
      on_error: what to do with an invalid pair: "fail" reads all pairs, then stops without a result; "skip" leaves
        invalid pairs out and lists them.
      allow_leak: allows an image in two splits.
      overwrite: replaces a finished dataset in `out` that was built with other options.
      max_bad: maximum percentage of pairs to skip with on_error "skip"; None is MAX_BAD_PERCENT, but at least
        MAX_BAD_PAIRS pairs.
      rehash: reads every source file to find changes, instead of trusting size and times.
      croissant: writes croissant.json as well, which describes the records to catalogues of datasets.
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
    croissant: bool = False

    def __post_init__(self) -> None:
        if self.max_bad is not None and not 0 <= self.max_bad <= 100:
            raise UsageError("--max-bad", f"{self.max_bad:g} is not within 0..100", "Use a percentage of the pairs.")
        if self.name:  # that of the folder is not looked up before it is needed: the folder may be gone
            _ = self.dataset_name

    @property
    def dataset_name(self) -> str:
        """Name of the dataset, valid as a file name and for TFDS: letters, digits and underscores.

        Raises:
          UsageError: it is too long.
        """
        name = self.name or Path(os.path.realpath(self.source.src)).name  # resolves links, even one to itself
        valid = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "dataset"
        if len(valid) > MAX_DATASET_NAME_CHARS:
            what = f"has {len(valid)} characters, but the maximum is {MAX_DATASET_NAME_CHARS}"
            raise UsageError("--name", what, "Use a shorter name.")
        return valid

    @property
    def num_workers(self) -> int:
        """Number of worker processes."""
        return num_workers(self.workers)


def num_workers(asked: int) -> int:
    """Returns the number of worker processes: `asked`, or one per usable CPU where that is 0."""
    return asked or usable_cpus()


def pair_text(pair: PairConfig) -> str:
    """Returns how each pair is converted, in words: "512 high x 512 wide, fit pad, mask nearest, image jpeg:95"."""
    size = f"{pair.size[0]} high x {pair.size[1]} wide, fit {pair.fit}" if pair.size else "each pair at its own size"
    if pair.tile:
        scale = f"scale {pair.tile.scale:g}" if pair.tile.gsd is None else f"{pair.tile.gsd:g} m a pixel"
        size += f" (overlap {pair.tile.overlap}, edge {pair.tile.edge}, {scale})"
    words = [size, f"mask {pair.mask_resample}", f"image {pair.image_format}"]
    return ", ".join([*words, f"tolerance {pair.tolerance}"] if pair.tolerance else words)


def samples_text(source: SourceConfig) -> str:
    """Returns which samples of the images are read, in words: "bands 3,2,1, range 0:3000"; "" for those as stored."""
    words = [f"bands {','.join(map(str, source.bands))}"] if source.bands else []
    words += [f"range {source.range}"] if source.range is not None else []
    return ", ".join(words)


def parse_bands(text: str) -> tuple[int, ...]:
    """Returns the numbers of "3,2,1".

    Raises:
      UsageError: it is anything else.
    """
    if not re.fullmatch(r"\d{1,5}(,\d{1,5})*", text, re.ASCII):
        raise UsageError("--bands", f"{text!r} is not a list of bands", "Use numbers from 1, such as 3,2,1.")
    return tuple(map(int, text.split(",")))


def parse_levels(text: str, head: str = "") -> tuple[tuple[float, float], ...]:
    """Returns the pairs (low, high) of "LOW:HIGH" or "LOW:HIGH,LOW:HIGH,LOW:HIGH"; `head` stands before it.

    Raises:
      UsageError: it is anything else, or a low level is not below its high one.
    """
    found = []
    for pair in text[: MAX_RANGE_CHARS + 1].split(","):
        try:
            low, high = map(float, pair.split(":"))
        except ValueError:
            low = high = math.nan
        if not (low < high and math.isfinite(high - low)) or len(text) > MAX_RANGE_CHARS:
            raise UsageError("--range", f"{head + text[:MAX_RANGE_CHARS]!r} is not a valid range", _FIX_RANGE)
        found.append((low, high))
    if len(found) not in (1, 3):
        raise UsageError("--range", f"{head + text!r} has {len(found)} ranges, not one or three", _FIX_RANGE)
    return tuple(found)


def levels_text(levels: tuple[tuple[float, float], ...]) -> str:
    """Returns levels as `parse_levels` takes them, exactly: "0:10000,12.5:300,0:1"."""
    return ",".join(":".join(str(int(x)) if x.is_integer() else repr(x) for x in map(float, pair)) for pair in levels)


def parse_size(text: str, option: str = "--size") -> tuple[int, int]:
    """Returns (height, width) from "512" or "HEIGHTxWIDTH".

    Raises:
      UsageError: it is anything else.
    """
    match = re.fullmatch(r"(\d{1,5})(?:[xX](\d{1,5}))?", text.strip())
    if match is None:
        fix = "Use one number for a square, or HEIGHTxWIDTH such as 360x480 (360 high, 480 wide)."
        raise UsageError(option, f"{text!r} is not a valid size", fix)
    return int(match[1]), int(match[2] or match[1])
