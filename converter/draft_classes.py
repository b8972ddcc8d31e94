"""Draft classes: what the masks of a dataset hold -> which values are classes and which damage; a first classes.csv."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from converter.class_files import FoundClasses
from converter.masks import MaskValue
from converter.survey import PairFacts


class ValueTotal(NamedTuple):
    """How often a value stands in the masks of a dataset: pixels, and images that hold it."""

    pixels: int
    images: int


def total_values(facts: Sequence[PairFacts]) -> dict[MaskValue, ValueTotal]:
    """Returns the totals of every value, most frequent first."""
    raise NotImplementedError


def stray_values(totals: Mapping[MaskValue, ValueTotal]) -> dict[MaskValue, MaskValue]:
    """Returns value -> the frequent value that it is a damaged form of, for all values that look like damage."""
    raise NotImplementedError


def draft_classes(facts: Sequence[PairFacts], found: FoundClasses | None) -> str:
    """Returns the text of a native class map for the values that the masks of a dataset hold.

    Args:
      facts: of the pairs, from `survey`.
      found: the class file of the source where it has one, from which names are taken.
    """
    raise NotImplementedError
