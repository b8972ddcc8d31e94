"""Split plan: how to split a dataset, and which pair goes into which split."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from converter.errors import UsageError, shown
from converter.limits import MAX_FOLDS
from converter.sources.refs import ExampleRef

_SHOWN_ROWS = 40  # classes shown in the text; the JSON has all


@dataclass(frozen=True)
class SplitConfig:
    """How `segconv split` splits a dataset.

    Attributes:
      val: share of the pairs in val.txt.
      test: share in test.txt; 0 makes none.
      seed: of the random order; another seed gives other lists.
      group: regular expression searched in the image path; images with the same first group (without one: the same
        match) stay in the same split. None: no such groups.
      near: keeps near-duplicates in the same split.
      folds: number of folds to make instead of train and val; 0 for none.
      blocks: side of the blocks that photographs are divided into, in pixels; 0 keeps each photograph in one split.
      gap: rows and columns between two blocks that are in none.
    """

    val: float = 0.2
    test: float = 0.0
    seed: int = 0
    group: str | None = None
    near: bool = True
    folds: int = 0
    blocks: int = 0
    gap: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.val < 1:
            raise UsageError("--val", f"{self.val} is not between 0 and 1", "Pass a share such as 0.2.")
        if not 0 <= self.test < 1:
            raise UsageError("--test", f"{self.test} is not within 0..1", "Pass a share such as 0.1, or 0 for none.")
        if self.val + self.test >= 1:
            what = f"and --test take {self.val + self.test:g} of the pairs, which leaves none to train on"
            raise UsageError("--val", what, "Pass smaller shares.")
        if self.folds and not 2 <= self.folds <= MAX_FOLDS:
            raise UsageError("--folds", f"{self.folds} is not within 2..{MAX_FOLDS}", "Pass a number such as 5.")
        if not 0 <= 2 * self.gap <= self.blocks and (self.blocks or self.gap):
            what = f"{self.gap} is not within 0..{self.blocks // 2}, half of --blocks"
            raise UsageError("--gap", what, "Pass both, such as --blocks 2048 --gap 64.")
        if self.blocks and (self.folds or self.group is not None):
            what = "divides photographs, which --group and --folds keep whole"
            raise UsageError("--blocks", what, "Leave one of them out.")
        if self.group is not None:
            try:
                re.compile(self.group)
            except (re.error, RecursionError, OverflowError) as error:
                fix = "Pass one such as '^([^_]+)_'."
                raise UsageError("--group", f"{self.group!r} is not a regular expression ({error})", fix) from None
            if not self.group.isprintable():
                what = f"{self.group!r} contains a character that a line of a list cannot hold"
                raise UsageError("--group", what, "Write it as an escape, such as \\t.")

    def shares(self) -> dict[str, float]:
        """Returns the share of each split."""
        if self.folds:
            folds = {f"fold{number}": (1 - self.test) / self.folds for number in range(self.folds)}
            return folds | {"test": self.test} if self.test else folds
        train = {"train": 1 - self.val - self.test, "val": self.val}
        return train | {"test": self.test} if self.test else train

    def command(self) -> str:
        """Returns the command that reproduces these splits, without the folder."""
        words = ["segconv", "split", *(["--folds", str(self.folds)] if self.folds else ["--val", f"{self.val:g}"])]
        words += ["--test", f"{self.test:g}", "--seed", str(self.seed)]
        words += ["--blocks", str(self.blocks), "--gap", str(self.gap)] if self.blocks else []
        words += ["--group", self.group] if self.group is not None else []
        return shlex.join(words if self.near else [*words, "--no-near"])


@dataclass(frozen=True)
class SplitPlan:
    """Which pair goes into which split.

    Attributes:
      config: of the split.
      refs: pairs of each split, sorted by image; their `split` is the previous one.
      groups: number of groups in each split; 0 for an unchanged test split.
      classes: class names, or values where there is no class map.
      pixels: of each class, in that order, for each split, without ignored pixels.
      alone: images that --group does not match; 0 without --group.
      copies: images that are byte-identical to another one; alike: near-duplicate pairs of images.
      largest: images of the largest group, sorted.
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
        """Returns each class's share of the pixels of a split; None: of the whole dataset."""
        counts = self.pixels[split] if split else [sum(column) for column in zip(*self.pixels.values(), strict=True)]
        total = sum(counts) or 1
        return tuple(count / total for count in counts)

    def to_text(self) -> str:
        """Returns the report: the splits, the groups, and the share of each class in each split."""
        total = sum(len(refs) for refs in self.refs.values())
        lines = [f"{'split':<8} {'pairs':>7} {'share':>7} {'groups':>7}"]
        for split, refs in self.refs.items():
            lines.append(f"{split:<8} {len(refs):>7} {len(refs) / total:>7.1%} {self.groups[split]:>7}")
        if "test" in self.refs and not self.config.test:
            lines.append("the test split is unchanged")
        if self.config.group is not None and self.alone:
            lines.append(f"{self.alone} images do not match --group")
        lines.append(f"kept in the same split: {self.copies} copies, {self.alike} near-duplicate pairs")
        lines.append(f"largest group: {len(self.largest)} images, the first is {shown(self.largest[0])}")
        width = max([5, *(len(shown(name, 40)) for name in self.classes[:_SHOWN_ROWS])])
        lines += ["", " ".join([f"{'class':<{width}}", f"{'all':>8}", *(f"{split:>8}" for split in self.refs)])]
        columns = [self.class_shares(), *(self.class_shares(split) for split in self.refs)]
        for name, *row in list(zip(self.classes, *columns, strict=True))[:_SHOWN_ROWS]:
            lines.append(" ".join([f"{shown(name, 40):<{width}}", *(f"{share:>8.2%}" for share in row)]))
        if len(self.classes) > _SHOWN_ROWS:
            lines.append(f"... and {len(self.classes) - _SHOWN_ROWS} more (--json lists all)")
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
