"""Groups: frames of a scene, copies and near-duplicates stay in the same split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from divided_pairs import SCENE, divided, pair, side_of, texture

from converter.checking.split_plan import SplitConfig
from converter.sources.refs import ExampleRef


@pytest.mark.parametrize("seed", range(20))
def test_peers_row_26_frames_of_one_scene_stay_together(seed):
    rng = np.random.default_rng(seed)
    scenes = [f"{number:04}{'TP' if number % 2 else 'E5'}" for number in range(12)]
    facts = [pair(f"{scene}_{frame:05}") for scene in scenes for frame in range(int(rng.integers(1, 20)))]
    plan = divided(facts, SplitConfig(val=0.2, test=0.2, seed=seed, group=SCENE))
    sides = {scene: {side for stem, side in side_of(plan).items() if stem.startswith(scene)} for scene in scenes}
    assert all(len(side) == 1 for side in sides.values())
    assert sum(plan.groups.values()) == 12


def test_a_pattern_without_a_group_compares_the_whole_match_and_others_stand_alone():
    facts = [pair(name) for name in ("a1_x", "a1_y", "a2_x", "b", "c")]
    plan = divided(facts, SplitConfig(val=0.4, group=r"a\d"))
    assert side_of(plan)["a1_x"] == side_of(plan)["a1_y"]
    assert (plan.alone, sum(plan.groups.values())) == (2, 4)
    assert plan.to_json()["alone"] == 2
    assert "2 images do not match --group" in plan.to_text()


def test_an_optional_group_that_took_no_part_stands_alone():
    facts = [pair(name) for name in ("x1", "x2", "ya", "yb")]
    plan = divided(facts, SplitConfig(val=0.4, group=r"/(?:(y)|x)"))
    assert (plan.alone, sum(plan.groups.values())) == (2, 3)


@pytest.mark.parametrize("seed", range(20))
def test_peers_row_26_copies_and_photographs_that_look_alike_are_never_on_two_sides(seed):
    facts = [pair(f"p{number:02}", thumbnail=texture(number)) for number in range(30)]
    facts += [pair(f"copy{number}", digest=facts[number].digest, thumbnail=texture(number)) for number in range(5)]
    facts += [pair(f"like{number}", thumbnail=texture(number)) for number in range(10, 15)]
    plan = divided(facts, SplitConfig(val=0.3, test=0.2, seed=seed))
    sides = side_of(plan)
    assert all(sides[f"copy{number}"] == sides[f"p{number:02}"] for number in range(5))
    assert all(sides[f"like{number}"] == sides[f"p{number:02}"] for number in range(10, 15))
    assert plan.copies == 5
    assert sum(plan.groups.values()) == 30


def test_what_is_alike_only_over_a_third_is_together_too():
    facts = [pair("a_1", digest=b"1"), pair("a_2", digest=b"2"), pair("b_1", digest=b"2"), pair("c_1"), pair("d_1")]
    sides = side_of(divided(facts, SplitConfig(val=0.4, group="/(.)_")))
    assert sides["a_1"] == sides["a_2"] == sides["b_1"]


def test_one_photograph_with_two_masks_is_on_one_side():
    facts = [pair(f"p{number}") for number in range(6)]
    facts.append(replace(facts[0], ref=ExampleRef("train", "jpg/p0.jpg", "png/other.png")))
    for seed in range(10):
        plan = divided(facts, SplitConfig(val=0.4, seed=seed))
        assert len({split for split, refs in plan.refs.items() for ref in refs if ref.image == "jpg/p0.jpg"}) == 1


def test_photographs_that_look_alike_may_be_divided_on_demand():
    facts = [pair(f"p{number}", thumbnail=texture(0)) for number in range(10)]
    plan = divided(facts, SplitConfig(near=False))
    assert (len(plan.refs["val"]), plan.alike) == (2, 0)
