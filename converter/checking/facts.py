"""Facts: everything known about a dataset, from which its problems follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from converter.checking.strays import DAMAGE_LEVELS, ValueTotal, stray_values, total_values
from converter.checking.survey import PairFacts
from converter.classes.class_map import greys_of
from converter.classes.find import FoundClasses
from converter.classes.mapper import MaskMapper
from converter.config import BuildConfig
from converter.errors import UsageError
from converter.pixels.colors import Color, luminance
from converter.pixels.masks import MaskValue
from converter.sources.layouts.find import Layout


@dataclass
class DatasetFacts:
    """Everything known about a dataset; the class of each value is looked up once.

    Attributes:
      config: of the build.
      layout: the pairs, the invalid lines, and the files in no pair.
      facts: of the pairs that were read.
      found: the class map; None where there is none.
      class_error: why there is none.
    """

    config: BuildConfig
    layout: Layout
    facts: Sequence[PairFacts]
    found: FoundClasses | None = None
    class_error: UsageError | None = None
    _indices: dict[MaskValue, int | str | None] = field(default_factory=dict)

    @cached_property
    def mapper(self) -> MaskMapper | None:
        """Maps values to classes; None without a class map."""
        return MaskMapper(self.found.classes, self.config.pair.tolerance) if self.found else None

    @cached_property
    def totals(self) -> dict[MaskValue, ValueTotal]:
        """How often each value occurs in all masks that were read."""
        return total_values(self.facts)

    @cached_property
    def strays(self) -> dict[MaskValue, MaskValue]:
        """Value -> the frequent value that it looks like a damaged form of."""
        return stray_values(self.totals)

    @cached_property
    def pixels(self) -> dict[str, Counter[int]]:
        """Pixels of each class index, and of IGNORE_INDEX, in each split."""
        pixels: dict[str, Counter[int]] = {split: Counter() for split in self.layout.refs}
        for facts in self.facts:
            for value, count in facts.values:
                index = self.index_of(value)
                if isinstance(index, int):
                    pixels[facts.ref.split][index] += count
        return pixels

    def index_of(self, value: MaskValue) -> int | str | None:
        """Returns the class index or IGNORE_INDEX; None for an unlisted value, an error text for an ambiguous one."""
        if value not in self._indices:
            try:
                self._indices[value] = self.mapper.index_of(value) if self.mapper else None
            except ValueError as error:
                self._indices[value] = str(error)
        return self._indices[value]

    def listed_index_of(self, value: MaskValue) -> int | None:
        """Returns the class index of a value that the class map lists itself, without --tolerance."""
        if self.found is None:
            return None
        rgb, grey = self.found.classes.rgb, self.found.classes.grey
        return rgb.get(value.color, grey.get(value.color[0]) if len(set(value.color)) == 1 else None)

    @cached_property
    def unlisted_strays(self) -> dict[MaskValue, int]:
        """Unlisted value that looks damaged -> levels to the nearest listed colour, at least 1."""
        distances = {}
        for value in self.strays:
            if self.index_of(value) is None:
                nearest = self.nearest(value)
                distances[value] = max(1, levels_between(nearest[0], value.color)) if nearest else 256
        return distances

    def nearest(self, value: MaskValue) -> tuple[Color, int] | None:
        """Returns (colour, class index) of the nearest listed colour, by the channel that differs most."""
        if self.found is None:
            return None
        classes = self.found.classes
        greys = [((level,) * 3, index) for level, index in classes.grey.items() if level < 256]
        return min([*classes.rgb.items(), *greys], key=lambda item: levels_between(item[0], value.color), default=None)

    @cached_property
    def tolerance(self) -> int:
        """The --tolerance to propose: the smallest that covers all damaged values; blended ones are excluded."""
        damaged = (distance for distance in self.unlisted_strays.values() if distance <= DAMAGE_LEVELS)
        return max(damaged, default=0)

    @cached_property
    def blend_fix(self) -> str:
        """The fix where some values are too far from every class to be taken for it."""
        tolerance = max(self.tolerance, self.config.pair.tolerance)
        ignoring = f"pass --tolerance {tolerance} and add" if tolerance else "add"
        return f"Export the masks as PNG without anti-aliasing; or {ignoring} the row `ignore,*` to ignore such edges."

    @cached_property
    def greyed(self) -> str:
        """What is wrong where the masks are the class map converted to grey, or the reverse; "" otherwise."""
        return _greyed(self)


def is_binary(dataset: DatasetFacts) -> bool:
    """Returns whether the masks hold the grey levels 0 and 255, and no others."""
    values = {value for facts in dataset.facts for value, _ in facts.values}
    return {value.color for value in values} == {(0, 0, 0), (255, 255, 255)} and all(
        value.depth == 8 and value.mode in ("L", "RGB") for value in values
    )


def levels_between(a: Color, b: Color) -> int:
    """Returns by how much two colours differ, in the channel that differs most."""
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def _greyed(dataset: DatasetFacts) -> str:
    """Returns what is wrong where the masks are the class map converted to grey, or the reverse; "" otherwise.

    That is where at least two values are unlisted, edges aside, and each is the luminance of a listed colour or has a
    listed luminance.
    """
    if dataset.found is None:
        return ""
    unlisted = {value for facts in dataset.facts for value, _ in facts.values if dataset.index_of(value) is None}
    unlisted -= dataset.strays.keys()
    classes = dataset.found.classes
    greys = greys_of(classes)
    if len(unlisted) > 1 and all(value.mode == "L" and value.number in greys for value in unlisted):
        one = min(unlisted)
        return (
            f"lists colours, but the masks hold their grey levels: {one} is {greys[one.number]} converted to grey. "
            "Two colours may have the same grey level, so none is guessed"
        )
    if len(unlisted) > 1 and all(value.mode == "RGB" and luminance(value.color) in classes.grey for value in unlisted):
        one = min(unlisted)
        return f"lists grey levels, but the masks hold colours: {one} converted to grey is {luminance(one.color)}"
    return ""
