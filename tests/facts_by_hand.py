"""Hand-written facts of pairs, as a survey would return them, and a report on them."""

from __future__ import annotations

from pathlib import Path

from converter.checking.check import judge
from converter.checking.problems import Problem
from converter.checking.report import CheckReport
from converter.checking.survey import PairFacts
from converter.classes.find import FoundClasses
from converter.classes.native import parse_class_map
from converter.config import BuildConfig, PairConfig, SourceConfig
from converter.pixels.masks import MaskValue
from converter.sources.layouts.layout import Layout
from converter.sources.refs import ExampleRef

NAMES = "name,value\nbackground,0\nroad,1\ncar,2\nignore,255\n"


def by_code(report: CheckReport) -> dict[str, Problem]:
    return {problem.code: problem for problem in report.problems}


def grey(number: int) -> MaskValue:
    return MaskValue("L", 8, number, (number,) * 3)


def rgb(*color: int) -> MaskValue:
    return MaskValue("RGB", 8, color[0] | color[1] << 8 | color[2] << 16, color)  # type: ignore[arg-type]


def fact(number: int, values: dict[MaskValue, int], split: str = "train", **more: object) -> PairFacts:
    ref = ExampleRef(split, f"{split}/p{number}.jpg", f"{split}/m{number}.png", f"{split}.txt", number)
    known: dict[str, object] = {"image_size": (10, 10), "mask_size": (10, 10), "image_kind": "JPEG RGB"}
    return PairFacts(ref, values=tuple(values.items()), **(known | more))  # type: ignore[arg-type]


def judged(
    facts: list[PairFacts], classes: str | None = NAMES, pair: PairConfig | None = None, **layout: object
) -> CheckReport:
    refs: dict[str, tuple[ExampleRef, ...]] = {}
    for one in facts:
        refs[one.ref.split] = (*refs.get(one.ref.split, ()), one.ref)
    found = FoundClasses(parse_class_map(classes, "classes.csv"), "classes.csv", "classes.csv") if classes else None
    config = BuildConfig(SourceConfig(Path("my data")), pair=pair or PairConfig())
    return judge(config, Layout("list", ("train.txt",), refs, **layout), facts, found)  # type: ignore[arg-type]


GOOD = {grey(0): 50, grey(1): 30, grey(2): 20}
