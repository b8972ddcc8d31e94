"""Stratify: rare classes are distributed by the shares."""

from __future__ import annotations

import numpy as np
from divided_pairs import divided, imbalanced, pair, side_of, value

from converter.checking.split_plan import SplitConfig


def test_a_rare_class_is_dealt_out_by_the_shares():
    facts = [pair(f"p{number:02}", {0: 90, 1: 10} if number < 5 else {0: 100}) for number in range(25)]
    for seed in range(20):
        plan = divided(facts, SplitConfig(val=0.2, test=0.2, seed=seed))
        assert {split: counts[1] for split, counts in plan.pixels.items()} == {"train": 30, "val": 10, "test": 10}
        assert {split: len(refs) for split, refs in plan.refs.items()} == {"train": 15, "val": 5, "test": 5}


def test_class_shares_are_closer_to_the_dataset_than_those_of_a_random_split():
    def distance(pixels: np.ndarray, whole: np.ndarray) -> float:
        return float(np.abs(pixels / pixels.sum() / whole - 1).mean())

    ratios = []
    for seed in range(10):
        facts = imbalanced(seed)
        plan = divided(facts, SplitConfig(val=0.2, test=0.1, seed=seed))
        whole = np.array(plan.class_shares())
        pixels = np.array([[dict(fact.values).get(value(number), 0) for number in range(4)] for fact in facts])
        ours = [distance(np.array(plan.pixels[split]), whole) for split in plan.refs]
        rng = np.random.default_rng(seed)
        theirs = []
        for _ in range(20):
            cuts = np.split(rng.permutation(len(facts)), np.cumsum([len(refs) for refs in plan.refs.values()])[:-1])
            theirs.append([distance(pixels[cut].sum(0), whole) for cut in cuts])
        ratios.append(np.array(ours) / np.mean(theirs, axis=0))
    assert np.max(ratios) < 1
    assert np.mean(ratios) < 0.5  # 0.36


def test_groups_and_shares_hold_for_any_seed():
    for seed in range(30):
        facts = imbalanced(seed, 90)
        plan = divided(facts, SplitConfig(val=0.25, test=0.15, seed=seed, group="/(s...)_"))
        sides = side_of(plan)
        assert all(len({sides[stem] for stem in sides if stem[:4] == scene}) == 1 for scene in {s[:4] for s in sides})
        assert len(sides) == 90
        assert abs(len(plan.refs["val"]) / 90 - 0.25) <= 0.06
        assert abs(len(plan.refs["test"]) / 90 - 0.15) <= 0.06


def test_no_split_is_empty_where_there_are_groups_enough():
    facts = [pair(f"a_{number}") for number in range(95)] + [pair("b_0"), pair("c_0")]
    plan = divided(facts, SplitConfig(val=0.3, test=0.3, group="/(.)_"))
    assert plan.groups == {"train": 1, "val": 1, "test": 1}
    assert len(plan.refs["train"]) == 95
    assert "largest group: 95 images" in plan.to_text()
