"""Tally: what is counted over records while they are made."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

from converter.dataset.manifest import ChannelInfo
from converter.limits import MAX_LISTED_SIZES


@dataclass
class Tally:
    """What is counted over records: of one pair, of a shard, of a split. Whole numbers only, so that no order shows.

    Attributes:
      pixels: stored pixels per class index.
      images: records in which the class occurs, per class index.
      ignored_pixels: stored pixels that hold IGNORE_INDEX, padding included.
      padded_pixels: those of them that are padding.
      picture_pixels: stored pixels that are not padding.
      level_sums: sum over the picture pixels of the levels of red, green, blue, before JPEG changes them.
      level_squares: sum of their squares.
      sizes: photographs by the (height, width) that they have upright, before resizing.
      turned: photographs that were turned upright.
      unturned: photographs that EXIF would turn, but whose masks lie on them as they are.
      corrected_pixels: pixels of source masks that were taken for the nearest listed colour.
      kept: photographs that are stored with their own bytes.
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
        """Takes the records of another tally in."""
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
        # Python divides whole numbers of any length with one rounding at the end: no digit is lost on the way there.
        red, green, blue = (total / count for total in self.level_sums)
        pairs = zip(self.level_sums, self.level_squares, strict=True)
        of_red, of_green, of_blue = (math.sqrt((count * square - total**2) / count**2) for total, square in pairs)
        return ChannelInfo((red, green, blue), (of_red, of_green, of_blue))

    def common_sizes(self) -> tuple[tuple[tuple[int, int, int], ...], int]:
        """Returns ((height, width, photographs) of the most frequent sizes, photographs of all others)."""
        ordered = sorted(self.sizes.items(), key=lambda item: (-item[1], item[0]))
        listed = tuple((height, width, count) for (height, width), count in ordered[:MAX_LISTED_SIZES])
        return listed, sum(count for _, count in ordered[MAX_LISTED_SIZES:])
