"""Tally: counts over records, taken while they are built."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from converter.dataset.manifest import ChannelInfo
from converter.limits import MAX_LISTED_SIZES


@dataclass
class Tally:
    """Counts over the records of one pair, a shard or a split. Integers only, so the order of adding does not matter.

    Attributes:
      pixels: stored pixels per class index.
      images: records in which the class occurs, per class index.
      ignored_pixels: stored pixels that hold IGNORE_INDEX, padding included.
      padded_pixels: those of them that are padding.
      picture_pixels: stored pixels that are not padding.
      level_sums: sum over those pixels of the levels of red, green, blue, before JPEG compression.
      level_squares: sum of their squares.
      sizes: images by their upright (height, width), before resizing.
      turned: images that were rotated upright by EXIF orientation.
      unturned: images that EXIF would rotate, but whose masks match them unrotated.
      corrected_pixels: pixels of source masks that were mapped to the nearest listed colour.
      kept: images that are stored unmodified.
    """

    pixels: list[int]
    images: list[int]
    ignored_pixels: int = 0
    padded_pixels: int = 0
    picture_pixels: int = 0
    level_sums: list[int] = field(default_factory=lambda: [0, 0, 0])
    level_squares: list[int] = field(default_factory=lambda: [0, 0, 0])
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    turned: int = 0
    unturned: int = 0
    corrected_pixels: int = 0
    kept: int = 0

    @classmethod
    def of_nothing(cls, num_classes: int) -> Tally:
        """Returns the tally of no record."""
        return cls([0] * num_classes, [0] * num_classes)

    def add(self, other: Tally) -> None:
        """Adds the counts of another tally."""
        for name, count in vars(other).items():
            own = getattr(self, name)
            if isinstance(count, Counter):
                own.update(count)
            elif isinstance(count, list):
                own[:] = map(int.__add__, own, count)
            else:
                setattr(self, name, own + count)

    def channels(self) -> ChannelInfo | None:
        """Returns mean and standard deviation of each channel; None without a pixel."""
        count = self.picture_pixels
        if not count:
            return None
        # Python divides integers of any length with a single rounding, so no digit is lost.
        red, green, blue = (total / count for total in self.level_sums)
        pairs = zip(self.level_sums, self.level_squares, strict=True)
        of_red, of_green, of_blue = (math.sqrt((count * square - total**2) / count**2) for total, square in pairs)
        return ChannelInfo((red, green, blue), (of_red, of_green, of_blue))

    def common_sizes(self) -> tuple[tuple[tuple[int, int, int], ...], int]:
        """Returns ((height, width, images) of the most frequent sizes, number of all other images)."""
        ordered = sorted(self.sizes.items(), key=lambda item: (-item[1], item[0]))
        listed = tuple((height, width, count) for (height, width), count in ordered[:MAX_LISTED_SIZES])
        return listed, sum(count for _, count in ordered[MAX_LISTED_SIZES:])
