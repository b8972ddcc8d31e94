"""Instances: mask values that mean another thing in each image, so that they are no classes.

Two signs: nearly every value occurs in one mask only, or each mask numbers its regions 1, 2, 3, ... to an end of its
own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence

from converter.checking.strays import are_lossy, stray_values, total_values
from converter.checking.survey import PairFacts
from converter.pixels.masks import MaskValue
from converter.schema import IGNORE_INDEX

MIN_MASKS = 3  # in fewer, the classes may differ by coincidence
MIN_VALUES = 8
MIN_SINGLE_SHARE = 0.8  # of the values that occur in one mask only
MIN_NUMBERED_MASKS = 5  # that number their regions from 1, each to an end of its own ...
MIN_ENDS = 4  # ... of which at least this many differ
_FIX = (
    "Use masks that hold classes. To learn objects against background alone, write a classes.csv with the row "
    "`object,*` and the value of the background."
)
_FIX_ADE20K = (
    "In a copy of the dataset, replace each mask by R // 10 * 256 + G as a 16-bit PNG: data/README.md, section 3, has "
    "the lines."
)


def instance_problem(
    facts: Sequence[PairFacts], index_of: Mapping[MaskValue, Hashable] | None = None
) -> tuple[str, str] | None:
    """Returns (what is wrong, fix) where mask values are instances; None where they may be classes.

    Args:
      facts: of the pairs.
      index_of: the class of each value where a class map lists it; several values of one class count once.
    """
    totals = total_values(facts)
    kept = totals.keys() - stray_values(totals, is_lossy=are_lossy(facts))
    masks = [[value for value, _ in fact.values if value in kept] for fact in facts if fact.values]
    if _are_ade20k(facts, kept):
        numbers = {value.color[0] // 10 * 256 + value.color[1] for value in kept}
        what = (
            f"are those of the full ADE20K, in which R // 10 * 256 + G is the class and B counts the instances: "
            f"{len(kept)} colours are {len(numbers)} classes"
        )
        return what, _FIX_ADE20K
    known = index_of or {}
    units = [{known.get(value, value) for value in values} - {IGNORE_INDEX} for values in masks]
    if what := _mostly_single(units) or _numbered(masks, units):
        return what, _FIX
    return None


def _mostly_single(units: Sequence[Collection[Hashable]]) -> str:
    """Says that nearly every value occurs in one mask only; "" otherwise."""
    masks_of = Counter(unit for mask in units for unit in mask)
    single = sum(number == 1 for number in masks_of.values())
    is_enough = len(units) >= MIN_MASKS and len(masks_of) >= MIN_VALUES and len(masks_of) > len(units)
    if not is_enough or single < MIN_SINGLE_SHARE * len(masks_of):
        return ""
    return f"hold {len(masks_of)} values, of which {single} occur in one mask only: these are instances, not classes"


def _numbered(masks: Sequence[Sequence[MaskValue]], units: Sequence[Collection[Hashable]]) -> str:
    """Says that each mask numbers its regions from 1 to an end of its own; "" otherwise."""
    if len(masks) < MIN_NUMBERED_MASKS or any(not isinstance(unit, MaskValue) for mask in units for unit in mask):
        return ""
    ends = []
    for mask in masks:
        numbers = {value.color[0] if value.mode == "RGB" else value.number for value in mask}
        is_grey = all(value.mode != "RGB" or len(set(value.color)) == 1 for value in mask)
        numbers.discard(0)
        if not is_grey or numbers != set(range(1, len(numbers) + 1)):
            return ""
        ends.append(len(numbers))
    if max(ends) < MIN_VALUES or len(set(ends)) < MIN_ENDS:
        return ""
    return (
        f"number their regions 1, 2, 3, ..., each mask to an end of its own ({min(ends)} to {max(ends)}): "
        "these are instances, not classes"
    )


def _are_ade20k(facts: Sequence[PairFacts], kept: Collection[MaskValue]) -> bool:
    """Returns whether masks have the names and the values of the full ADE20K."""
    names = [fact.ref.mask for fact in facts if fact.values]
    return (
        bool(names)
        and all(re.search(r"(?:^|/)ADE_\w+_seg\.png$", name) for name in names)
        and all(value.mode == "RGB" and value.color[0] % 10 == 0 for value in kept)
    )
