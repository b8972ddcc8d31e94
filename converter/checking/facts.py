"""Facts: everything known about a dataset, from which its problems follow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from converter.checking.draft import Draft, draft_classes
from converter.checking.instances import instance_problem
from converter.checking.split import make_splits
from converter.checking.split_files import check_names
from converter.checking.split_plan import SplitConfig
from converter.checking.strays import DAMAGE_LEVELS, ValueTotal, are_lossy, level_ends, stray_values, total_values
from converter.checking.survey import PairFacts
from converter.checking.two_levels import THRESHOLD
from converter.classes.class_map import CLASSES_CSV, greys_of
from converter.classes.drafts import draft_command
from converter.classes.find import FoundClasses
from converter.classes.mapper import MaskMapper
from converter.classes.places import lists_colors_only
from converter.config import BuildConfig
from converter.errors import UsageError, shown
from converter.pixels.colors import Color, luminance
from converter.pixels.masks import MaskValue
from converter.sources.layouts.layout import Layout
from converter.sources.refs import ExampleRef


@dataclass
class DatasetFacts:
    """Everything known about a dataset; the class of each value is looked up once.

    Attributes:
      config: of the build.
      layout: the pairs, the invalid lines, and the files in no pair.
      facts: of the pairs that were read.
      found: the class map; None where there is none.
      class_error: why there is none.
      windowed: pairs that were not read, since a build reads them by windows.
    """

    config: BuildConfig
    layout: Layout
    facts: Sequence[PairFacts]
    found: FoundClasses | None = None
    class_error: UsageError | None = None
    windowed: tuple[ExampleRef, ...] = ()
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
        return stray_values(self.totals, is_lossy=are_lossy(self.facts))

    @cached_property
    def draft(self) -> Draft | None:
        """The class map that `segconv classes` would draft without a class file; None where it cannot draft one."""
        try:
            return draft_classes(self.facts, None)
        except UsageError:
            return None

    @cached_property
    def instances(self) -> tuple[str, str] | None:
        """What is wrong, and the fix, where the mask values are instances; None where they may be classes."""
        known = {value: index for value in self.totals if (index := self.index_of(value)) is not None}
        return instance_problem(self.facts, known)

    @cached_property
    def is_two_levels(self) -> bool:
        """Whether the masks hold black, white and blends of them, and a class map, if any, tells these two apart."""
        ends = level_ends(self.totals, is_lossy=are_lossy(self.facts))
        if ends is None or self.found is None:
            return ends is not None
        classes = self.found.classes
        levels = classes.grey.keys() | {color[0] for color in classes.rgb if len(set(color)) == 1}
        return levels == {0, 255} and classes.num_classes > 1

    @cached_property
    def reach(self) -> int:
        """Levels up to which an unlisted value is mapped to the nearest listed one, not ignored as a blend."""
        return THRESHOLD if self.is_two_levels else DAMAGE_LEVELS

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
                color = nearest[0] if nearest else self.strays[value].color  # which a class map will list
                distances[value] = max(1, levels_between(color, value.color))
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
        if self.is_two_levels:
            return THRESHOLD
        damaged = (distance for distance in self.unlisted_strays.values() if distance <= DAMAGE_LEVELS)
        return max(damaged, default=0)

    @cached_property
    def draft_command(self) -> str:
        """The command that writes a classes.csv with the values of the masks."""
        return draft_command(self.config.source)

    @cached_property
    def add_fix(self) -> str:
        """The fix for a value that belongs to a class of its own."""
        if self.found is not None and lists_colors_only(self.found.classes) and not self._are_drawn_in_colors:
            what = f"{shown(self.found.origin)} lists colours, and the masks hold numbers"
            return f"{what}: draft a classes.csv with numbers: `{self.draft_command}`."
        if self.found is None or self.found.kind == CLASSES_CSV:
            return "Add the value to the class map, or add the row `ignore,*`."
        return f"Draft a classes.csv that keeps the classes and adds the value: `{self.draft_command}`."

    @property
    def _are_drawn_in_colors(self) -> bool:
        return any(value.mode in ("RGB", "P") and len(set(value.color)) > 1 for value in self.totals)

    @cached_property
    def blend_fix(self) -> str:
        """The fix where some values are too far from every class to be taken for it."""
        tolerance = max(self.tolerance, self.config.pair.tolerance)
        ignoring = f"pass --tolerance {tolerance} and add" if tolerance else "add"
        return f"Export the masks as PNG without anti-aliasing; or {ignoring} the row `ignore,*` to ignore such edges."

    @cached_property
    def split_refusal(self) -> str:
        """Why `segconv split` would refuse the dataset, with its fix; "" where it would not."""
        classes = self.found.classes if self.found else None
        try:  # with --fast, by the pairs that were read
            check_names(make_splits([facts.ref for facts in self.facts], self.facts, SplitConfig(), classes))
        except UsageError as error:
            return f"{shown(error.where)}: {shown(error.what)}. {error.fix}"
        return ""

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
