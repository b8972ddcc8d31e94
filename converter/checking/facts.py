"""Facts: all that is known of a dataset, from which its problems follow."""

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
    """All that is known of a dataset; the looked-up classes of its values are worked out once.

    Attributes:
      config: what a build would do.
      layout: the pairs, the lines that are none, the files that stand in none.
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
        """What gives a value its class."""
        return MaskMapper(self.found.classes, self.config.pair.tolerance) if self.found else None

    @cached_property
    def totals(self) -> dict[MaskValue, ValueTotal]:
        """How often each value occurs in all masks that were read."""
        return total_values(self.facts)

    @cached_property
    def strays(self) -> dict[MaskValue, MaskValue]:
        """The values that look like a damaged form of a frequent one, with that one."""
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
        """Returns class index or IGNORE_INDEX; None where the value is not listed, a text where it is ambiguous."""
        if value not in self._indices:
            try:
                self._indices[value] = self.mapper.index_of(value) if self.mapper else None
            except ValueError as error:
                self._indices[value] = str(error)
        return self._indices[value]

    def listed_index_of(self, value: MaskValue) -> int | None:
        """Returns the class index of a stray value or its frequent one where the class map itself lists it."""
        if self.found is None:
            return None
        rgb, grey = self.found.classes.rgb, self.found.classes.grey
        return rgb.get(value.color, grey.get(value.color[0]) if len(set(value.color)) == 1 else None)

    @cached_property
    def unlisted_strays(self) -> dict[MaskValue, int]:
        """The values that look damaged and are not listed -> levels to the nearest listed colour, at least 1."""
        distances = {}
        for value in self.strays:
            if self.index_of(value) is None:
                nearest = self.nearest(value)
                distances[value] = max(1, levels_between(nearest[0], value.color)) if nearest else 256
        return distances

    def nearest(self, value: MaskValue) -> tuple[Color, int] | None:
        """Returns (colour, class index) of the listed colour that differs least from a value, in its worst channel."""
        if self.found is None:
            return None
        classes = self.found.classes
        greys = [((level,) * 3, index) for level, index in classes.grey.items() if level < 256]
        return min([*classes.rgb.items(), *greys], key=lambda item: levels_between(item[0], value.color), default=None)

    @cached_property
    def tolerance(self) -> int:
        """The --tolerance to propose: the smallest with which all values are taken that are damaged, not blended."""
        damaged = (distance for distance in self.unlisted_strays.values() if distance <= DAMAGE_LEVELS)
        return max(damaged, default=0)

    @cached_property
    def blend_fix(self) -> str:
        """What to do about values of which some are too far from every class to be taken for it."""
        tolerance = max(self.tolerance, self.config.pair.tolerance)
        ignoring = f"pass --tolerance {tolerance} and add" if tolerance else "add"
        return f"Export the masks as PNG without anti-aliasing; or {ignoring} the row `ignore,*`, to ignore such edges."

    @cached_property
    def greyed(self) -> str:
        """An account where the masks are the class map converted to grey, or the reverse; "" where not."""
        return _greyed(self)


def is_binary(dataset: DatasetFacts) -> bool:
    """Whether the masks hold the grey levels 0 and 255, and nothing else."""
    values = {value for facts in dataset.facts for value, _ in facts.values}
    return {value.color for value in values} == {(0, 0, 0), (255, 255, 255)} and all(
        value.depth == 8 and value.mode in ("L", "RGB") for value in values
    )


def levels_between(a: Color, b: Color) -> int:
    """Returns by how much two colours differ, in the channel that differs most."""
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def _greyed(dataset: DatasetFacts) -> str:
    """Returns an account where the masks are the class map converted to grey, or the reverse; "" where not.

    They are where every unlisted value, edges aside, is the luminance of a listed colour (or has a listed luminance),
    two of them at least, so that one stray value does not do.
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
            f"lists colours, but the masks hold their greys: {one} is what a conversion to grey makes of "
            f"{greys[one.number]}. Two colours may share a grey, so none is guessed"
        )
    if len(unlisted) > 1 and all(value.mode == "RGB" and luminance(value.color) in classes.grey for value in unlisted):
        one = min(unlisted)
        return f"lists greys, but the masks hold colours: {one} becomes {luminance(one.color)} in a conversion to grey"
    return ""
