"""Caching: which part of the input is kept in memory, and whether it fits."""

from __future__ import annotations

from converter.errors import UsageError
from converter.system.console import Progress, log
from trainer.backend import tf, untuned
from trainer.input.memory import free_memory

CACHE_SHARE = 0.5  # of the free memory: the other half is for the model, its checkpoints and the rest of the machine
BYTES_PER_PIXEL = 4  # red, green, blue and class index


def is_cached(cache: str, split: str, count: int, size: tuple[int, int]) -> bool:
    """Returns whether to keep the decoded records of a split in memory, and logs why.

    Args:
      cache: one of CACHE_NAMES.
      split: name of the split.
      count: number of records.
      size: (height, width) of each, in pixels.

    Raises:
      UsageError: `cache` is "on", but there is not enough memory.
    """
    if cache == "off":
        return False
    needed, free = count * size[0] * size[1] * BYTES_PER_PIXEL, free_memory()
    sizes = f"{_size(needed)} of {_size(free)} free"
    if needed > free * (1 if cache == "on" else CACHE_SHARE):
        if cache == "on":
            what = f"on: the decoded records of split {split!r} need {_size(needed)}, and {_size(free)} are free"
            raise UsageError("--cache", what, "Pass --cache auto.", "E_MEMORY")
        log.info("Decoded records of split %r would take %s: they are decoded in every epoch.", split, sizes)
        return False
    log.info("Decoded records of split %r fit in memory: %s; they are read once.", split, sizes)
    return True


def keep(elements: tf.data.Dataset, count: int) -> tf.data.Dataset:
    """Returns the same `count` elements, read now and kept in memory as long as the dataset exists."""
    kept = elements.cache()
    with Progress(count, "record") as progress:
        for number, _ in enumerate(untuned(kept.map(lambda _: 0)), start=1):  # no element is copied to Python
            progress.show(number)
    return kept


def _size(num_bytes: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if num_bytes >= factor:
            return f"{num_bytes / factor:.{factor == 10**9:d}f} {unit}"
    return f"{num_bytes / 1000:.0f} kB"
