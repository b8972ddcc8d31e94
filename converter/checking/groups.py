"""Groups: which pairs must stay in the same split, and the pixels of each class in a pair."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from converter.checking.survey import PairFacts
from converter.classes.class_map import ClassMap
from converter.classes.mapper import MaskMapper
from converter.limits import MAX_CLASSES
from converter.pixels.masks import MaskValue


def scenes_of(ordered: Sequence[PairFacts], group: str | None) -> list[str | None]:
    """Returns what the pattern matches in each image path; None where it does not match."""
    if group is None:
        return [None] * len(ordered)
    pattern = re.compile(group)
    matches = [pattern.search(fact.ref.image) for fact in ordered]
    return [match[1 if pattern.groups else 0] if match else None for match in matches]


class Groups:
    """Items 0..n-1 and which of them belong together: a union-find forest."""

    def __init__(self, number: int) -> None:
        self._parent = list(range(number))

    def _root(self, item: int) -> int:
        while self._parent[item] != item:
            self._parent[item] = self._parent[self._parent[item]]
            item = self._parent[item]
        return item

    def join(self, left: int, right: int) -> None:
        """Merges the groups of two items."""
        left, right = self._root(left), self._root(right)
        self._parent[max(left, right)] = min(left, right)

    def by_key(self, keys: Iterable[Hashable]) -> int:
        """Merges items with the same key and returns the number of items without one (None)."""
        first: dict[Hashable, int] = {}
        without = 0
        for item, key in enumerate(keys):
            if key is None:
                without += 1
            else:
                self.join(first.setdefault(key, item), item)
        return without

    def groups(self) -> list[list[int]]:
        """Returns the groups, sorted within and by their first items."""
        groups: dict[int, list[int]] = defaultdict(list)
        for item in range(len(self._parent)):
            groups[self._root(item)].append(item)
        return list(groups.values())


def class_pixels(ordered: Sequence[PairFacts], classes: ClassMap | None) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns (names, pixels int64 [pairs, classes]); without a class map, the most frequent values are the classes."""
    if classes is None:
        totals: Counter[MaskValue] = Counter()
        for fact in ordered:
            totals.update(dict(fact.values))
        common = sorted(totals, key=lambda value: (-totals[value], value))[:MAX_CLASSES]  # the rest is damage
        column = {value: number for number, value in enumerate(common)}
        names = tuple(str(value) for value in column)
    else:
        names = classes.names
        column = _columns({value for fact in ordered for value, _ in fact.values}, classes)
    pixels = np.zeros((len(ordered), len(names)), np.int64)
    for row, fact in enumerate(ordered):
        for value, count in fact.values:
            if value in column:
                pixels[row, column[value]] += count
    return names, pixels


def _columns(values: Iterable[MaskValue], classes: ClassMap) -> dict[MaskValue, int]:
    """Returns the class index of each value that belongs to a class."""
    mapper = MaskMapper(classes)
    column = {}
    for value in values:
        try:
            index = mapper.index_of(value)
        except ValueError:  # ambiguous, which `check` reports
            continue
        if index is not None and index < classes.num_classes:
            column[value] = index
    return column
