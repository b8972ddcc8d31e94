"""Split: related images stay in the same split, classes are stratified, and the result is reproducible."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from divided_pairs import THREE, divided, imbalanced, pair, stems, texture

from converter.checking.split import make_splits
from converter.checking.split_files import write_lists
from converter.checking.split_plan import SplitConfig
from converter.classes.native import parse_class_map
from converter.errors import UsageError


def test_every_pair_is_in_one_split_once():
    plan = divided([pair(f"p{number}") for number in range(50)])
    assert sorted(name for names in stems(plan).values() for name in names) == sorted(f"p{n}" for n in range(50))
    assert {split: len(names) for split, names in stems(plan).items()} == {"train": 30, "val": 10, "test": 10}


def test_a_class_map_gives_the_names_and_ignored_pixels_do_not_count():
    classes = parse_class_map("name,value\nground,0\nroad,1\nroad,2\nignore,9\n", "classes.csv")
    facts = [pair(name, {0: 50, 1: 20, 2: 20, 9: 10}) for name in "abc"]
    plan = make_splits([fact.ref for fact in facts], facts, SplitConfig(), classes)
    assert plan.classes == ("ground", "road")
    assert sum(counts[1] for counts in plan.pixels.values()) == 120
    assert "road" in plan.to_text()
    assert plan.to_json()["class_shares"] == {"ground": 50 / 90, "road": 40 / 90}


def test_the_order_of_the_pairs_changes_nothing_and_the_seed_does():
    facts = imbalanced(0, 60)
    plan = divided(facts)
    for seed in range(10):
        order = np.random.default_rng(seed).permutation(len(facts))
        assert divided([facts[index] for index in order]) == plan
    assert divided(facts, replace(THREE, seed=1)).refs != plan.refs


def test_fewer_groups_than_splits_are_refused_with_the_largest_named():
    facts = [pair(f"a_{number}") for number in range(95)] + [pair("b_0")]
    with pytest.raises(UsageError, match=r"95 of 96 pairs must stay together, such as jpg/a_0.jpg.*--group") as caught:
        divided(facts, SplitConfig(test=0.1, group="/(.)_"))
    assert caught.value.code == "E_GROUPS"


@pytest.mark.parametrize(("names", "facts", "config", "text"), [
    ("a", {}, SplitConfig(), "cannot fill 2 splits: there is 1 pair. Add other images."),
    ("abc", {"digest": b"d"}, SplitConfig(), "3 of 3 pairs must stay together, such as jpg/a.jpg. Add other im"),
    ("abc", {"thumbnail": texture(0)}, SplitConfig(), "Pass --no-near if they only look alike, or add other"),
    ("abc", {}, SplitConfig(group="jpg"), "Pass another --group, or pass --no-near"),
    ("ab", {}, THREE, "cannot fill 3 splits: there are 2 pairs. Leave out --test, or add other images."),
])  # fmt: skip
def test_the_remedy_for_too_few_groups_is_one_that_helps(names, facts, config, text):
    with pytest.raises(UsageError) as caught:
        divided([pair(name, **facts) for name in names], config)
    assert text in str(caught.value)


def test_a_test_split_is_kept_unless_a_new_one_is_asked_for(tmp_path: Path):
    facts = [pair(f"{number:02}") for number in range(10)]
    held = {fact.ref.image for fact in facts[:4]}
    facts = [replace(f, ref=replace(f.ref, split="test")) if f.ref.image in held else f for f in facts]
    plan = divided(facts, SplitConfig(val=0.5))
    assert {split: len(refs) for split, refs in plan.refs.items()} == {"train": 3, "val": 3, "test": 4}
    assert {ref.image for ref in plan.refs["test"]} == held
    assert plan.groups == {"train": 3, "val": 3, "test": 0}
    assert plan.pixels["test"] == (400,)
    assert "the test split is unchanged" in plan.to_text()
    assert (tmp_path / "test.txt") in write_lists(tmp_path, plan)
    assert len(divided(facts, THREE).refs["test"]) == 2


def test_a_dataset_without_pairs_is_refused():
    with pytest.raises(UsageError, match="has no pair"):
        divided([])
