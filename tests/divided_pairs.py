"""Facts of pairs to split, and the resulting splits."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from converter.checking.split import make_splits
from converter.checking.split_plan import SplitConfig, SplitPlan
from converter.checking.survey import PairFacts
from converter.pixels.masks import MaskValue
from converter.sources.refs import ExampleRef

SCENE = r"^(?:.*/)?(\d{4}[A-Z0-9]+)_"  # of CamVid's frames: jpg/0016E5_07959.jpg
THREE = SplitConfig(val=0.2, test=0.2)


def value(number: int) -> MaskValue:
    return MaskValue("L", 8, number, (number,) * 3)


def pair(name: str, pixels: dict[int, int] | None = None, **facts: object) -> PairFacts:
    """Returns the facts of a pair whose image is unique."""
    values = tuple((value(number), count) for number, count in (pixels or {0: 100}).items())
    ref = ExampleRef("train", f"jpg/{name}.jpg", f"png/{name}.png")
    return replace(PairFacts(ref, values=values, digest=hashlib.sha256(name.encode()).digest()), **facts)


def divided(facts: list[PairFacts], config: SplitConfig = THREE) -> SplitPlan:
    return make_splits([fact.ref for fact in facts], facts, config)


def stems(plan: SplitPlan) -> dict[str, list[str]]:
    return {split: [Path(ref.image).stem for ref in refs] for split, refs in plan.refs.items()}


def side_of(plan: SplitPlan) -> dict[str, str]:
    return {stem: split for split, names in stems(plan).items() for stem in names}


def texture(seed: int) -> bytes:
    return np.random.default_rng(seed).integers(0, 256, 256, dtype=np.uint8).tobytes()


def imbalanced(seed: int, number: int = 200) -> list[PairFacts]:
    """Returns pairs of a dataset with one class in three of ten pairs and another in one of twenty."""
    rng = np.random.default_rng(seed)
    facts = []
    for index in range(number):
        pixels = {0: 10_000, 1: int(rng.integers(0, 3000))}
        if rng.random() < 0.3:
            pixels[2] = int(rng.integers(100, 1000))
        if rng.random() < 0.05:
            pixels[3] = int(rng.integers(10, 400))
        facts.append(pair(f"s{index // 3:03}_{index:04}", pixels))
    return facts
