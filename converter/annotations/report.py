"""Report: what `segconv masks` drew, and what it refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.annotations.config import MasksConfig
from converter.annotations.drawing import ORDERS
from converter.annotations.plan import Plan
from converter.errors import DataError, shown
from converter.schema import IGNORE_INDEX
from converter.sources.tree import count_of
from converter.system.console import table

SHOWN_OVERLAPS = 10
COUNTS = ("classes", "overlaps", "clipped", "empty", "left_out")  # over all images, in masks.json and in --json


class RefusedAnnotationsError(DataError):
    """Annotations were refused; nothing was written.

    Attributes:
      problems: all of them.
    """

    def __init__(self, problems: list[DataError]) -> None:
        counts = Counter(problem.code for problem in problems).most_common()
        codes = ", ".join(f"{count} {code}" for code, count in counts)
        what = f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'} ({codes}), so nothing was written"
        super().__init__("segconv masks", what, "Fix them, then run the same command again.", "E_REFUSED")
        self.problems = problems


@dataclass(frozen=True)
class MasksReport:
    """What `segconv masks` drew.

    Attributes:
      out: folder of the dataset.
      plan: of it.
      order: in which objects were drawn.
      splits: number of images of each split.
      facts: counts over all images, as in masks.json.
      is_up_to_date: there was nothing to do, and nothing was written.
    """

    out: Path
    plan: Plan
    order: str
    splits: dict[str, int]
    facts: dict[str, Any]
    is_up_to_date: bool = False

    def to_json(self) -> dict[str, Any]:
        """Returns the object that `segconv masks --json` prints."""
        head = {"out": str(self.out), "format": self.plan.format, "order": self.order, "splits": self.splits}
        return head | {name: self.facts[name] for name in COUNTS}

    def to_text(self) -> str:
        """Returns the report as `segconv masks` prints it."""
        facts = self.facts
        images = ", ".join(f"{split} {count}" for split, count in self.splits.items())
        state = "; up to date" if self.is_up_to_date else ""
        head = f"{shown(self.out)}: {images}; objects drawn {ORDERS[self.order]}, later over earlier{state}"
        rows: list[tuple[str, ...]] = [("id", "class", "objects", "pixels", "share")]
        total = max(sum(each["pixels"] for each in facts["classes"]), 1)
        for each in facts["classes"]:
            share = f"{100 * each['pixels'] / total:.2f}%"
            rows.append((str(each["id"]), shown(each["name"]), str(each["objects"]), str(each["pixels"]), share))
        return "\n\n".join(["\n".join([head, *self._notes()]), table(rows)])

    def _notes(self) -> list[str]:
        """Returns a line for each thing that was covered, cut off or left out."""
        facts, lines = self.facts, []
        overlaps = sorted(facts["overlaps"], key=lambda each: -each["pixels"])
        for each in overlaps[:SHOWN_OVERLAPS]:
            lines.append(f"{each['pixels']:,} pixels of {shown(each['below'])!r} are under {shown(each['above'])!r}")
        if len(overlaps) > SHOWN_OVERLAPS:
            lines.append(f"... and {len(overlaps) - SHOWN_OVERLAPS} more pairs of classes that overlap, in masks.json")
        if facts["clipped"]:
            lines.append(f"cut off at the edge of their picture: {count_of(facts['clipped'], 'object')}")
        if facts["empty"]:
            lines.append(f"without a pixel: {count_of(facts['empty'], 'object')}")
        return [*lines, *_left_out(facts["left_out"])]


def dataset_facts(plan: Plan, totals: Any) -> dict[str, Any]:
    """Returns the counts over all images; `totals` are those of all batches together, as a BatchResult."""
    names = {**dict(enumerate(plan.classes.names)), IGNORE_INDEX: "ignore"}
    return {
        "classes": [
            {"id": index, "name": name, "objects": totals.objects[index], "pixels": totals.pixels[index]}
            for index, name in names.items()
        ],
        "overlaps": [
            {"below": names[below], "above": names[above], "pixels": count}
            for (below, above), count in sorted(totals.overlaps.items())
        ],
        "clipped": totals.clipped,
        "empty": totals.empty,
        "left_out": dict(sorted(plan.left_out.items())),
    }


def plan_text(config: MasksConfig, plan: Plan) -> str:
    """Returns what would be drawn, for --dry-run."""
    splits = Counter(item.picture.split or "train" for item in plan.items)
    if not plan.has_splits and config.val:
        splits = Counter({"train and val": len(plan.items)})
    images = ", ".join(f"{split} {count}" for split, count in sorted(splits.items()))
    objects = Counter(plan.indices[label] for item in plan.items for label in item.picture.labels)
    order = f"objects drawn {ORDERS[config.order]}, later over earlier"
    head = f"{shown(config.src)} -> {shown(config.out)}: format {plan.format}, {images}; {order}"
    rows: list[tuple[str, ...]] = [("id", "class", "objects")]
    for index, name in (*enumerate(plan.classes.names), (IGNORE_INDEX, "ignore")):
        rows.append((str(index), shown(name), str(objects[index])))
    return "\n\n".join(["\n".join([head, *_left_out(plan.left_out)]), table(rows)])


def _left_out(counts: Mapping[str, int]) -> list[str]:
    """Returns a line for each kind of annotation that is not drawn."""
    return [f"not drawn, {shown(what)}: {count:,}" for what, count in sorted(counts.items())]
