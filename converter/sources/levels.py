"""Levels: a range in percentiles -> the numbers in the images of the train split, in one pass over them.

The counts of all images are added up, so the order and the number of workers do not matter. Integers of up to 16 bits
are counted exactly; of others the upper 20 bits as float32 are, so that a level is right to one part in 2048.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from converter.config import SourceConfig, levels_text
from converter.engines.events import Engine
from converter.engines.local import local
from converter.engines.supervise import supervise
from converter.errors import DataError, MachineError, UsageError
from converter.pixels.opening import deep_samples
from converter.sources.layouts.find import find_layout
from converter.sources.refs import ExampleRef
from converter.system.console import Progress, log
from converter.system.files import read_inside

TASK_IMAGES = 32
_DROPPED_BITS = 12  # of a float32
Counts = Counter[float]  # number of pixels by level


@dataclass(frozen=True)
class LevelsTask:
    """Some images whose levels are counted.

    Attributes:
      images: paths relative to the source folder.
      source: where they are, and which bands are read.
      crashed: numbers of images at which the process that read them ended; they are left out.
    """

    images: tuple[str, ...]
    source: SourceConfig
    crashed: tuple[int, ...] = ()


@dataclass
class LevelCounts:
    """How often each level occurs.

    Attributes:
      bands: number of pixels by level, of each band.
      images: number of images that were counted: those of more than 8 bits.
      error: of the first image that could not be read; the build refuses it.
    """

    bands: list[Counts]
    images: int = 0
    error: DataError | None = None

    def add(self, bands: Sequence[Counts], images: int, text: str) -> None:
        """Adds the counts of further images.

        Args:
          bands: pixels by level, of each band.
          images: their number.
          text: of the range, for messages.

        Raises:
          UsageError: they have another number of bands.
        """
        if self.bands and bands and len(self.bands) != len(bands):
            what = f"{text!r} is measured band by band, but some images have one band and others three"
            raise UsageError("--range", what, "Pass --bands with one band, or --range LOW:HIGH.")
        self.bands = self.bands or [Counter() for _ in bands]
        for own, more in zip(self.bands, bands, strict=False):
            own.update(more)
        self.images += images


def with_levels(source: SourceConfig, workers: int, engine: Engine = local) -> SourceConfig:
    """Returns the source with the levels of its range; the same where the range is not in percentiles.

    Args:
      source: where the dataset is.
      workers: number of processes.
      engine: runs the tasks.

    Raises:
      UsageError: the source cannot be used, or no image has more than 8 bits.
      MachineError: the disk failed, or workers were lost.
    """
    percentiles, text = source.percentiles, source.range or ""
    if percentiles is None or source.levels:
        return source
    refs = find_layout(source).refs
    split = "train" if "train" in refs else next(iter(refs))
    counts = _counted(refs[split], source, workers, engine)
    if not counts.bands:
        if (error := counts.error) is not None:
            raise UsageError(error.where, error.what, error.fix, error.code)
        what = f"{text!r} has nothing to measure: no image of the split {split} has more than 8 bits"
        raise UsageError("--range", what, "Leave --range out.")
    levels = tuple((level_at(band, percentiles[0]), level_at(band, percentiles[1])) for band in counts.bands)
    found = levels_text(levels)
    if not all(low < high for low, high in levels):
        fix = "Use percentiles that are farther apart, or --range LOW:HIGH."
        raise UsageError("--range", f"{text!r} gives {found}, which is no range", fix)
    log.info("range %s: %s, from %d images of the split %s", text, found, counts.images, split)
    return dataclasses.replace(source, levels=levels)


def _counted(refs: Sequence[ExampleRef], source: SourceConfig, workers: int, engine: Engine) -> LevelCounts:
    """Returns how often each level occurs in the images of some pairs."""
    images = list(dict.fromkeys(ref.image for ref in refs))
    parts = [tuple(images[start : start + TASK_IMAGES]) for start in range(0, len(images), TASK_IMAGES)]
    with Progress(len(images), "image") as progress:
        tasks = [LevelsTask(part, source) for part in parts]
        results = supervise(engine, count_levels, tasks, workers, progress.show, _without)
    total = LevelCounts([])
    for counts in results:
        total.add(counts.bands, counts.images, source.range or "")
        total.error = total.error or counts.error
    return total


def _without(task: LevelsTask, number: int, how: str) -> LevelsTask:
    """Returns a task that leaves out an image at which its worker ended; the build refuses it, and says how."""
    del how
    return dataclasses.replace(task, crashed=(*task.crashed, number))


def count_levels(task: LevelsTask, tick: Callable[[], None]) -> LevelCounts:
    """Returns how often each level occurs in the images of a task.

    Args:
      task: which images.
      tick: called after each image.

    Raises:
      UsageError: some images have one band, and others three.
      MachineError: the disk failed, or memory ran out.
    """
    total = LevelCounts([])
    source = task.source
    for number, name in enumerate(task.images):
        if number not in task.crashed:
            try:
                data = read_inside(source.src, name, follow_links=source.follow_links)
                array = deep_samples(data, name, source.max_pixels, source.bands)
                if array is not None:
                    total.add([levels_in(array[..., band]) for band in range(array.shape[2])], 1, source.range or "")
            except DataError as error:
                total.error = total.error or error
            except MemoryError:
                raise MachineError(name, "did not fit into memory", "Run again with fewer workers (-j).") from None
        tick()
    return total


def levels_in(band: np.ndarray) -> Counts:
    """Returns the number of pixels of each level of a band [H, W]; what is not a finite number does not count."""
    if band.dtype.kind in "iu" and band.dtype.itemsize <= 2:
        lowest = int(np.iinfo(band.dtype).min)
        every = np.bincount(band.ravel().astype(np.int64) - lowest)
        found = np.flatnonzero(every)
        return Counter(dict(zip((found + lowest).astype(float).tolist(), every[found].tolist(), strict=True)))
    with np.errstate(over="ignore", invalid="ignore"):
        numbers = band.ravel().astype(np.float32)
    bits = numbers[np.isfinite(numbers)].view(np.uint32)
    found, counts = np.unique(bits >> _DROPPED_BITS, return_counts=True)
    levels = (found << _DROPPED_BITS).astype(np.uint32).view(np.float32)
    merged: Counts = Counter()
    for level, count in zip(levels.astype(float).tolist(), counts.tolist(), strict=True):
        merged[level] += count  # 0 and -0 are the same level
    return merged


def level_at(counts: Counts, percent: float) -> float:
    """Returns the lowest level that at least `percent` of the pixels do not exceed."""
    levels = sorted(counts)
    sums = np.cumsum([counts[level] for level in levels])
    return levels[min(int(np.searchsorted(sums, sums[-1] * percent / 100)), len(levels) - 1)]
