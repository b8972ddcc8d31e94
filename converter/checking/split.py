"""Split: a dataset without lists -> train, val and test lists.

Related images stay in the same split: frames of a scene (by --group), copies, and near-duplicates. Within that, the
splits are stratified by class. The same pairs and options give the same lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from converter.checking.groups import Groups, class_pixels, scenes_of
from converter.checking.split_plan import SplitConfig, SplitPlan
from converter.checking.stratify import stratify
from converter.checking.survey import PairFacts
from converter.classes.class_map import ClassMap
from converter.errors import UsageError, shown
from converter.sources.duplicates import near_duplicates
from converter.sources.refs import ExampleRef


def make_splits(
    refs: Sequence[ExampleRef], facts: Sequence[PairFacts], config: SplitConfig, classes: ClassMap | None = None
) -> SplitPlan:
    """Returns which pair goes into which split.

    Args:
      refs: all pairs of the dataset, in any order; those of an existing test split stay there unless --test is given.
      facts: of each of them, from `survey`.
      config: how to split them.
      classes: the class map; without one, every mask value counts as a class.

    Raises:
      UsageError: there are fewer groups than splits.
    """
    by_ref = {fact.ref: fact for fact in facts}
    shuffled = [
        by_ref.get(ref, PairFacts(ref)) for ref in sorted(set(refs), key=lambda ref: _shuffled(ref, config.seed))
    ]
    ordered = [fact for fact in shuffled if config.test or fact.ref.split != "test"]
    kept = [fact for fact in shuffled if not config.test and fact.ref.split == "test"]
    if not ordered:
        raise UsageError("the dataset", "has no pair to split", "Name its folder with --src.", "E_LAYOUT")
    joined = Groups(len(ordered))
    joined.by_key(fact.ref.image for fact in ordered)
    alone = joined.by_key(scenes_of(ordered, config.group))
    copies = len(ordered) - len({fact.digest or fact.ref.image for fact in ordered})
    joined.by_key(fact.digest or None for fact in ordered)
    alike = near_duplicates([fact.thumbnail for fact in ordered]) if config.near else []
    for left, right in alike:
        joined.join(left, right)
    groups = joined.groups()
    shares = config.shares()
    largest = tuple(sorted(ordered[index].ref.image for index in max(groups, key=len)))
    if len(groups) < len(shares):
        raise _too_few(len(groups), len(ordered), copies, largest, config)
    names, pixels = class_pixels([*ordered, *kept], classes)
    assigned = stratify(groups, pixels, list(shares.values()))
    members = [
        [index for group, number in zip(groups, assigned, strict=True) if number == split for index in group]
        for split in range(len(shares))
    ]
    splits = dict(zip(shares, members, strict=True))
    if kept:
        splits["test"] = list(range(len(ordered), len(shuffled)))
    facts_of = [*ordered, *kept]
    return SplitPlan(
        config,
        {name: _sorted_refs(facts_of[i].ref for i in own) for name, own in splits.items()},
        {name: assigned.count(split) for split, name in enumerate(splits)},
        names,
        {name: tuple(pixels[own].sum(0).tolist()) for name, own in splits.items()},
        alone if config.group is not None else 0,
        copies,
        len(alike),
        largest,
    )


def _too_few(groups: int, pairs: int, copies: int, largest: Sequence[str], config: SplitConfig) -> UsageError:
    """Returns the error for fewer groups than splits."""
    splits = len(config.shares())
    what = f"cannot fill {splits} splits: "
    if pairs < splits:
        what += f"there {'is 1 pair' if pairs == 1 else f'are {pairs} pairs'}"
    else:
        what += f"{len(largest)} of {pairs} pairs must stay together, such as {shown(largest[0])}"
    ways = ["pass another --group"] if config.group is not None else []
    ways += ["pass --no-near if they only look alike"] if config.near and splits <= pairs - copies else []
    ways += ["leave out --test"] if config.test and groups == splits - 1 else []
    fix = ", or ".join([*ways, "add other images"])
    return UsageError("the images", what, f"{fix[0].upper()}{fix[1:]}.", "E_GROUPS")


def _shuffled(ref: ExampleRef, seed: int) -> tuple[bytes, str, str]:
    """Returns a sort key for a random order that does not depend on the given order."""
    name = f"{seed}\0{ref.image}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(name).digest(), ref.mask, ref.split


def _sorted_refs(refs: Iterable[ExampleRef]) -> tuple[ExampleRef, ...]:
    return tuple(sorted(refs, key=lambda ref: ref.key))
