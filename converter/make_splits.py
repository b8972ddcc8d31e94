"""Make splits: a dataset without lists -> train, val and test lists.

What belongs together stays on one side: the frames of a scene, where a pattern tells them, copies, and photographs that
look alike. Within that, each split gets its part of every class. The same pairs and options give the same lists.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from converter.classes import ClassMap
from converter.errors import UsageError, shown
from converter.leaks import near_duplicates
from converter.masks import MaskMapper, MaskValue
from converter.schema import MAX_CLASSES
from converter.splits import ExampleRef
from converter.storage import write_whole
from converter.survey import PairFacts

_SEPARATOR = ";"
_MAX_ROWS = 40  # of classes in the text; the JSON has all of them


@dataclass(frozen=True)
class SplitConfig:
    """How `segconv split` divides a dataset.

    Attributes:
      val: share of the pairs that val.txt gets.
      test: share that test.txt gets; 0 makes none.
      seed: another seed, other lists.
      group: pattern that is searched for in a photograph's path; photographs for which its first group (without one:
        the whole match) is the same stay together. None: each may stand alone.
      near: keeps photographs that look alike together.
    """

    val: float = 0.2
    test: float = 0.0
    seed: int = 0
    group: str | None = None
    near: bool = True

    def __post_init__(self) -> None:
        if not 0 < self.val < 1:
            raise UsageError("--val", f"{self.val} is not between 0 and 1", "Name a share such as 0.2.")
        if not 0 <= self.test < 1:
            raise UsageError("--test", f"{self.test} is not within 0..1", "Name a share such as 0.1, or 0 for none.")
        if self.val + self.test >= 1:
            what = f"and --test take {self.val + self.test:g} of the pairs, which leaves none to train on"
            raise UsageError("--val", what, "Name smaller shares.")
        if self.group is not None:
            try:
                re.compile(self.group)
            except (re.error, RecursionError, OverflowError) as error:
                mend = "Write a pattern such as '^([^_]+)_'."
                raise UsageError("--group", f"{self.group!r} is no pattern ({error})", mend) from None
            if not self.group.isprintable():
                what = f"{self.group!r} holds a character that no line of a list can"
                raise UsageError("--group", what, "Write it as an escape, such as \\t.")

    def shares(self) -> dict[str, float]:
        """Returns the share of each split."""
        train = {"train": 1 - self.val - self.test, "val": self.val}
        return train | {"test": self.test} if self.test else train

    def command(self) -> str:
        """Returns the command that makes these splits, without the folder."""
        words = ["segconv", "split", "--val", f"{self.val:g}", "--test", f"{self.test:g}", "--seed", str(self.seed)]
        words += ["--group", self.group] if self.group is not None else []
        return shlex.join(words if self.near else [*words, "--no-near"])


@dataclass(frozen=True)
class SplitPlan:
    """Which pair goes into which split.

    Attributes:
      config: what was asked for.
      refs: pairs of each split, sorted by photograph; their `split` is the one that they had before.
      groups: number of groups in each split; 0 for a test split that is kept as it is.
      classes: names, or values where there is no class map, of what is counted below.
      pixels: of each class, in that order, for each split; ignored pixels are not counted.
      alone: photographs that the pattern does not match; 0 without a pattern.
      copies: photographs that are byte for byte another one; alike: pairs of photographs that look alike.
      largest: photographs of the largest group, sorted.
    """

    config: SplitConfig
    refs: dict[str, tuple[ExampleRef, ...]]
    groups: dict[str, int]
    classes: tuple[str, ...]
    pixels: dict[str, tuple[int, ...]]
    alone: int
    copies: int
    alike: int
    largest: tuple[str, ...]

    def class_shares(self, split: str | None = None) -> tuple[float, ...]:
        """Returns the share of each class in the pixels of a split; of the dataset for None."""
        counts = self.pixels[split] if split else [sum(column) for column in zip(*self.pixels.values(), strict=True)]
        whole = sum(counts) or 1
        return tuple(count / whole for count in counts)

    def to_text(self) -> str:
        """Returns the report: splits, what was kept together, and the share of each class in each split."""
        total = sum(len(refs) for refs in self.refs.values())
        lines = [f"{'split':<8} {'pairs':>7} {'share':>7} {'groups':>7}"]
        for split, refs in self.refs.items():
            lines.append(f"{split:<8} {len(refs):>7} {len(refs) / total:>7.1%} {self.groups[split]:>7}")
        if "test" in self.refs and not self.config.test:
            lines.append("test is kept as it is")
        if self.config.group is not None and self.alone:
            lines.append(f"{self.alone} photographs do not match --group and stand alone")
        lines.append(f"kept together: {self.copies} copies, {self.alike} pairs that look alike")
        lines.append(f"largest group: {len(self.largest)} photographs, of which the first is {shown(self.largest[0])}")
        width = max([5, *(len(shown(name, 40)) for name in self.classes[:_MAX_ROWS])])
        lines += ["", " ".join([f"{'class':<{width}}", f"{'all':>8}", *(f"{split:>8}" for split in self.refs)])]
        columns = [self.class_shares(), *(self.class_shares(split) for split in self.refs)]
        for name, *row in list(zip(self.classes, *columns, strict=True))[:_MAX_ROWS]:
            lines.append(" ".join([f"{shown(name, 40):<{width}}", *(f"{share:>8.2%}" for share in row)]))
        if len(self.classes) > _MAX_ROWS:
            lines.append(f"... and {len(self.classes) - _MAX_ROWS} more (--json has all)")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """Returns the report as one JSON object."""
        splits = {
            split: {
                "pairs": len(refs),
                "groups": self.groups[split],
                "class_shares": dict(zip(self.classes, self.class_shares(split), strict=True)),
            }
            for split, refs in self.refs.items()
        }
        return {
            "command": self.config.command(),
            "splits": splits,
            "class_shares": dict(zip(self.classes, self.class_shares(), strict=True)),
            "alone": self.alone,
            "copies": self.copies,
            "alike": self.alike,
            "largest_group": list(self.largest),
        }


def make_splits(
    refs: Sequence[ExampleRef], facts: Sequence[PairFacts], config: SplitConfig, classes: ClassMap | None = None
) -> SplitPlan:
    """Returns which pair goes into which split.

    Args:
      refs: all pairs of the dataset, in any order; those of test stay there where no new test split is asked for.
      facts: of each of them, from `survey`.
      config: how to divide them.
      classes: class map, where there is one; without it every mask value counts as a class.

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
        raise UsageError("the dataset", "has no pair to divide", "Name its folder with --src.", "E_LAYOUT")
    joined = _Joined(len(ordered))
    joined.by_key(fact.ref.image for fact in ordered)
    alone = joined.by_key(_scenes(ordered, config.group))
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
    names, pixels = _class_pixels([*ordered, *kept], classes)
    sides = _stratify(groups, pixels, list(shares.values()))
    members = [
        [index for group, own in zip(groups, sides, strict=True) if own == side for index in group]
        for side in range(len(shares))
    ]
    splits = dict(zip(shares, members, strict=True))
    if kept:
        splits["test"] = list(range(len(ordered), len(shuffled)))
    facts_of = [*ordered, *kept]
    return SplitPlan(
        config,
        {name: _sorted_refs(facts_of[i].ref for i in own) for name, own in splits.items()},
        {name: sides.count(side) for side, name in enumerate(splits)},
        names,
        {name: tuple(pixels[own].sum(0).tolist()) for name, own in splits.items()},
        alone if config.group is not None else 0,
        copies,
        len(alike),
        largest,
    )


def _too_few(groups: int, pairs: int, copies: int, largest: Sequence[str], config: SplitConfig) -> UsageError:
    """Returns the refusal of photographs that make fewer groups than there are splits."""
    splits = len(config.shares())
    what = f"cannot fill {splits} splits: "
    if pairs < splits:
        what += f"there {'is 1 pair' if pairs == 1 else f'are {pairs} pairs'}"
    else:
        what += f"{len(largest)} of {pairs} pairs must not be divided, such as {shown(largest[0])}"
    ways = ["pass another --group"] if config.group is not None else []
    ways += ["pass --no-near if they only look alike"] if config.near and splits <= pairs - copies else []
    ways += ["leave out --test"] if config.test and groups == splits - 1 else []
    mend = ", or ".join([*ways, "add other photographs"])
    return UsageError("the photographs", what, f"{mend[0].upper()}{mend[1:]}.", "E_GROUPS")


def check_lists(src: Path, splits: Iterable[str], overwrite: bool = False) -> dict[str, Path]:
    """Returns the path of each split's list.

    Raises:
      UsageError: a list exists and `overwrite` is not set, or a test list would be left as it is.
    """
    paths = {split: src / f"{split}.txt" for split in splits}
    for path in sorted({*paths.values(), src / "test.txt"}):
        if path.exists() or path.is_symlink():
            if path not in paths.values():
                raise UsageError(path, "exists, and is not made anew", "Delete it, or pass --test.", "E_OUT")
            if not overwrite:
                raise UsageError(path, "exists", "Pass --overwrite to replace the lists.", "E_OUT")
    return paths


def write_lists(src: Path, plan: SplitPlan, overwrite: bool = False) -> list[Path]:
    """Saves train.txt, val.txt and, where asked for, test.txt in the source folder and returns their paths.

    Raises:
      UsageError: a list exists and `overwrite` is not set, or a path cannot be written in a list; nothing is written.
      MachineError: a list cannot be written.
    """
    paths = check_lists(src, plan.refs, overwrite)
    texts = {path: _list_text(plan, split).encode() for split, path in paths.items()}
    for path, text in texts.items():
        write_whole(path, text)
    return list(texts)


def _list_text(plan: SplitPlan, split: str) -> str:
    """Returns the text of a list: a remark that says how it was made, then one pair a line."""
    lines = [f"# {plan.config.command()}"]
    for ref in plan.refs[split]:
        for name in (ref.image, ref.mask):
            _check_name(name)
        lines.append(f"{ref.image}{_SEPARATOR}{ref.mask}")
    return "\n".join(lines) + "\n"


def _check_name(name: str) -> None:
    """Raises UsageError where a path cannot stand in a list."""
    what = None
    if _SEPARATOR in name or "\n" in name or "\r" in name or "\0" in name:
        what = f"holds a {_SEPARATOR!r} or a line break, which no list can"
    elif '"' in name or name.startswith(("#", "'")) or name != name.strip():
        what = "holds a quote, begins with #, or begins or ends with a space, which a list does not keep"
    else:
        try:
            name.encode()
        except UnicodeEncodeError:
            what = "is not UTF-8, which every list is"
    if what:
        raise UsageError(name, what, "Rename the file.", "E_LIST")


def _shuffled(ref: ExampleRef, seed: int) -> tuple[bytes, str, str]:
    """Returns a key that sorts pairs by chance, the same way whatever their order was."""
    name = f"{seed}\0{ref.image}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(name).digest(), ref.mask, ref.split


def _scenes(ordered: Sequence[PairFacts], group: str | None) -> list[str | None]:
    """Returns what the pattern finds in each photograph's path; None where it does not match."""
    if group is None:
        return [None] * len(ordered)
    pattern = re.compile(group)
    matches = [pattern.search(fact.ref.image) for fact in ordered]
    return [match[1 if pattern.groups else 0] if match else None for match in matches]


class _Joined:
    """Items 0..n-1 and which of them belong together: a union-find forest."""

    def __init__(self, number: int) -> None:
        self._parent = list(range(number))

    def _root(self, item: int) -> int:
        while self._parent[item] != item:
            self._parent[item] = self._parent[self._parent[item]]
            item = self._parent[item]
        return item

    def join(self, left: int, right: int) -> None:
        """Puts two items, and all that belong to them, together."""
        left, right = self._root(left), self._root(right)
        self._parent[max(left, right)] = min(left, right)

    def by_key(self, keys: Iterable[Hashable]) -> int:
        """Puts items with the same key together, and returns how many have the key None, which means nothing."""
        first: dict[Hashable, int] = {}
        without = 0
        for item, key in enumerate(keys):
            if key is None:
                without += 1
            else:
                self.join(first.setdefault(key, item), item)
        return without

    def groups(self) -> list[list[int]]:
        """Returns the groups, each in order, by their first items."""
        groups: dict[int, list[int]] = defaultdict(list)
        for item in range(len(self._parent)):
            groups[self._root(item)].append(item)
        return list(groups.values())


def _class_pixels(ordered: Sequence[PairFacts], classes: ClassMap | None) -> tuple[tuple[str, ...], np.ndarray]:
    """Returns (names, pixels int64 [pairs, classes]) of the classes that occur; most frequent values first."""
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
        except ValueError:  # could be meant in two ways, which `check` reports
            continue
        if index is not None and index < classes.num_classes:
            column[value] = index
    return column


def _stratify(groups: Sequence[Sequence[int]], pixels: np.ndarray, shares: Sequence[float]) -> list[int]:
    """Returns the split of each group, by number.

    Iterative stratification, in which the class that is rarest is dealt out first, while there is still a choice. Three
    things differ from the source. What is dealt are groups, large ones first (by powers of two, so that the seed still
    decides). Mass is pixels, not examples that have a label. And a group goes not where its rarest class is wanted
    most, but where it brings all classes, and the number of pairs, which weighs as much as all classes together,
    nearest to what is wanted: the sum of squared differences, as shares of the class and of the split, falls most.

    Args:
      groups: rows of `pixels` that stay together, in random order.
      pixels: int64 [pairs, classes].
      shares: of each split; their sum is 1.

    Source: Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011.
    """
    sizes = np.array([len(group) for group in groups])
    own = np.array([pixels[list(group)].sum(0) for group in groups], np.float64)
    own = own[:, own.sum(0) > 0]
    mass = np.concatenate([own / own.sum(0), (sizes / sizes.sum())[:, None]], 1)
    weights = np.append(np.ones(own.shape[1]), max(own.shape[1], 1))
    parts = np.array(shares)
    wanted = parts[:, None] * np.ones(mass.shape[1])
    sides = np.full(len(groups), -1)
    for group in _dealing_order(own, sizes):
        gain = (mass[group] * (2 * wanted - mass[group]) * weights).sum(1) / parts
        side = int(np.argmax(np.round(gain, 12)))  # rounded: sums of the same numbers may differ in their last bits
        sides[group] = side
        wanted[side] -= mass[group]
    for side in range(len(shares)):
        if not (sides == side).any():
            counts = np.bincount(sides, minlength=len(shares))
            movable = [group for group in range(len(groups)) if counts[sides[group]] > 1]
            sides[min(movable, key=lambda group: (sizes[group], group))] = side
    return [int(side) for side in sides]


def _dealing_order(own: np.ndarray, sizes: np.ndarray) -> list[int]:
    """Returns the groups in the order in which they are dealt out: those with the rarest class first, large first."""
    order: dict[int, None] = {}
    for column in np.argsort(own.sum(0), kind="stable").tolist():
        holders = np.flatnonzero(own[:, column]).tolist()
        order |= dict.fromkeys(sorted(holders, key=lambda group: (-int(sizes[group]).bit_length(), group)))
    return [*order, *(group for group in range(len(sizes)) if group not in order)]


def _sorted_refs(refs: Iterable[ExampleRef]) -> tuple[ExampleRef, ...]:
    return tuple(sorted(refs, key=lambda ref: (ref.image, ref.mask)))
